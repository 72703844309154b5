import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { bridgeChannel } from "../../../src-renderer/channel/bridge.ts";
import { keepLinked } from "../../../src-renderer/channel/link.ts";
import type { Opening } from "../../../src-renderer/channel/ways.ts";
import type { Channel } from "../../../src-shared/api/channel.ts";
import { channelPair } from "../../../src-shared/api/channel.ts";
import { serve } from "../../../src-shared/api/server.ts";
import { AppError } from "../../../src-shared/errors.ts";
import type { FakeEngine } from "../../fakes/engine.ts";
import { createFakeEngine } from "../../fakes/engine.ts";

let engine: FakeEngine;

beforeEach(() => {
  vi.useFakeTimers();
  engine = createFakeEngine();
});

afterEach(() => {
  engine.stop();
  vi.useRealTimers();
});

/** A listener that writes down what it hears. */
function notes() {
  const heard: string[] = [];
  return {
    heard,
    listener: {
      onOpening: () => heard.push("opening"),
      onOpen: () => heard.push("open"),
      onStatus: () => heard.push("status"),
      onLost: () => heard.push("lost"),
      onRefused: (error: AppError) => heard.push(error.code),
    },
  };
}

/** A channel to the engine, and its far end. */
function openChannel(): readonly [Channel, Channel] {
  const [near, far] = channelPair();
  serve(engine.handlers, far);
  return [near, far];
}

describe("the link to the engine", () => {
  it("comes back by itself after a loss", async () => {
    const { heard, listener } = notes();
    const [near, far] = openChannel();
    const openings: Opening[] = [near, null, openChannel()[0]];
    keepLinked(async () => openings.shift() ?? null, listener);
    await vi.advanceTimersByTimeAsync(10);
    expect(heard).toEqual(["opening", "open", "status"]);
    far.close();
    await vi.advanceTimersByTimeAsync(2000);
    expect(heard.filter((event) => event !== "status")).toEqual(["opening", "open", "lost", "lost", "open"]);
    expect(heard.at(-1)).toBe("status");
  });

  it("waits longer after each failure, and at once when asked", async () => {
    const { listener } = notes();
    let tries = 0;
    const link = keepLinked(async () => {
      tries++;
      return null;
    }, listener);
    await vi.advanceTimersByTimeAsync(2000);
    expect(tries).toBe(4);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(tries).toBeLessThan(9);
    const before = tries;
    link.retry();
    await vi.advanceTimersByTimeAsync(1);
    expect(tries).toBe(before + 1);
  });

  it("says that it is refused, and tries no more until a log-in may have come", async () => {
    const { heard, listener } = notes();
    const openings: Opening[] = [{ refused: new AppError("panel-unauthorized") }, openChannel()[0]];
    const link = keepLinked(async () => openings.shift() ?? null, listener);
    await vi.advanceTimersByTimeAsync(5000);
    expect(heard).toEqual(["opening", "panel-unauthorized"]);
    link.retry();
    await vi.advanceTimersByTimeAsync(10);
    expect(heard.slice(2)).toEqual(["open", "status"]);
  });
});

describe("the window's bridge", () => {
  it("carries a channel until the engine is gone, and another one after that", () => {
    const sent: string[] = [];
    let tell: (frame: string | null) => void = () => undefined;
    const bridge = {
      send: (frame: string) => sent.push(frame),
      onFrame: (listener: (frame: string | null) => void) => {
        tell = listener;
      },
    };
    const first = bridgeChannel(bridge);
    const heard: string[] = [];
    first.onMessage((text) => heard.push(text));
    first.onClose(() => heard.push("closed"));
    void first.send("one");
    tell("answer");
    tell(null);
    void first.send("lost");
    const second = bridgeChannel(bridge);
    second.onMessage((text) => heard.push(`second ${text}`));
    void second.send("two");
    tell("again");
    expect(heard).toEqual(["answer", "closed", "second again"]);
    expect(sent).toEqual(["one", "two"]);
  });
});
