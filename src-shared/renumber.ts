/** What it means to move a network to another range. */
import { z } from "zod";

/** Addresses that are used already. */
export const renumberClash = z.object({
  prefix: z.string(),
  /** An interface of this machine, a network of it, or the member that said so. */
  where: z.string(),
});
export type RenumberClash = z.infer<typeof renumberClash>;

export const renumberPlan = z.object({
  /** The range of now. */
  before: z.string(),
  /** The range to come, in its usual form. */
  range: z.string(),
  members: z.array(
    z.object({
      name: z.string(),
      from: z.string(),
      to: z.string(),
      /** An ordinary WireGuard client: it needs another profile. */
      stock: z.boolean(),
    }),
  ),
  /** What stands against it. */
  clashes: z.array(renumberClash),
});
export type RenumberPlan = z.infer<typeof renumberPlan>;
