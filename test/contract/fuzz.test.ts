/** Anything at all to the router's TCP port: refused, counted, and nothing dies. */
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import type { Channel } from "../../src-main/transport/channel.ts";
import { dialTls } from "../../src-main/transport/dial.ts";
import { knock } from "../../src-main/transport/door.ts";
import { signHello } from "../../src-main/transport/greeting.ts";
import { wayOut } from "../../src-main/transport/way-out.ts";
import { connectWebSocket } from "../../src-main/transport/websocket.ts";
import { routerHello } from "../../src-shared/wire.ts";
import { createRandom } from "../fakes/random.ts";
import type { Hosted, Joined } from "./control-world.ts";
import { memberGreeting, World } from "./control-world.ts";

describe("garbage to the router's TCP port", () => {
  let world: World;
  let hosted: Hosted;
  let member: Joined;
  const port = () => Number(world.address.split(":")[1]);
  beforeAll(async () => {
    world = new World("tls");
    await world.start();
    hosted = await world.found();
    const { key } = await world.invite(hosted);
    member = await world.join(hosted, key, { name: "witness" });
  });
  afterAll(() => world.close());

  /** The witness is still served. */
  async function lives(): Promise<void> {
    await member.client.control.request({ call: "presence", udp: true });
    expect(member.client.ended).toBeNull();
  }

  const total = () => Object.values(world.router.refused()).reduce((sum, count) => sum + count, 0);

  it("random bytes to the bare socket end it, counted", async () => {
    const random = createRandom(4711);
    for (let round = 0; round < 60; round++) {
      const before = total();
      await new Promise<void>((resolve) => {
        const socket = connectTcp(port(), "127.0.0.1", () =>
          socket.end(random.bytes(16 + Math.floor(random.next() * 600))),
        );
        socket.on("error", () => undefined);
        socket.on("close", () => resolve());
        socket.resume();
      });
      await vi.waitFor(() => expect(total()).toBeGreaterThan(before), { interval: 5, timeout: 30_000 });
    }
    await lives();
  });

  it("random bytes inside TLS end it, counted", async () => {
    const random = createRandom(12);
    for (let round = 0; round < 60; round++) {
      const before = total();
      await new Promise<void>((resolve) => {
        const socket = connectTls({ port: port(), host: "127.0.0.1", rejectUnauthorized: false }, () =>
          socket.end(
            Buffer.concat([random.bytes(1 + Math.floor(random.next() * 300)), Buffer.from("\r\n\r\n")]),
          ),
        );
        socket.on("error", () => undefined);
        socket.on("close", () => resolve());
        socket.resume();
      });
      await vi.waitFor(() => expect(total()).toBeGreaterThan(before), { interval: 5, timeout: 30_000 });
    }
    await lives();
  });

  it("upgrades that are none are refused", async () => {
    const heads = [
      "GET /control HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
      "GET /elsewhere HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
      "POST /control HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    ];
    for (const head of heads) {
      const answer = await new Promise<string>((resolve) => {
        let text = "";
        const socket = connectTls({ port: port(), host: "127.0.0.1", rejectUnauthorized: false }, () =>
          socket.write(head),
        );
        socket.on("data", (data: Buffer) => {
          text += data.toString();
        });
        socket.on("error", () => undefined);
        socket.on("close", () => resolve(text));
      });
      expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    }
    await lives();
  });

  it("random texts, JSON and binary as a hello close the socket with one refusal", async () => {
    const json = fc.oneof(
      fc.json(),
      fc.anything().map((value) => String(JSON.stringify(value))),
      nearlyHello(),
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), json), fc.boolean(), async (text, binary) => {
        const before = total();
        const heard = await said(world, [binary ? Buffer.from(text) : text, "more of the same"]);
        expect(heard).toHaveLength(2);
        expect(heard[1]).toMatch(/"kind":"refused"/);
        expect(total()).toBe(before + 1);
      }),
      { numRuns: 80, seed: 7 },
    );
    await lives();
  });

  it("random messages of a member close its socket, and its alone", async () => {
    const call = fc.constantFrom(
      "host",
      "unhost",
      "reserve",
      "admit",
      "publish",
      "sync",
      "presence",
      "carry",
      "links",
      "graph",
    );
    const request = fc
      .tuple(
        call,
        fc.dictionary(
          fc.constantFrom("entries", "name", "identity", "certificate", "have", "udp", "to"),
          fc.anything(),
        ),
      )
      .map(([name, rest]) => JSON.stringify({ kind: "request", id: 1, request: { ...rest, call: name } }));
    const { key } = await world.invite(hosted);
    const victim = await world.join(hosted, key, { name: "victim" });
    victim.client.control.close();
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json(), request), async (text) => {
        const channel = await connectWebSocket(
          world.address,
          world.router.keys.pin,
          new AbortController().signal,
        );
        const hello = routerHello.parse(JSON.parse((await next(channel, /router/)) ?? ""));
        const router = { identity: hello.identity, sessionKey: hello.sessionKey, pin: world.router.keys.pin };
        const greeting = memberGreeting(hosted.network, victim.device, victim.certificate);
        const welcome = next(channel, /"kind":"(welcome|refused)"/);
        channel.send(JSON.stringify(signHello(greeting, channel.exporter, router)));
        expect(await welcome).toContain("welcome");
        const told = next(channel, /"kind":"(refused|failure|answer)"/);
        channel.send(text);
        expect(await told).not.toBeNull();
        channel.cut();
      }),
      { numRuns: 60, seed: 11 },
    );
    await lives();
  });

  it("a request of a newer node is answered, and the socket stays", async () => {
    const newer = { call: "teleport", where: "home" } as unknown as { call: "unhost" };
    await expect(member.client.control.request(newer)).rejects.toMatchObject({ code: "unknown-call" });
    await lives();
  });

  it("a sender that is too fast is slowed, not dropped, and others do not wait for it", {
    timeout: 90_000,
  }, async () => {
    const { key } = await world.invite(hosted);
    const fast = await world.join(hosted, key, { name: "fast" });
    const begun = performance.now();
    const flood = Promise.all(
      Array.from({ length: 600 }, () => fast.client.control.request({ call: "presence", udp: true })),
    );
    let flooded = false;
    flood.then(
      () => {
        flooded = true;
      },
      () => undefined,
    );
    await lives();
    expect(flooded).toBe(false);
    await flood;
    await fast.client.control.request({ call: "presence", udp: false });
    expect(performance.now() - begun).toBeGreaterThan(2500);
    expect(fast.client.ended).toBeNull();
  });

  it("carried datagrams have a rate of their own", async () => {
    const { key } = await world.invite(hosted);
    const sender = await world.join(hosted, key, { name: "sender" });
    const datagram = randomBytes(200).toString("base64");
    const carry = () =>
      sender.client.control.request({ call: "carry", to: member.device.sessionKey, datagram });
    const outcomes = await Promise.allSettled(Array.from({ length: 150 }, carry));
    const refused = outcomes.filter(({ status }) => status === "rejected");
    expect(refused.length).toBeGreaterThan(20);
    expect(refused.length).toBeLessThan(60);
    await member.client.until("the others", () => member.client.datagrams.length === 150 - refused.length);
  });

  it("guesses of tokens are few", async () => {
    const wrong = { ...world.hostGreeting(hosted.network), token: "AAAAAAAAAAAAAAAAAAAAAA" };
    const codes = new Map<string, number>();
    for (let guess = 0; guess < 20; guess++) {
      const code = await world.connect(wrong).then(
        () => "welcome",
        (error: { code: string }) => error.code,
      );
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    expect(codes.get("welcome")).toBeUndefined();
    expect(codes.get("too-many-tries")).toBeGreaterThanOrEqual(9);
  });
});

/** Everything that a router says on a fresh socket to whom this is said first. */
async function said(world: World, messages: readonly (string | Buffer)[]): Promise<readonly string[]> {
  const { tls } = await dialTls(
    { host: "127.0.0.1", port: Number(world.address.split(":")[1]) },
    { way: wayOut({}, {}), protocols: ["http/1.1"] },
    new AbortController().signal,
  );
  return new Promise((resolve, reject) => {
    const heard: string[] = [];
    const socket = new WebSocket("wss://127.0.0.1/", {
      createConnection: () => tls as Socket,
      headers: { cookie: knock(world.router.keys.pin, "control", tls) },
    });
    socket.on("open", () => {
      for (const message of messages) socket.send(message);
    });
    socket.on("message", (data) => heard.push(String(data)));
    socket.on("close", () => resolve(heard));
    socket.on("error", reject);
  });
}

/** The first message that a check takes; null when the channel ends without. */
function next(channel: Channel, wanted: RegExp): Promise<string | null> {
  return new Promise((resolve) => {
    channel.listen({
      message: (text) => {
        if (text !== null && wanted.test(text)) resolve(text);
      },
      heard: () => undefined,
      closed: () => resolve(null),
    });
  });
}

/** Hellos with every field there and something wrong in it. */
function nearlyHello(): fc.Arbitrary<string> {
  const key = fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((bytes) => Buffer.from(bytes).toString("base64"));
  const id = fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((bytes) => Buffer.from(bytes).toString("base64url"));
  const signature = fc
    .uint8Array({ minLength: 64, maxLength: 64 })
    .map((bytes) => Buffer.from(bytes).toString("base64"));
  return fc
    .record({
      role: fc.constantFrom("member", "invited", "secret", "issuer", "host"),
      network: id,
      delegation: key,
      issuer: key,
      name: fc.constantFrom("home", "\u0000", "a"),
      token: fc.string({ maxLength: 70 }),
      certificate: fc.record({
        kind: fc.constantFrom("certificate", "node"),
        body: fc.json(),
        key,
        signature,
      }),
      signature,
    })
    .map((hello) => JSON.stringify(hello));
}
