/** The calling side of the contract over a channel, typed by the contract. */
import type { z } from "zod";
import { AppError, fromWireError } from "../errors.ts";
import type { Channel } from "./channel.ts";
import type { CallName, InputOf, OutputOf, StopSignal, StreamName } from "./contract.ts";
import { contract } from "./contract.ts";
import type { AnswerFrame, CallerFrame } from "./frames.ts";
import { answerFrame, framesVersion, frameText, issueLine, parseFrame } from "./frames.ts";

/** Everything that can be asked of an engine. All failures are `AppError`s; a channel that ends gives `not-running`. */
export interface Client {
  /** Settles when the other side has said which frames it speaks: rejects with `unknown-call` when they are not ours. */
  readonly ready: Promise<void>;
  call<Name extends CallName>(name: Name, input: InputOf<Name>): Promise<OutputOf<Name>>;
  /**
   * The values of a stream, which starts with the iteration. Leaving the loop ends it, as does the signal: then the
   * loop ends as if the stream were through.
   */
  stream<Name extends StreamName>(
    name: Name,
    input: InputOf<Name>,
    signal?: StopSignal,
  ): AsyncIterable<OutputOf<Name>>;
  close(): void;
}

/** A client that speaks over this channel, which it now owns. */
export function createClient(channel: Channel): Client {
  return new ChannelClient(channel);
}

class ChannelClient implements Client {
  readonly ready: Promise<void>;
  readonly #channel: Channel;
  readonly #calls = new Map<number, PendingCall>();
  readonly #streams = new Map<number, Values>();
  #greet: Settle<void> = { resolve: () => undefined, reject: () => undefined };
  #lastId = 0;
  /** Why nothing can be asked any more. */
  #ended: { readonly code: "not-running" | "unknown-call" } | null = null;

  constructor(channel: Channel) {
    this.#channel = channel;
    this.ready = new Promise((resolve, reject) => {
      this.#greet = { resolve, reject };
    });
    // Whoever does not ask for `ready` hears the same from the calls.
    this.ready.catch(() => undefined);
    channel.onClose(() => this.#end("not-running"));
    channel.onMessage((text) => this.#hear(text));
    this.#send({ type: "hello", version: framesVersion });
  }

  call<Name extends CallName>(name: Name, input: InputOf<Name>): Promise<OutputOf<Name>> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.#ended !== null) return reject(endError(this.#ended.code, name));
      const id = ++this.#lastId;
      this.#calls.set(id, { name, resolve, reject });
      this.#send({ type: "call", id, name, input });
    }) as Promise<OutputOf<Name>>;
  }

  stream<Name extends StreamName>(
    name: Name,
    input: InputOf<Name>,
    signal?: StopSignal,
  ): AsyncIterable<OutputOf<Name>> {
    return {
      [Symbol.asyncIterator]: () => this.#start(name, input, signal) as AsyncIterator<OutputOf<Name>>,
    };
  }

  close(): void {
    this.#channel.close();
  }

  #start(name: StreamName, input: unknown, signal: StopSignal | undefined): AsyncIterator<unknown> {
    const id = ++this.#lastId;
    const stop = () => {
      if (this.#streams.delete(id)) this.#send({ type: "stop", id });
      values.end();
    };
    const values = new Values(name, () => {
      signal?.removeEventListener("abort", stop);
      stop();
    });
    if (signal?.aborted) values.end();
    else if (this.#ended !== null) values.fail(endError(this.#ended.code, name));
    else {
      this.#streams.set(id, values);
      signal?.addEventListener("abort", stop);
      this.#send({ type: "start", id, name, input });
    }
    return values;
  }

  #hear(text: string): void {
    const frame = parseFrame(text, answerFrame);
    if (frame === null) {
      this.#channel.close();
    } else if (frame.type !== "hello") {
      this.#hearAnswer(frame);
    } else if (frame.version === framesVersion) {
      this.#greet.resolve();
    } else {
      this.#end("unknown-call");
      this.#channel.close();
    }
  }

  #hearAnswer(frame: Exclude<AnswerFrame, { type: "hello" }>): void {
    const call = this.#calls.get(frame.id);
    const values = this.#streams.get(frame.id);
    switch (frame.type) {
      case "result":
        this.#calls.delete(frame.id);
        if (call !== undefined) settleWithOutput(call, frame.output);
        return;
      case "value":
        values?.add(frame.value);
        return;
      case "end":
        this.#streams.delete(frame.id);
        values?.end();
        return;
      case "error":
        this.#calls.delete(frame.id);
        this.#streams.delete(frame.id);
        call?.reject(fromWireError(frame.error));
        values?.fail(fromWireError(frame.error));
        return;
    }
  }

  #end(code: "not-running" | "unknown-call"): void {
    if (this.#ended !== null) return;
    this.#ended = { code };
    this.#greet.reject(endError(code, "hello"));
    for (const call of this.#calls.values()) call.reject(endError(code, call.name));
    for (const values of this.#streams.values()) values.fail(endError(code, values.name));
    this.#calls.clear();
    this.#streams.clear();
  }

  #send(frame: CallerFrame): void {
    void this.#channel.send(frameText(frame));
  }
}

interface Settle<Value> {
  readonly resolve: (value: Value) => void;
  readonly reject: (error: unknown) => void;
}

interface PendingCall extends Settle<unknown> {
  readonly name: CallName;
}

/** Values of one stream that wait to be read, or readers that wait for values. */
class Values implements AsyncIterator<unknown> {
  readonly name: StreamName;
  readonly #stop: () => void;
  readonly #held: unknown[] = [];
  readonly #waiting: Settle<IteratorResult<unknown>>[] = [];
  #end: { readonly error: unknown } | "through" | null = null;

  constructor(name: StreamName, stop: () => void) {
    this.name = name;
    this.#stop = stop;
  }

  next(): Promise<IteratorResult<unknown>> {
    return new Promise((resolve, reject) => {
      if (this.#held.length > 0) resolve({ done: false, value: this.#held.shift() });
      else if (this.#end === null) this.#waiting.push({ resolve, reject });
      else this.#settleEnd({ resolve, reject });
    });
  }

  async return(): Promise<IteratorResult<unknown>> {
    this.#held.length = 0;
    this.#stop();
    return { done: true, value: undefined };
  }

  add(value: unknown): void {
    if (this.#end !== null) return;
    if (this.#held.length >= mostHeld) {
      this.fail(
        new AppError("internal", { detail: `${this.name} was not read in time`, logs: "the log folder" }),
      );
      this.#stop();
      return;
    }
    try {
      const parsed = parseOutput(this.name, value);
      const reader = this.#waiting.shift();
      if (reader === undefined) this.#held.push(parsed);
      else reader.resolve({ done: false, value: parsed });
    } catch (error) {
      this.fail(error);
      this.#stop();
    }
  }

  end(): void {
    this.#finish("through");
  }

  fail(error: unknown): void {
    this.#finish({ error });
  }

  #finish(end: { readonly error: unknown } | "through"): void {
    if (this.#end !== null) return;
    this.#end = end;
    for (const reader of this.#waiting.splice(0)) this.#settleEnd(reader);
  }

  /** An error is told once; after it the stream is through. */
  #settleEnd(reader: Settle<IteratorResult<unknown>>): void {
    const end = this.#end;
    this.#end = "through";
    if (end === null || end === "through") reader.resolve({ done: true, value: undefined });
    else reader.reject(end.error);
  }
}

function settleWithOutput(call: PendingCall, output: unknown): void {
  try {
    call.resolve(parseOutput(call.name, output));
  } catch (error) {
    call.reject(error);
  }
}

function parseOutput(name: CallName | StreamName, output: unknown): unknown {
  const schema: z.ZodType = contract[name].output;
  const parsed = schema.safeParse(output);
  if (parsed.success) return parsed.data;
  throw new AppError("internal", {
    detail: `the answer to ${name} is not understood (${issueLine(parsed.error)})`,
    logs: "the log folder",
  });
}

function endError(code: "not-running" | "unknown-call", name: string): AppError {
  return code === "not-running" ? new AppError(code) : new AppError(code, { call: name });
}

/** Values kept for a reader that is slower than the stream. */
const mostHeld = 4096;
