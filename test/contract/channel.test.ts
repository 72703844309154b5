/** One suite for every kind of channel: what the control protocol may rely on. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openPort } from "../../src-main/server/port.ts";
import { loadCertificate } from "../../src-main/transport/certificate.ts";
import type { Channel, Connect } from "../../src-main/transport/channel.ts";
import { longestMessage } from "../../src-main/transport/channel.ts";
import { createMemoryNetwork } from "../../src-main/transport/memory.ts";
import { connectWebSocket } from "../../src-main/transport/websocket.ts";

interface Ground {
  readonly address: string;
  readonly connect: Connect;
  readonly close: () => Promise<void>;
}

const secret = "what insiders know";

async function tlsGround(accept: (channel: Channel) => void): Promise<Ground> {
  const folder = mkdtempSync(join(tmpdir(), "starmesh-channel-"));
  const tls = await loadCertificate({ folder }, Date.now());
  const port = await openPort({
    host: "127.0.0.1",
    port: 0,
    tls,
    accept,
    secrets: () => [secret],
    streams: () => null,
    refused: () => undefined,
  });
  const close = async () => {
    await port.close();
    rmSync(folder, { recursive: true });
  };
  return { address: `127.0.0.1:${port.port}`, connect: connectWebSocket, close };
}

async function memoryGround(accept: (channel: Channel) => void): Promise<Ground> {
  const network = createMemoryNetwork();
  const close = network.listen("127.0.0.1:1", accept);
  return { address: "127.0.0.1:1", connect: network.connect, close: async () => close() };
}

/** Records what a channel delivers and waits for it. */
class Ear {
  readonly texts: (string | null)[] = [];
  heard = 0;
  ends = 0;
  readonly #waiting = new Set<() => void>();

  constructor(channel: Channel) {
    channel.listen({
      message: (text) => this.#note(() => this.texts.push(text)),
      heard: () => this.#note(() => this.heard++),
      closed: () => this.#note(() => this.ends++),
    });
  }

  until(isTrue: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!isTrue()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  #note(change: () => void): void {
    change();
    for (const look of [...this.#waiting]) look();
  }
}

describe.each([
  { kind: "tls", open: tlsGround },
  { kind: "memory", open: memoryGround },
])("channel: $kind", ({ open }) => {
  let ground: Ground;
  let accepted: Promise<Channel>;
  let node: Channel;
  let router: Channel;
  beforeEach(async () => {
    let accept: (channel: Channel) => void = () => undefined;
    accepted = new Promise((resolve) => {
      accept = resolve;
    });
    ground = await open((channel) => accept(channel));
    node = await ground.connect(ground.address, secret, new AbortController().signal);
    router = await accepted;
  });
  afterEach(async () => {
    node.cut();
    await ground.close();
  });

  it("gives both ends the same secret, and another to every other pair", async () => {
    expect(node.exporter).toHaveLength(32);
    expect(Buffer.from(node.exporter)).toEqual(Buffer.from(router.exporter));
    const other = await ground.connect(ground.address, secret, new AbortController().signal);
    expect(Buffer.from(other.exporter)).not.toEqual(Buffer.from(node.exporter));
    other.cut();
  });

  it("knows the other end's address", () => {
    expect(node.remote).toBe("127.0.0.1");
  });

  it("delivers in order, what came before anybody listened first", async () => {
    for (let at = 0; at < 20; at++) router.send(`early ${at}`);
    const ear = new Ear(node);
    await ear.until(() => ear.texts.length === 20);
    router.send(Buffer.from("über bytes"));
    await ear.until(() => ear.texts.length === 21);
    expect(ear.texts[0]).toBe("early 0");
    expect(ear.texts[19]).toBe("early 19");
    expect(ear.texts[20]).toBe("über bytes");
  });

  it("moves to another listener, which also hears of an end before it", async () => {
    const first = new Ear(node);
    router.send("one");
    await first.until(() => first.texts.length === 1);
    const second = new Ear(node);
    router.send("two");
    await second.until(() => second.texts.length === 1);
    expect(first.texts).toEqual(["one"]);
    router.cut();
    await second.until(() => second.ends === 1);
    const third = new Ear(node);
    await third.until(() => third.ends === 1);
  });

  it("sends what was said before it closes, and ends once on both sides", async () => {
    const [nodeEar, routerEar] = [new Ear(node), new Ear(router)];
    router.send("last words");
    router.close();
    router.send("too late");
    await nodeEar.until(() => nodeEar.ends === 1);
    await routerEar.until(() => routerEar.ends === 1);
    expect(nodeEar.texts).toEqual(["last words"]);
    node.send("to nobody");
    node.close();
    expect(nodeEar.ends).toBe(1);
  });

  it("answers a ping with a sign of life, and counts messages as one", async () => {
    const ear = new Ear(node);
    new Ear(router);
    node.ping();
    await ear.until(() => ear.heard === 1);
    router.send("x");
    await ear.until(() => ear.heard === 2);
  });

  it("holds messages back while paused", async () => {
    const [nodeEar, routerEar] = [new Ear(node), new Ear(router)];
    node.pause();
    router.send("held");
    node.send("probe");
    await routerEar.until(() => routerEar.texts.length === 1);
    expect(nodeEar.texts).toEqual([]);
    node.resume();
    await nodeEar.until(() => nodeEar.texts.length === 1);
  });

  it("carries the longest message and cuts off one that is longer", async () => {
    const ear = new Ear(router);
    node.send("x".repeat(longestMessage));
    await ear.until(() => ear.texts.length === 1);
    expect(ear.texts[0]).toHaveLength(longestMessage);
    node.send("x".repeat(longestMessage + 1));
    await ear.until(() => ear.ends === 1);
    expect(ear.texts).toHaveLength(1);
  });

  it("rejects where nobody listens, and when given up", async () => {
    await expect(ground.connect("127.0.0.1:2", secret, new AbortController().signal)).rejects.toThrow();
    const given = AbortSignal.abort(new Error("given up"));
    await expect(ground.connect(ground.address, secret, given)).rejects.toThrow("given up");
  });
});
