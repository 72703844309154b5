/** One suite for every pipe: what callers of the contract may rely on. */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Channel } from "../../src-shared/api/channel.ts";
import { channelPair } from "../../src-shared/api/channel.ts";
import type { Client } from "../../src-shared/api/client.ts";
import { createClient } from "../../src-shared/api/client.ts";
import type { Handlers, OutputOf, StopSignal } from "../../src-shared/api/contract.ts";
import { longestRequest } from "../../src-shared/api/frames.ts";
import { mostOpen, serve } from "../../src-shared/api/server.ts";
import { AppError, errorKinds } from "../../src-shared/errors.ts";
import type { FakeEngine } from "../fakes/engine.ts";
import { createFakeEngine } from "../fakes/engine.ts";
import type { Faults, Pipe } from "./pipes.ts";
import { pipes } from "./pipes.ts";

describe.each(Object.entries(pipes))("the contract over %s", (_name, open) => {
  let engine: FakeEngine;
  let own: { -readonly [Name in keyof Handlers]?: Handlers[Name] };
  let faults: Faults;
  let pipe: Pipe;
  let client: Client;
  let streams: Gate[];

  beforeEach(async () => {
    engine = createFakeEngine({ peers: 3 });
    own = {};
    faults = { seen: [] };
    streams = [];
    const handlers = new Proxy(engine.handlers, {
      get: (target, name) => Reflect.get(own, name) ?? Reflect.get(target, name),
    });
    pipe = await open(handlers, faults);
    client = createClient(await pipe.connect());
    await client.ready;
  });
  afterEach(async () => {
    client.close();
    await pipe.close();
    engine.stop();
  });

  it("answers calls, many at once, each with its own answer", async () => {
    const [status, networks, shown] = await Promise.all([
      client.call("status.read", {}),
      client.call("networks.list", {}),
      client.call("networks.show", { network: "home-lab" }),
    ]);
    expect(networks).toEqual(status.networks);
    expect(shown.network.name).toBe("home-lab");
  });

  it("gives handlers the defaults, and callers what the schema says and no more", async () => {
    let heard: unknown;
    own["networks.up"] = async (input) => {
      heard = input;
      return { up: ["a"], extra: 1 } as OutputOf<"networks.up">;
    };
    expect(await client.call("networks.up", {})).toEqual({ up: ["a"] });
    expect(heard).toEqual({ networks: [] });
  });

  it("brings errors back with code and data", async () => {
    const error = await failure(client.call("networks.show", { network: "nowhere" }));
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code: "unknown-network", data: { name: "nowhere" } });
    expect(error.message).toBe(new AppError("unknown-network", { name: "nowhere" }).message);
    for (const code of Object.keys(errorKinds) as (keyof typeof errorKinds)[]) {
      own["networks.list"] = () => Promise.reject(new AppError(code, { port: 7, name: "x" }));
      expect(await failure(client.call("networks.list", {}))).toMatchObject({
        code,
        data: { port: 7, name: "x" },
      });
    }
  });

  it("tells the log, not the caller, where a handler broke", async () => {
    own["networks.list"] = () => {
      throw new TypeError("x of undefined");
    };
    expect(await failure(client.call("networks.list", {}))).toMatchObject({ code: "internal" });
    expect(faults.seen).toHaveLength(1);
    expect(faults.seen[0]?.name).toBe("networks.list");
  });

  it("refuses inputs by their schema, naming the place", async () => {
    const error = await failure(client.call("peers.path", { peer: "" }));
    expect(error.code).toBe("usage");
    expect(error.message).toMatch(/^peer: /);
    expect(await failure(client.call("invites.create", { network: "home-lab", count: 0 }))).toMatchObject({
      code: "usage",
    });
  });

  it("refuses outputs that break the contract", async () => {
    own["networks.down"] = async () => ({ down: "all" }) as unknown as OutputOf<"networks.down">;
    expect(await failure(client.call("networks.down", {}))).toMatchObject({ code: "internal" });
    expect(faults.seen).toHaveLength(1);
  });

  it("says unknown-call for what the contract does not have", async () => {
    for (const name of ["networks.destroy", "toString", "__proto__", "status.watch", ""]) {
      expect(await failure(client.call(name as "status.read", {}))).toMatchObject({
        code: "unknown-call",
        data: { call: name },
      });
    }
    expect(await failure(first(client.stream("status.read" as "status.watch", {})))).toMatchObject({
      code: "unknown-call",
    });
  });

  it("streams values in order until the stream is through", async () => {
    own["peers.ping"] = async function* ({ count }) {
      for (let sequence = 1; sequence <= count; sequence++) yield pong(sequence);
    };
    const seen: number[] = [];
    for await (const value of client.stream("peers.ping", { peer: "nas", count: 500 }))
      seen.push(value.sequence);
    expect(seen).toEqual(Array.from({ length: 500 }, (_, at) => at + 1));
  });

  it("ends a stream with its error, after the values before it", async () => {
    own["peers.ping"] = async function* () {
      yield pong(1);
      throw new AppError("peer-unreachable", { name: "nas" });
    };
    const values = client.stream("peers.ping", { peer: "nas" })[Symbol.asyncIterator]();
    expect((await values.next()).value).toEqual(pong(1));
    expect(await failure(values.next())).toMatchObject({ code: "peer-unreachable" });
    expect(await values.next()).toEqual({ done: true, value: undefined });
    own["peers.ping"] = async function* () {
      yield { sequence: "one" } as unknown as OutputOf<"peers.ping">;
    };
    expect(await failure(first(client.stream("peers.ping", { peer: "nas" })))).toMatchObject({
      code: "internal",
    });
  });

  it("stops the handler when the caller leaves the loop", async () => {
    gatedPings();
    for await (const value of client.stream("peers.ping", { peer: "nas" })) if (value.sequence === 3) break;
    await streams[0]?.stopped;
    expect(streams).toHaveLength(1);
  });

  it("stops the handler when the signal comes, and ends the loop quietly", async () => {
    gatedPings();
    const stop = new AbortController();
    const seen: number[] = [];
    for await (const value of client.stream("peers.ping", { peer: "nas" }, stop.signal)) {
      seen.push(value.sequence);
      if (value.sequence === 2) stop.abort();
    }
    expect(seen.length).toBeLessThanOrEqual(3);
    await streams[0]?.stopped;
    const never = client.stream("peers.ping", { peer: "nas" }, stop.signal);
    for await (const value of never) expect.unreachable(`${value.sequence} after the signal`);
    expect(streams).toHaveLength(1);
  });

  it("stops a handler that waits for something else", async () => {
    let ended = false;
    const waits = new Promise<void>((resolve) => {
      own["status.watch"] = async function* (_input, signal) {
        yield await engine.handlers["status.read"]({});
        signal.addEventListener("abort", resolve);
        await new Promise(() => undefined);
      };
    });
    void waits.then(() => {
      ended = true;
    });
    await first(client.stream("status.watch", {}));
    await waits;
    expect(ended).toBe(true);
  });

  it("stops every stream of a caller that goes away, and no other's", async () => {
    gatedPings();
    const other = createClient(await pipe.connect());
    const staying = other.stream("peers.ping", { peer: "other" })[Symbol.asyncIterator]();
    const leaving = [1, 2, 3].map(() => client.stream("peers.ping", { peer: "nas" })[Symbol.asyncIterator]());
    await Promise.all([staying.next(), ...leaving.map((values) => values.next())]);
    client.close();
    await Promise.all(streams.filter((gate) => gate.peer === "nas").map((gate) => gate.stopped));
    for (const values of leaving) expect(await failure(drain(values))).toMatchObject({ code: "not-running" });
    expect((await staying.next()).done).toBe(false);
    await staying.return?.();
    other.close();
  });

  it("hears the end of a stream that is in full flow", async () => {
    let made = 0;
    own["peers.ping"] = async function* (_input, signal) {
      while (!signal.aborted) yield pong(++made);
    };
    const channel = await pipe.connect();
    const raw = rawCaller(channel);
    raw.send({ type: "hello", version: 1 });
    raw.send({ type: "start", id: 1, name: "peers.ping", input: { peer: "nas" } });
    await raw.heard((frame) => frame["type"] === "value");
    raw.send({ type: "stop", id: 1 });
    raw.send({ type: "call", id: 2, name: "status.read", input: {} });
    await raw.heard((frame) => frame["type"] === "result");
    const stoppedAt = made;
    await client.call("status.read", {});
    expect(made).toBeLessThanOrEqual(stoppedAt + 1);
    channel.close();
  });

  it("fails what is open, and everything after, when the engine goes", async () => {
    own["networks.list"] = () => new Promise(() => undefined);
    const open = failure(client.call("networks.list", {}));
    await client.call("status.read", {});
    client.close();
    expect(await open).toMatchObject({ code: "not-running" });
    expect(await failure(client.call("status.read", {}))).toMatchObject({ code: "not-running" });
    expect(await failure(first(client.stream("status.watch", {})))).toMatchObject({ code: "not-running" });
  });

  it("takes a bounded number of calls at once and goes on afterwards", async () => {
    let release = () => {};
    const wait = new Promise<void>((resolve) => {
      release = resolve;
    });
    own["networks.down"] = async () => {
      await wait;
      return { down: [] };
    };
    const calls = Array.from({ length: mostOpen }, () => client.call("networks.down", {}));
    expect(await failure(client.call("networks.down", {}))).toMatchObject({ code: "too-many-tries" });
    release();
    await Promise.all(calls);
    expect(await client.call("networks.down", {})).toEqual({ down: [] });
  });

  it("closes on a caller that speaks no frames, and stays up for the others", async () => {
    const strange = [
      "",
      "{",
      "[]",
      '{"type":"call","id":1,"name":"status.read","input":{}}',
      '{"type":"hello"}',
      '{"type":"hello","version":99}',
      '{"type":"hello","version":1}\u0000',
      `{"type":"hello","version":1,"x":"${"x".repeat(longestRequest)}"}`,
    ];
    for (const text of strange) {
      const channel = await pipe.connect();
      const closed = new Promise<void>((resolve) => channel.onClose(resolve));
      channel.onMessage(() => undefined);
      await channel.send(text);
      await closed;
    }
    const twice = await pipe.connect();
    const closed = new Promise<void>((resolve) => twice.onClose(resolve));
    const raw = rawCaller(twice);
    own["networks.list"] = () => new Promise(() => undefined);
    raw.send({ type: "hello", version: 1 });
    raw.send({ type: "call", id: 1, name: "networks.list", input: {} });
    raw.send({ type: "call", id: 1, name: "networks.list", input: {} });
    await closed;
    expect((await client.call("status.read", {})).node.name).not.toBe("");
  });

  it("refuses any text that is no frame, whatever it holds", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json(), fc.string({ unit: "binary" })), async (text) => {
        const channel = await pipe.connect();
        const closed = new Promise<void>((resolve) => channel.onClose(resolve));
        channel.onMessage(() => undefined);
        await channel.send(text);
        await closed;
      }),
      { numRuns: 20 },
    );
    await client.call("status.read", {});
  });

  interface Gate {
    readonly peer: string;
    readonly stopped: Promise<void>;
  }

  /** Endless pings; each run of the handler leaves a note of its end. */
  function gatedPings(): void {
    own["peers.ping"] = async function* ({ peer }, signal: StopSignal) {
      let end = () => {};
      streams.push({ peer, stopped: new Promise((resolve) => (end = resolve)) });
      try {
        for (let sequence = 1; !signal.aborted; sequence++) {
          yield pong(sequence);
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        end();
      }
    };
  }
});

describe("a strange other side", () => {
  it("of other frames fails everything with unknown-call, which names the way out", async () => {
    const [caller, other] = channelPair();
    const client = createClient(caller);
    const open = failure(client.call("status.read", {}));
    void other.send('{"type":"hello","version":2}');
    expect(await failure(client.ready)).toMatchObject({ code: "unknown-call" });
    expect(await open).toMatchObject({ code: "unknown-call", data: { call: "status.read" } });
    expect(await failure(first(client.stream("status.watch", {})))).toMatchObject({ code: "unknown-call" });
  });

  it("that sends no frames is left, and nothing is believed of it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json(), fc.string({ unit: "binary" })), async (text) => {
        const [caller, other] = channelPair();
        const client = createClient(caller);
        const open = failure(client.call("status.read", {}));
        void other.send(text);
        expect(await open).toMatchObject({ code: "not-running" });
      }),
    );
  });

  it("whose answers break the contract gets an internal error, not a wrong value", async () => {
    const [caller, other] = channelPair();
    const client = createClient(caller);
    const open = failure(client.call("networks.list", {}));
    void other.send('{"type":"result","id":1,"output":[{"name":3}]}');
    expect(await open).toMatchObject({ code: "internal", message: expect.stringContaining("networks.list") });
    void other.send('{"type":"result","id":77,"output":null}');
    void other.send('{"type":"value","id":78,"value":null}');
    void other.send('{"type":"error","id":79,"error":{"code":"x","message":"y"}}');
    const later = client.call("networks.list", {});
    void other.send('{"type":"error","id":2,"error":{"code":"of-later-versions","message":"its line"}}');
    expect(await failure(later)).toMatchObject({ code: "internal", data: { detail: "its line" } });
  });
});

describe("a pipe without room", () => {
  it("holds streams back, whatever they could make", async () => {
    const engine = createFakeEngine({ peers: 3 });
    let made = 0;
    const handlers: Handlers = {
      ...engine.handlers,
      "peers.ping": async function* () {
        for (;;) yield pong(++made);
      },
    };
    let hear: (text: string) => void = () => undefined;
    let close = () => {};
    const sent: string[] = [];
    let takeFirst = () => {};
    const firstValue = new Promise<void>((resolve) => (takeFirst = resolve));
    serve(handlers, {
      send: (text) => {
        sent.push(text);
        if (!text.includes('"value"')) return;
        takeFirst();
        return new Promise(() => undefined);
      },
      onMessage: (listener) => (hear = listener),
      onClose: (listener) => (close = listener),
      close: () => close(),
    });
    hear('{"type":"hello","version":1}');
    hear('{"type":"start","id":1,"name":"peers.ping","input":{"peer":"nas"}}');
    await firstValue;
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(made).toBe(1);
    expect(sent).toHaveLength(2);
    close();
    engine.stop();
  });
});

const pong = (sequence: number): OutputOf<"peers.ping"> => ({
  sequence,
  latencyMs: 1.5,
  path: "direct 192.0.2.7:7743",
  address: "10.20.0.2",
  name: "nas",
});

async function failure(work: Promise<unknown>): Promise<AppError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

async function first<Value>(values: AsyncIterable<Value>): Promise<Value | undefined> {
  for await (const value of values) return value;
  return undefined;
}

async function drain(values: AsyncIterator<unknown>): Promise<void> {
  while (!(await values.next()).done);
}

/** Frames by hand. */
function rawCaller(channel: Channel) {
  const frames: Record<string, unknown>[] = [];
  let wake = () => {};
  channel.onMessage((text) => {
    frames.push(JSON.parse(text) as Record<string, unknown>);
    wake();
  });
  return {
    send: (frame: unknown) => void channel.send(JSON.stringify(frame)),
    async heard(wanted: (frame: Record<string, unknown>) => boolean): Promise<void> {
      while (!frames.some(wanted)) await new Promise<void>((resolve) => (wake = resolve));
    },
  };
}
