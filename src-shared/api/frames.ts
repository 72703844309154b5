/** The frames in which the contract crosses a channel: one JSON text each, the same over every kind of pipe. */
import { z } from "zod";

/** Raised when a frame changes its meaning; the first frame of each side names it. */
export const framesVersion = 1;

/** The longest text that a caller may send, in UTF-16 units: a policy of 10,000 rules. Answers may be longer. */
export const longestRequest = 4 * 1024 * 1024;

/** Says which frames a side speaks; the first one on each side. */
const hello = z.object({ type: z.literal("hello"), version: z.number().int() });
/** Chosen by the caller; answers carry it. Never used again on one channel. */
const id = z.number().int().min(1);
const request = { id, name: z.string().max(64), input: z.unknown() };

/** From the caller. */
export const callerFrame = z.discriminatedUnion("type", [
  hello,
  z.object({ type: z.literal("call"), ...request }),
  z.object({ type: z.literal("start"), ...request }),
  /** The caller wants no more values of a stream; nothing answers it. */
  z.object({ type: z.literal("stop"), id }),
]);
export type CallerFrame = z.infer<typeof callerFrame>;

/** From the side that answers. */
export const answerFrame = z.discriminatedUnion("type", [
  hello,
  z.object({ type: z.literal("result"), id, output: z.unknown() }),
  z.object({ type: z.literal("value"), id, value: z.unknown() }),
  /** A stream is through. */
  z.object({ type: z.literal("end"), id }),
  /** A call or a stream failed. */
  z.object({
    type: z.literal("error"),
    id,
    error: z.object({
      code: z.string(),
      message: z.string(),
      data: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
    }),
  }),
]);
export type AnswerFrame = z.infer<typeof answerFrame>;

/** The frame that a text holds; null for anything else. */
export function parseFrame<Frame>(text: string, schema: z.ZodType<Frame>): Frame | null {
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** A frame as the text that crosses the channel. */
export function frameText(frame: CallerFrame | AnswerFrame): string {
  return JSON.stringify(frame);
}

/** What is wrong with an input or an output, in one line: `count: expected number`. */
export function issueLine(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return "not understood";
  const place = issue.path.map(String).join(".");
  return place === "" ? issue.message : `${place}: ${issue.message}`;
}
