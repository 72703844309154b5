import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import type { DataPlane, DataPlaneEvent, Endpoint, FilterRule, PeerKind } from "../../drivers/dataplane.ts";
import { openAddon } from "../../drivers/index.ts";

// The addon itself, driven from TypeScript as the engine drives it: over loopback, without TUN.
const addon = openAddon();
const network = key();
const epoch = { id: 7, key: key() };

type Kind = DataPlaneEvent["kind"];
type EventOf<K extends Kind> = Extract<DataPlaneEvent, { kind: K }>;

interface RealmShape {
  readonly kind?: "network" | "router";
  readonly suites?: readonly (1 | 2)[];
  readonly address?: string;
}

/** A data plane with one socket and one realm, and what it told. */
class Plane {
  readonly calls: DataPlane;
  readonly endpoint: Endpoint;
  readonly publicKey: string;
  readonly #heard: DataPlaneEvent[] = [];
  #wake: () => void = () => undefined;

  constructor(realm: RealmShape = {}) {
    this.calls = addon.start((events) => {
      expect(events.length).toBeGreaterThan(0);
      this.#heard.push(...events);
      this.#wake();
    });
    const { kind = "network", address = "127.0.0.1" } = realm;
    const port = this.calls.bind("main", 0, address);
    this.endpoint = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
    const privateKey = key();
    this.publicKey = addon.publicKey(privateKey);
    const prologue = kind === "router" ? router : network;
    const suites = realm.suites === undefined ? {} : { suites: realm.suites };
    this.calls.openRealm({
      realm: "net",
      socket: "main",
      kind,
      privateKey,
      prologue,
      stampFloorMillis: 0,
      ...suites,
    });
    if (kind === "network") this.calls.setEpochs("net", [epoch]);
    planes.push(this.calls);
  }

  know(other: Plane, kind: PeerKind = "node"): void {
    const prologue = kind === "router" ? { prologue: router } : {};
    this.calls.setPeer("net", {
      publicKey: other.publicKey,
      kind,
      allowed: [],
      keepaliveSeconds: 0,
      ...prologue,
    });
  }

  /** The next event of a kind, taken out of what was heard. */
  async next<K extends Kind>(
    kind: K,
    fits: (event: EventOf<K>) => boolean = () => true,
  ): Promise<EventOf<K>> {
    for (;;) {
      const at = this.#heard.findIndex((event) => isOf(event, kind) && fits(event));
      const [found] = at < 0 ? [] : this.#heard.splice(at, 1);
      if (found !== undefined && isOf(found, kind)) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  heard(kind: Kind): boolean {
    return this.#heard.some((event) => event.kind === kind);
  }
}

const router = createHash("sha256").update("a router").digest("base64");
const planes: DataPlane[] = [];

afterEach(() => {
  for (const plane of planes.splice(0)) plane.stop();
});

describe("sessions", () => {
  it("[P05] [C32] stand after one handshake, and both ends are told", async () => {
    const [one, two] = await joined();
    expect(one.calls.packets()).toBe(0);
    const [peer] = one.calls.counters().peers;
    expect(peer).toMatchObject({
      realm: "net",
      peer: two.publicKey,
      rxBytes: 0,
      suite: addon.hardwareAes ? 1 : 2,
    });
    expect(Date.now() - (peer?.lastHandshakeMillis ?? 0)).toBeLessThan(60_000);
    expect(Date.now() - (peer?.lastReceivedMillis ?? 0)).toBeLessThan(60_000);
  });

  it("[W17] stand over IPv6 as over IPv4", async () => {
    const [one, two] = [new Plane({ address: "::1" }), new Plane({ address: "::1" })];
    one.know(two);
    two.know(one);
    one.calls.handshake("net", two.publicKey, [two.endpoint]);
    expect((await one.next("session")).endpoint).toBe(two.endpoint);
    expect((await two.next("session")).endpoint).toBe(one.endpoint);
    one.calls.stun("main", two.endpoint);
    expect((await one.next("mapped")).address).toBe(one.endpoint);
  });

  it("use the suite that both offer", async () => {
    const [one, two] = [new Plane({ suites: [2] }), new Plane()];
    one.know(two);
    two.know(one);
    one.calls.handshake("net", two.publicKey, [two.endpoint]);
    expect(await one.next("session")).toMatchObject({
      suite: 2,
      initiator: true,
      rekey: false,
      endpoint: two.endpoint,
    });
    expect(await two.next("session")).toMatchObject({ suite: 2, initiator: false, endpoint: one.endpoint });
  });

  it("[W21] stand over a TCP link, which connects until it is accepted", async () => {
    const [one, two] = [new Plane(), new Plane()];
    one.know(two);
    two.know(one);
    const remote = `tcp/127.0.0.1:${two.calls.listenLinks("main", "tcp", { port: 0, address: "127.0.0.1" })}`;
    const own = `tcp/127.0.0.1:${one.calls.listenLinks("main", "tcp", { port: 0, address: "127.0.0.1" })}`;
    one.calls.connectLink("main", remote, { seconds: 20 });
    expect(await one.next("link")).toMatchObject({ socket: "main", remote, up: true });
    one.calls.handshake("net", two.publicKey, [remote]);
    expect((await one.next("session")).endpoint).toBe(remote);
    expect((await two.next("session")).endpoint).toBe(own);
    one.calls.stun("main", remote);
    expect(await one.next("mapped")).toMatchObject({ server: remote, address: own.slice("tcp/".length) });
  });

  it("are not made across different epochs", async () => {
    const [one, two] = [new Plane(), new Plane()];
    one.know(two);
    two.know(one);
    two.calls.setEpochs("net", [{ id: 8, key: key() }]);
    one.calls.handshake("net", two.publicKey, [two.endpoint]);
    await refusal(one, "epoch");
    expect(one.heard("session") || two.heard("session")).toBe(false);
    two.calls.setEpochs("net", [{ id: 8, key: key() }, epoch]);
    // The repeat of the same handshake now finds a common one.
    await Promise.all([one.next("session"), two.next("session")]);
  });

  it("begin with a message carried by other means", async () => {
    const [one, two] = [new Plane(), new Plane()];
    one.know(two);
    two.know(one);
    const message = one.calls.handshakeMessage("net", two.publicKey);
    expect(message).toHaveLength(148);
    two.calls.receive("net", one.endpoint, message);
    expect((await one.next("session")).endpoint).toBe(two.endpoint);
    expect((await two.next("session")).endpoint).toBe(one.endpoint);
  });

  it("are refused to a key that is no peer, which is told", async () => {
    const [one, two] = [new Plane(), new Plane()];
    one.know(two);
    one.calls.handshake("net", two.publicKey, [two.endpoint]);
    expect(await two.next("unknownKey")).toMatchObject({ peer: one.publicKey, endpoint: one.endpoint });
    expect(one.heard("session")).toBe(false);
  });
});

describe("inside a session", () => {
  it("requests are answered, whatever their size", async () => {
    const [one, two] = await joined();
    const body = JSON.stringify({ text: "繁星".repeat(4000) });
    const id = one.calls.request("net", two.publicKey, 9, body);
    const request = await two.next("request");
    expect(request).toMatchObject({ realm: "net", peer: one.publicKey, type: 9, body });
    two.calls.respond("net", one.publicKey, request.id, '{"ok":true}');
    expect(await one.next("response")).toMatchObject({ id, peer: two.publicKey, body: '{"ok":true}' });
  });

  it("[C08] a removed peer ends open requests and is forgotten", async () => {
    const [one, two] = await joined();
    const id = one.calls.request("net", two.publicKey, 9, "{}");
    one.calls.removePeer("net", two.publicKey);
    expect(await one.next("response")).toMatchObject({ id, body: null });
    expect(one.calls.counters().peers).toEqual([]);
    expect(() => one.calls.ping("net", two.publicKey, 1)).toThrow(
      expect.objectContaining({ code: "ENOENT" }),
    );
  });

  it("[E06] a path is proved by its first echo, measured, and lost when its probes stay unanswered", async () => {
    const [one, two] = await joined();
    const path = { endpoint: two.endpoint, probeMillis: 100 };
    one.calls.setPaths("net", two.publicKey, [path], { active: [two.endpoint], standby: [] });
    const proved = await one.next("proved");
    expect(proved).toMatchObject({ peer: two.publicKey, endpoint: two.endpoint });
    expect(proved.rttMillis).toBeGreaterThan(0);
    const { paths } = await one.next("measured");
    expect(paths).toEqual([
      expect.objectContaining({ realm: "net", peer: two.publicKey, endpoint: two.endpoint, loss: 0 }),
    ]);
    two.calls.stop();
    expect(await one.next("lost")).toMatchObject({ endpoint: two.endpoint });
  });

  it("[E22] pings end in one pong each", async () => {
    const [one, two] = await joined();
    const id = one.calls.ping("net", two.publicKey, 2);
    const pongs = [await one.next("pong"), await one.next("pong")];
    expect(pongs.map((pong) => [pong.id, pong.sequence, pong.endpoint])).toEqual([
      [id, 0, two.endpoint],
      [id, 1, two.endpoint],
    ]);
    for (const { rttMillis } of pongs) expect(rttMillis).toBeGreaterThan(0);
  });

  it("a dropped session is told by its requests, and a new one can be made at once", async () => {
    const [one, two] = await joined();
    const id = one.calls.request("net", two.publicKey, 9, "{}");
    one.calls.dropSessions("net");
    expect(await one.next("response", (event) => event.id === id)).toMatchObject({ body: null });
    one.calls.handshake("net", two.publicKey, [two.endpoint]);
    expect(await one.next("session")).toMatchObject({ rekey: false });
  });
});

describe("a relay", () => {
  it("[C12] [Z20] carries a session between two nodes by its channels", async () => {
    const relay = new Plane({ kind: "router" });
    const [one, two] = [new Plane(), new Plane()];
    for (const node of [one, two]) {
      node.know(relay, "router");
      relay.know(node);
      node.calls.handshake("net", relay.publicKey, [relay.endpoint]);
      await Promise.all([node.next("session"), relay.next("session")]);
    }
    one.know(two);
    two.know(one);
    const channel = relay.calls.openChannel("net", one.publicKey, two.publicKey);
    expect(relay.calls.openChannel("net", one.publicKey, two.publicKey)).toEqual(channel);
    one.calls.handshake("net", two.publicKey, [`${relay.endpoint}#${channel.from}`]);
    expect((await one.next("session")).endpoint).toBe(`${relay.endpoint}#${channel.from}`);
    expect((await two.next("session")).endpoint).toBe(`${relay.endpoint}#${channel.to}`);
    one.calls.request("net", two.publicKey, 1, "{}");
    await two.next("request");
    await expect.poll(() => relay.calls.counters().relayed.datagrams).toBeGreaterThanOrEqual(4);
    relay.calls.closeChannels("net", one.publicKey);
    expect(() => relay.calls.openChannel("net", one.publicKey, key())).toThrow(
      expect.objectContaining({ code: "ENOENT" }),
    );
  });

  it("shares a socket with a network of the same process", async () => {
    const node = new Plane();
    const privateKey = key();
    const publicKey = addon.publicKey(privateKey);
    const common = { socket: "main", stampFloorMillis: 0 };
    node.calls.openRealm({ realm: "router", kind: "router", privateKey, prologue: router, ...common });
    const peer = { allowed: [], keepaliveSeconds: 25 };
    node.calls.setPeer("net", { publicKey, kind: "router", prologue: router, ...peer });
    node.calls.setPeer("router", { publicKey: node.publicKey, kind: "node", ...peer });
    node.calls.handshake("net", publicKey, [node.endpoint]);
    await node.next("session", (event) => event.realm === "net" && event.initiator);
    await node.next("session", (event) => event.realm === "router" && !event.initiator);
  });
});

describe("a socket", () => {
  it("[C10] [Z11] learns from a STUN server where it is seen", async () => {
    const [one, two] = [new Plane(), new Plane()];
    one.calls.stun("main", two.endpoint);
    expect(await one.next("mapped")).toEqual({
      kind: "mapped",
      socket: "main",
      server: two.endpoint,
      address: one.endpoint,
    });
  });

  it("[C10] hears nothing from a STUN server that is silent", async () => {
    const one = new Plane();
    const silent = createSocket("udp4").bind(0, "127.0.0.1");
    await once(silent, "listening");
    const server = `127.0.0.1:${silent.address().port}`;
    let tries = 0;
    silent.on("message", () => {
      tries += 1;
    });
    one.calls.stun("main", server);
    expect(await one.next("mapped")).toMatchObject({ server, address: null });
    expect(tries).toBe(4);
    silent.close();
  });

  it("[C18] that is taken is refused by name, and free again after unbind", () => {
    const [one, two] = [new Plane(), new Plane()];
    const port = one.calls.bind("second", 0, "127.0.0.1");
    expect(() => two.calls.bind("second", port, "127.0.0.1")).toThrow(
      expect.objectContaining({ code: "EADDRINUSE" }),
    );
    one.calls.unbind("second");
    expect(two.calls.bind("second", port, "127.0.0.1")).toBe(port);
    expect(() => one.calls.unbind("second")).toThrow(expect.objectContaining({ code: "ENOENT" }));
  });

  it("survives noise without an answer", async () => {
    const [one, two] = await joined();
    const stranger = createSocket("udp4");
    stranger.on("message", () => expect.unreachable("an answer to noise"));
    const port = Number(two.endpoint.split(":")[1]);
    for (let length = 1; length < 600; length += 1) stranger.send(randomBytes(length), port, "127.0.0.1");
    one.calls.request("net", two.publicKey, 1, "{}");
    await two.next("request");
    await refusal(two, "unknown");
    stranger.close();
  });
});

describe("bad input", () => {
  it.each([
    ["a key", (plane: DataPlane) => plane.removePeer("net", "short")],
    ["an endpoint", (plane: DataPlane) => plane.handshake("net", key(), ["host:1"])],
    ["a prefix", (plane: DataPlane) => plane.setPeer("net", { ...peerOptions, allowed: ["10.0.0.1/8"] })],
    ["a port", (plane: DataPlane) => plane.bind("x", 65_536)],
    ["an epoch", (plane: DataPlane) => plane.setEpochs("net", [{ id: 0, key: key() }])],
    ["a mask", (plane: DataPlane) => plane.setMask("net", [{ id: 256, key: key() }], true)],
    ["a mask key", (plane: DataPlane) => plane.setMask("net", [{ id: 1, key: "short" }], true)],
    ["a source", (plane: DataPlane) => plane.setPeer("net", { ...peerOptions, sources: ["10.0.0.0"] })],
    ["a rule's prefix", (plane: DataPlane) => setRule(plane, { from: ["10.0.0.1/8"] })],
    ["a rule's protocol", (plane: DataPlane) => setRule(plane, { protocol: 256 })],
    ["a rule's ports", (plane: DataPlane) => setRule(plane, { ports: [[9, 8]] })],
    ["a rule's ports of none", (plane: DataPlane) => setRule(plane, { protocol: "icmp", ports: [[8, 8]] })],
    ["an unreachable peer", (plane: DataPlane) => plane.setUnreachable("net", ["short"])],
    ["a name used twice", (plane: DataPlane) => plane.bind("main", 0)],
    [
      "a target",
      (plane: DataPlane) =>
        plane.punch("net", knownPeer(plane), {
          targets: ["1.2.3.4:5#6"],
          sockets: 0,
          perSecond: 1,
          seconds: 1,
        }),
    ],
    ["a link", (plane: DataPlane) => plane.connectLink("main", "1.2.3.4:5", { seconds: 1 })],
    ["a label", (plane: DataPlane) => plane.openChannel("net", key(), key(), 0)],
    ["a quota", (plane: DataPlane) => plane.setRelayQuota(-1)],
    ["a kind of request", (plane: DataPlane) => plane.request("net", knownPeer(plane), 128, "{}")],
  ])("%s is refused with EINVAL and one line", (_, call) => {
    const plane = new Plane().calls;
    expect(() => call(plane)).toThrow(
      expect.objectContaining({ code: "EINVAL", message: expect.stringMatching(/^.{10,120}$/) }),
    );
  });

  it("[W04] every rule of a filter is taken, and none of a realm that is not there", () => {
    const plane = new Plane().calls;
    setRule(plane, { from: ["10.1.0.0/16", "fd00::/8"], to: ["0.0.0.0/0"], ports: [[0, 65_535]] });
    for (const protocol of ["any", "udp", "icmp", 47] as const) setRule(plane, { protocol });
    plane.setFilter("net", null);
    plane.setUnreachable("net", [key()]);
    expect(() => plane.setFilter("other", null)).toThrow(expect.objectContaining({ code: "ENOENT" }));
    expect(() => plane.setUnreachable("other", [])).toThrow(expect.objectContaining({ code: "ENOENT" }));
  });

  it("every call after stop says so, and stopping again does nothing", () => {
    const plane = new Plane().calls;
    plane.stop();
    plane.stop();
    expect(() => plane.counters()).toThrow(expect.objectContaining({ code: "ESTOPPED" }));
    expect(() => plane.bind("x", 0)).toThrow(expect.objectContaining({ code: "ESTOPPED" }));
  });
});

function setRule(plane: DataPlane, parts: Partial<FilterRule>): void {
  const rule = { from: [], to: [], protocol: "tcp", ports: [], allow: true, ...parts } as const;
  plane.setFilter("net", { rules: [rule], otherwise: false });
}

describe("the addon", () => {
  it("says what it was built with: the one that ships has no feature", () => {
    expect(addon.features).toEqual([]);
  });

  it("derives, seals and opens", async () => {
    const privateKey = key();
    const publicKey = addon.publicKey(privateKey);
    const plain = new TextEncoder().encode("an epoch key");
    const sealed = addon.hpkeSeal(publicKey, plain);
    expect(sealed).toHaveLength(32 + plain.length + 16);
    expect(addon.hpkeOpen(privateKey, sealed)).toEqual(plain);
    expect(addon.hpkeOpen(key(), sealed)).toBeNull();
    const derived = await addon.argon2id(new TextEncoder().encode("secret"), new Uint8Array(16));
    expect(derived).toHaveLength(32);
    expect(() => addon.argon2id(new Uint8Array(4), new Uint8Array(4))).toThrow(
      expect.objectContaining({ code: "EINVAL" }),
    );
  });
});

async function joined(): Promise<readonly [Plane, Plane]> {
  const [one, two] = [new Plane(), new Plane()];
  one.know(two);
  two.know(one);
  one.calls.handshake("net", two.publicKey, [two.endpoint]);
  await Promise.all([one.next("session"), two.next("session")]);
  return [one, two];
}

async function refusal(plane: Plane, cause: string): Promise<void> {
  await expect.poll(() => plane.calls.counters().refused[cause] ?? 0, { timeout: 30_000 }).toBeGreaterThan(0);
}

function knownPeer(plane: DataPlane): string {
  plane.setPeer("net", peerOptions);
  return peerOptions.publicKey;
}

function isOf<K extends Kind>(event: DataPlaneEvent, kind: K): event is EventOf<K> {
  return event.kind === kind;
}

function key(): string {
  return randomBytes(32).toString("base64");
}

const peerOptions = {
  publicKey: Buffer.from(generateKeyPairSync("x25519").publicKey.export({ format: "der", type: "spki" }))
    .subarray(-32)
    .toString("base64"),
  kind: "node",
  allowed: [],
  keepaliveSeconds: 0,
} as const;
