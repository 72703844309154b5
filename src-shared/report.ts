/** What a node tells those who help: its log as it grows, and a report of how it stands. */
import { z } from "zod";

/** Lines of the log, the oldest first. */
export const logLines = z.object({
  lines: z.array(z.string()),
  /** How many were left out before these, because more came than anybody reads. */
  missed: z.number(),
});

/** A trace that is being written. */
export const traceProgress = z.object({ secondsLeft: z.number(), lines: z.number() });

/** A report: everything that tells why something does not work, and no secret. */
export const report = z.object({
  version: z.literal(1),
  made: z.iso.datetime(),
  /** Names and addresses are replaced by others. */
  disguised: z.boolean(),
  starmesh: z.string(),
  system: z.object({
    platform: z.string(),
    release: z.string(),
    architecture: z.string(),
    node: z.string(),
    processors: z.number(),
    memoryMebibytes: z.number(),
  }),
  /** Answers of the calls of these names, redacted: their shapes are the contract's, their texts may not be. */
  status: z.unknown(),
  netcheck: z.unknown(),
  settings: z.unknown(),
  routes: z.unknown(),
  names: z.unknown(),
  exit: z.unknown(),
  /** What was decided about peers in the last three days. */
  diary: z.unknown(),
  log: z.array(z.string()),
  /** What was decided and why, step by step, in the time for which that was asked; empty otherwise. */
  trace: z.array(z.string()),
});
export type Report = z.infer<typeof report>;

/** The file that a report is kept in: JSON, compressed by gzip. */
export function reportFileName(made: string): string {
  return `starmesh-report-${made.slice(0, 19).replaceAll(":", "-")}.json.gz`;
}
