/** What a node remembers of its peers for two weeks: a row a minute of those with traffic, and what was decided. */
import { z } from "zod";
import { peerStatus } from "./status.ts";

/** What was measured of one peer in one span of time. */
export const diaryPoint = z.object({
  /** Beginning of the span. */
  at: z.iso.datetime(),
  /** Median, lowest and highest round trip; null when none was measured. */
  latencyMs: z.number().nullable(),
  lowestMs: z.number().nullable(),
  highestMs: z.number().nullable(),
  /** Mean share of probes without echo, 0–100. */
  lossPercent: z.number().nullable(),
  /** At the end of the span. */
  state: peerStatus.shape.state,
  /** The path at the end of the span, `direct 192.0.2.7:7743` or `via nas, oslo`; null without one. */
  path: z.string().nullable(),
  /** IP bytes in the span. */
  rxBytes: z.number(),
  txBytes: z.number(),
});
export type DiaryPoint = z.infer<typeof diaryPoint>;

/** Something that was decided, or that happened, about a peer. */
export const diaryEvent = z.object({
  at: z.iso.datetime(),
  /** Name of the network, and of the peer as it was then. */
  network: z.string(),
  peer: z.string(),
  /** A reason's code, the state the peer went into, or `session`. */
  code: z.string(),
  /** One English sentence. */
  text: z.string(),
});
export type DiaryEvent = z.infer<typeof diaryEvent>;

export const diary = z.object({
  /** Oldest first; spans without traffic are left out. Empty unless one peer was asked for. */
  points: z.array(diaryPoint),
  /** Length of each span in seconds. */
  spanSeconds: z.number(),
  /** Oldest first; the newest 1,000 of the time asked for. */
  events: z.array(diaryEvent),
});
export type Diary = z.infer<typeof diary>;
