import { describe, expect, it } from "vitest";
import type { Effect, Input } from "../../../src-main/mesh/effect.ts";
import { transportOf } from "../../../src-main/mesh/endpoint.ts";
import { Network } from "../../../src-main/mesh/network.ts";
import { entryOf, hashOf, identityOf, sessionOf, start, TestNetwork } from "../../fakes/entries.ts";

const net = new TestNetwork();
const bob = sessionOf("bob");
const plain = "203.0.113.7:7743";
const kcp = `kcp/${plain}`;
const tls = "tls/203.0.113.7:443";
const wss = "wss/203.0.113.7:443";

/** Ann, who talks to Bob; what she wants of links and paths, and everything that was sent anywhere. */
class Bench {
  now = start;
  links: readonly string[] = [];
  active: readonly string[] = [];
  readonly confined: (string | null)[] = [];
  used = new Set<string>();
  opened = new Set<string>();
  punches = 0;
  readonly machine = new Network({
    network: net.id,
    self: { identity: identityOf("ann"), sessionKey: sessionOf("ann") },
    ownRelay: () => null,
    random: () => 0.5,
    hash: hashOf,
  });

  constructor(takes: readonly string[] = []) {
    const candidates = [
      { endpoint: plain, kind: "reflexive" as const },
      { endpoint: tls, kind: "declared" as const },
      { endpoint: wss, kind: "declared" as const },
    ];
    const body = {
      network: net.id,
      identity: identityOf("bob"),
      version: 1,
      candidates,
      relays: [],
      takes: [...takes],
    };
    const entries = [net.record(), net.certificate("ann", 1), net.certificate("bob", 2)];
    this.hear({ kind: "entries", entries: [...entries, entryOf("node", body, identityOf("bob"))] });
    this.hear({ kind: "rendezvous", online: true });
  }

  hear(input: Input): void {
    for (const effect of this.machine.handle(input, this.now)) this.#perform(effect);
  }

  pass(millis: number): void {
    const end = this.now + millis;
    for (let next = this.machine.deadline(); next !== null && next <= end; next = this.machine.deadline()) {
      this.now = Math.max(this.now, next);
      this.hear({ kind: "tick" });
    }
    this.now = end;
  }

  /** Packets flow for so many seconds; what the paths in use lose. */
  flow(seconds: number, loss: Readonly<Record<string, number>> = {}): void {
    for (let second = 0; second < seconds; second++) {
      this.pass(1000);
      this.hear({ kind: "traffic", peers: [bob], heavy: [bob] });
      const known = { rttMillis: 20, minRttMillis: 20, loss: 0, jitterMillis: 0, mtu: 1400, lossIn: 0 };
      const unknown = { deliveredPerSecond: null };
      const paths = Object.entries(loss).map(([endpoint, lossOut]) => ({
        ...known,
        ...unknown,
        peer: bob,
        endpoint,
        lossOut,
        lastEchoMillis: this.now,
      }));
      if (paths.length > 0) this.hear({ kind: "measured", paths });
    }
  }

  prove(endpoint: string): void {
    this.hear({ kind: "session", peer: bob, endpoint, initiator: true, rekey: false });
    this.hear({ kind: "proved", peer: bob, endpoint, rttMillis: 20 });
  }

  #perform(effect: Effect): void {
    if (effect.kind === "links") this.links = effect.wanted;
    if (effect.kind === "links") for (const endpoint of effect.wanted) this.opened.add(endpoint);
    if (effect.kind === "confine") this.confined.push(effect.only);
    if (effect.kind === "askPunch" || effect.kind === "punch") this.punches++;
    if (effect.kind === "handshake") for (const endpoint of effect.endpoints) this.used.add(endpoint);
    if (effect.kind !== "setPaths") return;
    this.active = effect.active;
    for (const { endpoint, probeMillis } of effect.paths) if (probeMillis > 0) this.used.add(endpoint);
  }
}

describe("links to a peer", () => {
  it("[P16] are opened one after the other where plain UDP finds nobody, and used when they stand", () => {
    const bench = new Bench();
    bench.hear({ kind: "wanted", peer: bob });
    bench.pass(1000);
    expect(bench.links).toEqual([]);
    bench.pass(600);
    expect(bench.links).toEqual([tls]);
    bench.pass(400);
    expect(bench.links).toEqual([tls, wss]);
    expect(bench.used.has(tls)).toBe(false);
    bench.hear({ kind: "link", endpoint: tls, up: true });
    expect(bench.used.has(tls)).toBe(true);
    bench.prove(tls);
    expect(bench.active).toEqual([tls]);
    bench.flow(5);
    expect(bench.links).toEqual([tls]);
    expect(bench.machine.peer(bob, bench.now)).toMatchObject({
      path: { kind: "direct", reasonCode: "direct-link" },
      verdict: { code: "direct-link" },
    });
  });

  it("are left and closed when plain UDP answers, and all closed when nobody wants the peer", () => {
    const bench = new Bench();
    bench.hear({ kind: "wanted", peer: bob });
    bench.pass(1600);
    bench.hear({ kind: "link", endpoint: tls, up: true });
    bench.prove(tls);
    bench.flow(5);
    bench.hear({ kind: "proved", peer: bob, endpoint: plain, rttMillis: 20 });
    bench.flow(5);
    expect(bench.active).toEqual([plain]);
    bench.flow(40);
    expect(bench.links).toEqual([]);
    bench.hear({ kind: "lost", peer: bob, endpoint: plain });
    bench.flow(3);
    expect(bench.links).not.toEqual([]);
    bench.hear({ kind: "ended", peer: bob, reason: "expired" });
    bench.pass(120_000);
    expect(bench.links).toEqual([]);
  });

  it("[C08] that close are lost with their path, and tried again", () => {
    const bench = new Bench();
    bench.hear({ kind: "wanted", peer: bob });
    bench.pass(1600);
    bench.hear({ kind: "link", endpoint: tls, up: true });
    bench.prove(tls);
    bench.flow(5);
    bench.hear({ kind: "link", endpoint: tls, up: false });
    expect(bench.machine.peer(bob, bench.now)?.candidates.map(({ endpoint }) => endpoint)).not.toContain(tls);
    bench.flow(3);
    expect(bench.links).toContain(wss);
  });

  it("[P13] for lossy lines are opened beside plain UDP that loses packets for long, and left when it is clean", () => {
    const bench = new Bench(["kcp"]);
    bench.hear({ kind: "wanted", peer: bob });
    bench.prove(plain);
    bench.flow(3, { [plain]: 0 });
    expect(bench.links).toEqual([]);
    bench.flow(8, { [plain]: 0.03 });
    expect(bench.links).toEqual([kcp]);
    bench.hear({ kind: "link", endpoint: kcp, up: true });
    bench.hear({ kind: "proved", peer: bob, endpoint: kcp, rttMillis: 30 });
    bench.flow(2, { [plain]: 0.03, [kcp]: 0 });
    expect(bench.active).toEqual([kcp]);
    expect(bench.machine.peer(bob, bench.now)?.verdict).toMatchObject({ code: "direct-for-losses" });
    bench.flow(40, { [plain]: 0, [kcp]: 0 });
    expect(bench.active).toEqual([plain]);
    bench.flow(61, { [plain]: 0, [kcp]: 0 });
    expect(bench.links).toEqual([]);
  });

  it("for lossy lines are not opened for a moment's loss, nor to peers that do not take them", () => {
    const [other, bench] = [new Bench(), new Bench(["kcp"])];
    for (const each of [other, bench]) {
      each.hear({ kind: "wanted", peer: bob });
      each.prove(plain);
    }
    other.flow(30, { [plain]: 0.05 });
    bench.flow(2, { [plain]: 0.05 });
    bench.flow(20, { [plain]: 0 });
    expect([other.links, bench.links]).toEqual([[], []]);
  });
});

describe("[P16] [W23] one transport and no other", () => {
  it("for all: nothing is probed, called, punched or relayed by another", () => {
    const bench = new Bench(["kcp"]);
    bench.hear({ kind: "wanted", peer: bob });
    bench.prove(plain);
    bench.flow(3, { [plain]: 0.05 });
    bench.hear({ kind: "transport", only: "tls", worked: null });
    expect(bench.confined).toEqual(["tls"]);
    bench.used = new Set();
    bench.flow(60, { [plain]: 0.05 });
    expect([...bench.used].map(transportOf).filter((transport) => transport !== "tls")).toEqual([]);
    expect([[...bench.opened], bench.punches]).toEqual([[tls], 0]);
    for (let waited = 0; bench.links.length === 0 && waited < 60; waited++) bench.flow(1);
    bench.hear({ kind: "link", endpoint: tls, up: true });
    bench.prove(tls);
    expect(bench.active).toEqual([tls]);
    bench.hear({ kind: "heard", peer: bob, endpoint: plain });
    bench.flow(30);
    expect([...bench.used]).toEqual([tls]);
    expect(bench.machine.peer(bob, bench.now)?.verdict.code).toBe("transport-chosen");
    bench.hear({ kind: "transport", only: null, worked: null });
    expect(bench.confined).toEqual(["tls", null]);
  });

  it("for one peer by its pin, above what holds for all", () => {
    const bench = new Bench();
    bench.hear({ kind: "transport", only: "tls", worked: null });
    const pin = { via: null, direct: false, transport: "wss" as const, spread: "auto" as const };
    bench.hear({ kind: "pins", pins: new Map([[identityOf("bob"), pin]]) });
    expect(bench.confined).toEqual(["tls", "wss"]);
    bench.hear({ kind: "wanted", peer: bob });
    bench.pass(100);
    expect(bench.links).toEqual([wss]);
  });

  it("that does not answer leaves the peer unreachable, and says so", () => {
    const bench = new Bench();
    bench.hear({ kind: "transport", only: "quic", worked: null });
    bench.hear({ kind: "wanted", peer: bob });
    bench.pass(30_000);
    expect([...bench.used]).toEqual([]);
    expect(bench.machine.peer(bob, bench.now)).toMatchObject({
      state: "unreachable",
      verdict: { code: "transport-silent", remedy: { code: "any-transport" } },
    });
  });
});
