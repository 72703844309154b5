/** The answering side of the contract: takes frames from a channel, checks them, asks the handlers. */
import type { z } from "zod";
import { AppError, toWireError } from "../errors.ts";
import type { Caller, Channel } from "./channel.ts";
import type { CallName, Handlers, StopSignal, StreamName } from "./contract.ts";
import { contract } from "./contract.ts";
import type { AnswerFrame } from "./frames.ts";
import { callerFrame, framesVersion, frameText, issueLine, longestRequest, parseFrame } from "./frames.ts";

export interface ServeOptions {
  /** Who calls, where the system says; nobody is vouched for without. */
  readonly caller?: Caller;
  /** Where an `internal` error tells the user to look. */
  readonly logs?: string;
  /** Hears what handlers threw that is no `AppError`, and answers that break the contract. */
  readonly onFault?: (name: string, error: unknown) => void;
}

/**
 * Answers every call and stream that comes over the channel until it closes; then all its streams are stopped. At most
 * `mostOpen` are open at once; more are refused. A text that is no frame closes the channel.
 */
export function serve(handlers: Handlers, channel: Channel, options: ServeOptions = {}): void {
  new Service(handlers, channel, options);
}

/** How many calls and streams one channel may have open. */
export const mostOpen = 128;

class Service {
  readonly #handlers: Handlers;
  readonly #channel: Channel;
  readonly #options: ServeOptions;
  readonly #open = new Map<number, Stopper>();
  #greeted = false;

  constructor(handlers: Handlers, channel: Channel, options: ServeOptions) {
    this.#handlers = handlers;
    this.#channel = channel;
    this.#options = options;
    channel.onClose(() => this.#stopAll());
    channel.onMessage((text) => this.#hear(text));
    void this.#send({ type: "hello", version: framesVersion });
  }

  #hear(text: string): void {
    const frame = text.length > longestRequest ? null : parseFrame(text, callerFrame);
    if (frame === null || (frame.type === "hello") === this.#greeted) {
      this.#channel.close();
      return;
    }
    switch (frame.type) {
      case "hello":
        this.#greeted = true;
        if (frame.version !== framesVersion) this.#channel.close();
        return;
      case "stop":
        this.#open.get(frame.id)?.stop();
        return;
      case "call":
      case "start":
        if (this.#open.has(frame.id)) this.#channel.close();
        else void this.#answer(frame);
        return;
    }
  }

  async #answer(frame: { type: "call" | "start"; id: number; name: string; input?: unknown }): Promise<void> {
    const { id, name } = frame;
    if (this.#open.size >= mostOpen) return this.#fail(id, name, new AppError("too-many-tries"));
    const stopper = new Stopper();
    this.#open.set(id, stopper);
    try {
      if (frame.type === "start") await this.#pump(id, name, frame.input);
      else {
        const output = await answerCall(this.#handlers, frame, this.#options.caller);
        await this.#send({ type: "result", id, output });
      }
    } catch (error) {
      await this.#fail(id, name, error);
    } finally {
      this.#open.delete(id);
    }
  }

  /** Passes values on one at a time, as fast as the channel takes them. */
  async #pump(id: number, name: string, input: unknown): Promise<void> {
    if (!isStream(name)) throw new AppError("unknown-call", { call: name });
    const stopper = this.#open.get(id) ?? new Stopper();
    const handler = this.#handlers[name] as (input: unknown, signal: StopSignal) => AsyncIterable<unknown>;
    const values = handler(parseInput(name, input), stopper)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const step = await nextUnlessStopped(values, stopper);
        if (step === null) return;
        if (step.done) return await this.#send({ type: "end", id });
        await this.#send({ type: "value", id, value: checkOutput(name, step.value) });
      }
    } finally {
      stopper.stop();
      // A generator that waits for something else ends when that comes; nobody here waits for it.
      Promise.resolve(values.return?.()).catch((error: unknown) => this.#options.onFault?.(name, error));
    }
  }

  async #fail(id: number, name: string, error: unknown): Promise<void> {
    if (!(error instanceof AppError) || error.code === "internal") this.#options.onFault?.(name, error);
    await this.#send({ type: "error", id, error: toWireError(error, this.#options.logs) });
  }

  async #send(frame: AnswerFrame): Promise<void> {
    await this.#channel.send(frameText(frame));
  }

  #stopAll(): void {
    for (const stopper of this.#open.values()) stopper.stop();
  }
}

/** Checks the input, asks the handler, checks the output. Throws `unknown-call`, `usage`, or what the handler says. */
async function answerCall(
  handlers: Handlers,
  { name, input }: { readonly name: string; readonly input?: unknown },
  caller?: Caller,
): Promise<unknown> {
  if (!isCall(name)) throw new AppError("unknown-call", { call: name });
  const handler = handlers[name] as (input: unknown, caller?: Caller) => Promise<unknown>;
  return checkOutput(name, await handler(parseInput(name, input), caller));
}

class Stopper implements StopSignal {
  aborted = false;
  readonly #listeners = new Set<() => void>();

  addEventListener(_type: "abort", listener: () => void): void {
    if (this.aborted) listener();
    else this.#listeners.add(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.delete(listener);
  }

  stop(): void {
    if (this.aborted) return;
    this.aborted = true;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }
}

/** The next step, or null as soon as the stream is stopped. */
function nextUnlessStopped(
  values: AsyncIterator<unknown>,
  stopper: Stopper,
): Promise<IteratorResult<unknown> | null> {
  return new Promise((resolve, reject) => {
    const stopped = () => resolve(null);
    stopper.addEventListener("abort", stopped);
    values
      .next()
      .then(resolve, reject)
      .finally(() => stopper.removeEventListener("abort", stopped));
  });
}

function parseInput(name: CallName | StreamName, input: unknown): unknown {
  const schema: z.ZodType = contract[name].input;
  const parsed = schema.safeParse(input ?? {});
  if (!parsed.success) throw new AppError("usage", { detail: issueLine(parsed.error) });
  return parsed.data;
}

function checkOutput(name: CallName | StreamName, output: unknown): unknown {
  const schema: z.ZodType = contract[name].output;
  const parsed = schema.safeParse(output);
  if (!parsed.success)
    throw new Error(`the answer to ${name} breaks the contract: ${issueLine(parsed.error)}`);
  return parsed.data;
}

function isCall(name: string): name is CallName {
  return Object.hasOwn(contract, name) && contract[name as keyof typeof contract].kind === "call";
}

function isStream(name: string): name is StreamName {
  return Object.hasOwn(contract, name) && contract[name as keyof typeof contract].kind === "stream";
}
