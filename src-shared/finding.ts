/** What a check found, in words. */
import { z } from "zod";

/** `advice`: what to do; null when nothing has to be done. */
export const finding = z.object({
  code: z.string(),
  level: z.enum(["good", "note", "bad"]),
  text: z.string(),
  advice: z.string().nullable(),
});
export type Finding = z.infer<typeof finding>;
