/** A line that delays, loses, reorders and limits what passes, as this kernel's own queues may not: a program between two interfaces. */
import { execFile } from "node:child_process";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { root } from "./bundle.mjs";
import type { Child, Host } from "./host.ts";
import { waitUntil } from "./wait.ts";

/** What a direction of a line does; what is left out is as on a good one. */
export interface Impairment {
  readonly delayMillis?: number;
  /** Up to so much more, drawn anew for each frame; frames keep their order. */
  readonly jitterMillis?: number;
  /** Share that is lost, 0–1. */
  readonly loss?: number;
  /** Mean number of frames lost in a row; left out: each is lost by itself. */
  readonly burst?: number;
  /** Share that comes late and is overtaken, 0–1. */
  readonly late?: number;
  readonly latenessMillis?: number;
  /** Share that comes twice, 0–1. */
  readonly duplicate?: number;
  /** Counted over Ethernet frames; needs a queue. */
  readonly bitsPerSecond?: number;
  /** What finds more than this before it is dropped. */
  readonly queueMillis?: number;
}

/** What happened to the frames of a direction. */
export interface LineCounters {
  readonly passed: number;
  readonly bytes: number;
  readonly lost: number;
  /** Dropped by a full queue. */
  readonly full: number;
  readonly late: number;
  readonly duplicated: number;
  /** Dropped because the machine was too slow: whatever was measured is worth nothing. */
  readonly overrun: number;
  /** How long the queue held frames. */
  readonly waitMeanMicros: number;
  readonly waitPeakMicros: number;
}

/** From the host that it belongs to, and to it. */
export type LineDirection = "there" | "back";

export class Line {
  readonly #child: Child;
  #read = 0;

  /** Begins to pass frames between the devices `near` and `far` of a host. */
  static async start(middle: Host, seed = 1): Promise<Line> {
    const line = new Line(middle.start(await program(), ["near", "far", String(seed)]));
    await line.#answer("ready");
    return line;
  }

  private constructor(child: Child) {
    this.#child = child;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Does this and nothing else from now on. */
  async set(impairment: Impairment, direction: LineDirection | "both" = "both"): Promise<void> {
    this.#child.write(`set ${direction} ${words(impairment)}\n`);
    await this.#answer("done");
  }

  /** What happened since they were taken before. */
  async takeCounters(): Promise<Readonly<Record<LineDirection, LineCounters>>> {
    this.#child.write("counters\n");
    return JSON.parse(await this.#answer("{"));
  }

  async #answer(begin: string): Promise<string> {
    const answer = await waitUntil("the line answers", () => {
      const { stdout, stderr, process } = this.#child;
      if (process.exitCode !== null) throw new Error(`the line ended: ${stderr}`);
      const end = stdout.indexOf("\n", this.#read);
      return end < 0 ? null : stdout.slice(this.#read, end);
    });
    this.#read += answer.length + 1;
    if (!answer.startsWith(begin)) throw new Error(`the line ${answer}`);
    return answer;
  }
}

/** An impairment as the program reads it. */
function words(impairment: Impairment): string {
  const micros = (millis: number | undefined) =>
    millis === undefined ? undefined : Math.round(millis * 1000);
  const values = {
    delay: micros(impairment.delayMillis),
    jitter: micros(impairment.jitterMillis),
    loss: impairment.loss,
    burst: impairment.burst,
    late: impairment.late,
    lateness: micros(impairment.latenessMillis),
    duplicate: impairment.duplicate,
    rate: impairment.bitsPerSecond,
    queue: micros(impairment.queueMillis),
  };
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");
}

let built: Promise<string> | null = null;

/** Path of the program, built first where its source is newer. */
function program(): Promise<string> {
  built ??= build();
  return built;
}

async function build(): Promise<string> {
  const crate = join(root, "test/line");
  const target = join(crate, "target");
  // Where a fresh rustup puts cargo, which the search path of sudo does not have.
  const path = [process.env["PATH"], join(homedir(), ".cargo/bin")].join(delimiter);
  await promisify(execFile)("cargo", ["build", "--release", "--locked", "--quiet", "--target-dir", target], {
    cwd: crate,
    env: { ...process.env, PATH: path },
  });
  return join(target, "release/line");
}
