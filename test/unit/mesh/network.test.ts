import { describe, expect, it } from "vitest";
import type { Effect, Input } from "../../../src-main/mesh/effect.ts";
import { Network } from "../../../src-main/mesh/network.ts";
import type { Entry } from "../../../src-shared/trust.ts";
import { ulaAddress } from "../../../src-shared/ula.ts";
import { hashOf, identityOf, sessionOf, start, TestNetwork } from "../../fakes/entries.ts";

const net = new TestNetwork();
const bob = sessionOf("bob");
const relay = sessionOf("relay");
const ulaOf = (name: string) => `${ulaAddress(net.id, identityOf(name), hashOf)}/128`;
const relayEndpoint = "198.51.100.1:7743";
const lan = "192.168.1.5:7743";
const reflexive = "203.0.113.7:7743";

/** Ann's machine, with a clock that the test moves. */
class Bench {
  now = start;
  readonly machine = new Network({
    network: net.id,
    self: { identity: identityOf("ann"), sessionKey: sessionOf("ann") },
    ownRelay: () => null,
    random: () => 0.5,
    hash: hashOf,
  });

  hear(input: Input): readonly Effect[] {
    return this.machine.handle(input, this.now);
  }

  learn(...entries: readonly Entry[]): readonly Effect[] {
    return this.hear({ kind: "entries", entries });
  }

  /** Lets time pass, ringing as the engine would. */
  pass(millis: number): readonly Effect[] {
    const end = this.now + millis;
    const effects: Effect[] = [];
    for (let at = this.machine.deadline(); at !== null && at <= end; at = this.machine.deadline()) {
      this.now = Math.max(at, this.now);
      effects.push(...this.hear({ kind: "tick" }));
    }
    this.now = end;
    return effects;
  }

  get bob() {
    const view = this.machine.peer(bob, this.now);
    if (view === null) throw new Error("bob is no peer");
    return view;
  }
}

/** Ann and Bob are members, the router is there, Bob has told two addresses. */
function meet(options: { relay?: boolean } = {}): Bench {
  const bench = new Bench();
  const candidates = [
    { endpoint: lan, kind: "lan" as const },
    { endpoint: reflexive, kind: "reflexive" as const },
  ];
  const body = { ...net.node("bob", 1).body, candidates };
  const node = { ...net.node("bob", 1), body };
  bench.learn(net.record(), net.certificate("ann", 1), net.certificate("bob", 2), node);
  bench.hear({ kind: "rendezvous", online: true });
  bench.hear({
    kind: "presence",
    complete: true,
    members: [{ identity: identityOf("bob"), online: true, udp: true }],
  });
  if (options.relay !== false) bench.hear({ kind: "relay", relay, name: "nas", endpoint: relayEndpoint });
  return bench;
}

const channel = `${relayEndpoint}#7`;

/** Bob answered through the relay. */
function relayed(bench: Bench): readonly Effect[] {
  bench.hear({ kind: "wanted", peer: bob });
  bench.hear({ kind: "relayOpened", peer: bob, relay, opened: { endpoint: channel } });
  return bench.hear({ kind: "session", peer: bob, endpoint: channel, initiator: true, rekey: false });
}

function kinds(effects: readonly Effect[]): readonly string[] {
  return effects.map(({ kind }) => kind);
}

function only<Kind extends Effect["kind"]>(
  effects: readonly Effect[],
  kind: Kind,
): Extract<Effect, { kind: Kind }>[] {
  return effects.filter((effect): effect is Extract<Effect, { kind: Kind }> => effect.kind === kind);
}

describe("members become peers", () => {
  it("tells the data plane of every other member, with its addresses alone", () => {
    const bench = new Bench();
    const effects = bench.learn(net.record(), net.certificate("ann", 1), net.certificate("bob", 2));
    expect(only(effects, "setPeer")).toEqual([
      { kind: "setPeer", peer: bob, peerKind: "node", allowed: ["10.77.0.2/32", ulaOf("bob")] },
    ]);
    expect(kinds(effects).slice(-2)).toEqual(["store", "changed"]);
  });

  it("tells of nobody while this node itself is no member", () => {
    const bench = new Bench();
    expect(only(bench.learn(net.record(), net.certificate("bob", 2)), "setPeer")).toEqual([]);
    expect(bench.machine.ownState()).toEqual({ kind: "unknown" });
    expect(only(bench.learn(net.certificate("ann", 1)), "setPeer")).toHaveLength(1);
    expect(bench.machine.ownState()).toEqual({ kind: "member", address: "10.77.0.1" });
  });

  it("drops a removed member on sight", () => {
    const bench = meet();
    relayed(bench);
    const effects = bench.learn(net.revocation("bob", start));
    expect(only(effects, "removePeer")).toEqual([{ kind: "removePeer", peer: bob }]);
    expect(bench.machine.peer(bob, bench.now)).toBe(null);
    expect(bench.hear({ kind: "wanted", peer: bob })).toEqual([]);
  });

  it("says when this node itself was removed, and lets go of all", () => {
    const bench = meet();
    const effects = bench.learn(net.revocation("ann", start));
    expect(kinds(effects)).toEqual(["removePeer", "selfRevoked", "store", "changed"]);
    expect(bench.machine.ownState()).toEqual({ kind: "removed" });
  });

  it("waits for approval, and begins when it comes", () => {
    const bench = new Bench();
    bench.learn(
      net.record({ approval: true }),
      net.admin("ada", 9),
      net.delegation("invite"),
      net.delegated("invite", "ann", 1),
    );
    expect(bench.machine.ownState()).toEqual({ kind: "pending", devices: ["ada"] });
    expect(bench.machine.ownCertificate()?.body.name).toBe("ann");
    const effects = bench.learn(net.certificate("ann", 1, { serial: 2 }));
    expect(only(effects, "setPeer")).toHaveLength(1);
  });

  it("[C07] says when the address went to another certificate", () => {
    const bench = new Bench();
    bench.learn(net.record(), net.delegation("invite"), net.delegated("invite", "ann", 1));
    const effects = bench.learn(net.certificate("bob", 1));
    expect(only(effects, "addressLost")).toEqual([
      { kind: "addressLost", address: "10.77.0.1", to: identityOf("bob") },
    ]);
    expect(bench.machine.ownState()).toEqual({ kind: "addressLost", address: "10.77.0.1", to: "bob" });
  });

  it("publishes where it can be reached, after changes, at most every two seconds", () => {
    const bench = new Bench();
    const first = [{ endpoint: lan, kind: "lan" as const }];
    const second = [...first, { endpoint: reflexive, kind: "reflexive" as const }];
    expect(bench.hear({ kind: "candidates", candidates: first })).toEqual([]);
    expect(only(bench.learn(net.record(), net.certificate("ann", 1)), "publishNode")).toHaveLength(1);
    expect(only(bench.hear({ kind: "candidates", candidates: first }), "publishNode")).toEqual([]);
    expect(only(bench.hear({ kind: "candidates", candidates: second }), "publishNode")).toEqual([]);
    const later = only(bench.pass(2000), "publishNode");
    expect(later).toEqual([{ kind: "publishNode", candidates: second, relays: [] }]);
    const nat = { mapping: "sequential", step: 2, portMapping: null, udp: true } as const;
    bench.hear({ kind: "candidates", candidates: second, nat });
    expect(only(bench.pass(2000), "publishNode")).toEqual([
      { kind: "publishNode", candidates: second, relays: [], nat },
    ]);
  });
});

describe("first contact", () => {
  it("does nothing for peers that nobody wants", () => {
    const bench = meet();
    expect(bench.pass(86_400_000)).toEqual([]);
    expect(bench.bob).toMatchObject({ state: "idle", reasonCode: "no-traffic-yet", path: null });
  });

  it("asks the relay and calls every address at once", () => {
    const bench = meet();
    const effects = bench.hear({ kind: "wanted", peer: bob });
    expect(effects).toEqual([
      { kind: "openRelay", peer: bob, relay, avoid: [] },
      { kind: "handshake", peer: bob, endpoints: [lan, reflexive], force: false },
      { kind: "changed" },
    ]);
    expect(bench.bob.state).toBe("connecting");
    const opened = bench.hear({ kind: "relayOpened", peer: bob, relay, opened: { endpoint: channel } });
    expect(only(opened, "handshake")).toEqual([
      { kind: "handshake", peer: bob, endpoints: [channel], force: false },
    ]);
  });

  it("takes the relay first, then probes every address inside the session", () => {
    const bench = meet();
    const effects = relayed(bench);
    expect(only(effects, "setPaths")).toEqual([
      {
        kind: "setPaths",
        peer: bob,
        active: [channel],
        standby: [],
        paths: [
          { endpoint: channel, probeMillis: 250 },
          { endpoint: lan, probeMillis: 250 },
          { endpoint: reflexive, probeMillis: 250 },
        ],
      },
    ]);
    expect(bench.bob).toMatchObject({
      state: "connected",
      path: { kind: "relay", via: ["nas"], remote: relayEndpoint, reasonCode: "relay-first" },
    });
    bench.hear({ kind: "proved", peer: bob, endpoint: channel, rttMillis: 40 });
    bench.pass(3000);
    expect(bench.bob.path?.reason).toBe(
      "relayed through nas: none of the 2 other addresses of bob answers; open a UDP port at one end for a direct path",
    );
  });

  it("[E03] [Z09] [C11] moves to a direct path as soon as it is proved, and keeps the relay warm", () => {
    const bench = meet();
    relayed(bench);
    bench.hear({ kind: "proved", peer: bob, endpoint: channel, rttMillis: 40 });
    const effects = bench.hear({ kind: "proved", peer: bob, endpoint: reflexive, rttMillis: 20 });
    const [setPaths] = only(effects, "setPaths");
    expect(setPaths?.active).toEqual([reflexive]);
    expect(setPaths?.standby).toEqual([channel]);
    expect(setPaths?.paths).toContainEqual({ endpoint: channel, probeMillis: 1000 });
    expect(bench.bob.path).toMatchObject({ kind: "direct", reasonCode: "direct-reflexive", via: [] });
  });

  it("[E04] prefers the local network to a quicker way outside", () => {
    const bench = meet();
    relayed(bench);
    bench.hear({ kind: "proved", peer: bob, endpoint: reflexive, rttMillis: 1 });
    bench.hear({ kind: "proved", peer: bob, endpoint: lan, rttMillis: 9 });
    expect(bench.bob.path).toMatchObject({ kind: "direct", endpoint: lan, reasonCode: "same-lan" });
  });

  it("as the called end probes the caller's addresses too, so that both NATs open", () => {
    const bench = meet();
    bench.hear({ kind: "relayOffered", peer: bob, relay, endpoint: channel });
    const effects = bench.hear({
      kind: "session",
      peer: bob,
      endpoint: channel,
      initiator: false,
      rekey: false,
    });
    expect(only(effects, "setPaths")[0]?.paths.map(({ endpoint }) => endpoint)).toEqual([
      channel,
      lan,
      reflexive,
    ]);
  });

  it("goes over the rendezvous where UDP to the router fails, and says so when nothing answers", () => {
    const bench = meet({ relay: false });
    const effects = bench.hear({ kind: "wanted", peer: bob });
    expect(kinds(effects)).toEqual(["handshake", "carry", "changed"]);
    expect(only(bench.pass(10_000), "carry")).toHaveLength(2);
    expect(bench.bob).toMatchObject({ state: "unreachable", reasonCode: "router-udp-blocked", path: null });
    expect(bench.bob.reason).toContain("blocked here");
  });

  it("answers a carried call with a call of its own", () => {
    const bench = meet();
    const effects = bench.hear({ kind: "carried", peer: bob });
    expect(only(effects, "handshake")[0]?.endpoints).toEqual([lan, reflexive]);
  });

  it("shows a peer whose UDP is blocked as unreachable, unless an address answers", () => {
    const bench = meet();
    bench.hear({
      kind: "presence",
      complete: false,
      members: [{ identity: identityOf("bob"), online: true, udp: false }],
    });
    expect(bench.bob).toMatchObject({ state: "unreachable", reasonCode: "router-udp-blocked" });
    expect(bench.bob.reason).toContain("bob");
    bench.hear({ kind: "wanted", peer: bob });
    bench.hear({ kind: "session", peer: bob, endpoint: lan, initiator: true, rekey: false });
    expect(bench.bob.state).toBe("connected");
  });

  it("shows who is offline, and calls again when a peer that was missed returns", () => {
    const bench = meet();
    const presence = (online: boolean) =>
      bench.hear({
        kind: "presence",
        complete: false,
        members: [{ identity: identityOf("bob"), online, udp: online }],
      });
    presence(false);
    expect(bench.bob).toMatchObject({ state: "offline", reasonCode: "peer-offline" });
    bench.hear({ kind: "wanted", peer: bob });
    bench.pass(20_000);
    bench.hear({ kind: "ended", peer: bob, reason: "no-answer" });
    expect(kinds(presence(true))).toContain("handshake");
  });

  it("asks a relay again that had no session with the peer yet", () => {
    const bench = meet();
    bench.hear({ kind: "wanted", peer: bob });
    bench.hear({ kind: "relayOpened", peer: bob, relay, opened: { refused: "offline" } });
    const times = [];
    for (let step = 0; step < 40; step++) {
      for (const _ of only(bench.pass(100), "openRelay")) {
        times.push((step + 1) * 100);
        bench.hear({ kind: "relayOpened", peer: bob, relay, opened: { refused: "offline" } });
      }
    }
    expect(times).toEqual([500, 1500, 3500]);
  });

  it("never relays through the router of its own install", () => {
    const machine = new Network({
      network: net.id,
      self: { identity: identityOf("ann"), sessionKey: sessionOf("ann") },
      ownRelay: () => relay,
      random: () => 0,
      hash: hashOf,
    });
    machine.handle(
      { kind: "entries", entries: [net.record(), net.certificate("ann", 1), net.certificate("bob", 2)] },
      start,
    );
    machine.handle({ kind: "relay", relay, name: "self", endpoint: relayEndpoint }, start);
    expect(kinds(machine.handle({ kind: "wanted", peer: bob }, start))).not.toContain("openRelay");
  });
});

describe("a path", () => {
  function direct(): Bench {
    const bench = meet();
    relayed(bench);
    bench.hear({ kind: "proved", peer: bob, endpoint: channel, rttMillis: 40 });
    bench.hear({ kind: "proved", peer: bob, endpoint: reflexive, rttMillis: 20 });
    return bench;
  }

  it("[E18] [C08] that is lost is left at once for the relay, with the reason, and tried again", () => {
    const bench = direct();
    bench.pass(5000);
    const effects = bench.hear({ kind: "lost", peer: bob, endpoint: reflexive });
    const [setPaths] = only(effects, "setPaths");
    expect(setPaths?.active).toEqual([channel]);
    expect(setPaths?.paths).toContainEqual({ endpoint: reflexive, probeMillis: 250 });
    expect(bench.bob.path).toMatchObject({ kind: "relay", reasonCode: "relay-direct-lost" });
    expect(bench.bob.decisions.map(({ text }) => text).at(-2)).toBe(`no answer from ${reflexive}`);
  });

  it("[E18] comes back after it has held for a while, longer each time it broke", () => {
    const bench = direct();
    const waits = [];
    for (let round = 0; round < 3; round++) {
      bench.hear({ kind: "lost", peer: bob, endpoint: reflexive });
      bench.hear({ kind: "traffic", peers: [bob] });
      bench.hear({ kind: "proved", peer: bob, endpoint: reflexive, rttMillis: 20 });
      const from = bench.now;
      while (bench.bob.path?.kind === "relay") bench.pass(100);
      waits.push(bench.now - from);
    }
    expect(waits).toEqual([2000, 4000, 8000]);
  });

  it("does not follow jitter", () => {
    const bench = direct();
    bench.hear({ kind: "heard", peer: bob, endpoint: "203.0.113.8:1" });
    bench.hear({ kind: "proved", peer: bob, endpoint: "203.0.113.8:1", rttMillis: 17 });
    for (let step = 0; step < 20; step++) {
      const rttMillis = 20 + (step % 2 === 0 ? -1 : 1);
      const measure = {
        peer: bob,
        endpoint: reflexive,
        rttMillis,
        minRttMillis: 17,
        loss: 0,
        jitterMillis: null,
        lossOut: null,
        lossIn: null,
        deliveredPerSecond: null,
        mtu: null,
        lastEchoMillis: bench.now,
      };
      bench.hear({ kind: "measured", paths: [measure] });
      expect(bench.bob.path?.endpoint).toBe(reflexive);
    }
  });

  it("is probed slowly when no packets flow, and not at all after five minutes", () => {
    const bench = direct();
    const plans = only(bench.pass(30_000), "setPaths");
    expect(plans.at(-1)?.paths).toEqual([
      { endpoint: reflexive, probeMillis: 25_000 },
      { endpoint: channel, probeMillis: 0 },
      { endpoint: lan, probeMillis: 0 },
    ]);
    expect(bench.bob.state).toBe("connected");
    const quiet = only(bench.pass(270_000), "setPaths");
    expect(new Set(quiet.at(-1)?.paths.map(({ probeMillis }) => probeMillis))).toEqual(new Set([0]));
    expect(bench.bob.state).toBe("idle");
    const effects = bench.hear({ kind: "ended", peer: bob, reason: "expired" });
    expect(only(effects, "setPaths")).toEqual([
      { kind: "setPaths", peer: bob, paths: [], active: [], standby: [] },
    ]);
    expect(bench.machine.deadline()).toBe(bench.machine.membership.nextExpiry);
  });

  it("tries addresses that do not answer ever more rarely while packets flow", () => {
    const bench = meet();
    relayed(bench);
    bench.hear({ kind: "proved", peer: bob, endpoint: channel, rttMillis: 40 });
    const seen = new Map([lan, reflexive].map((endpoint) => [endpoint, new Map<number, number>()]));
    for (let second = 0; second < 400; second++) {
      bench.hear({ kind: "traffic", peers: [bob] });
      for (const { paths } of only(bench.pass(1000), "setPaths")) {
        for (const { endpoint, probeMillis } of paths) {
          const since = seen.get(endpoint);
          if (since?.has(probeMillis) === false) since.set(probeMillis, second);
        }
      }
    }
    expect([...(seen.get(reflexive) ?? [])].slice(-3)).toEqual([
      [2000, 2],
      [15_000, 29],
      [60_000, 299],
    ]);
    expect(seen.get(lan)?.get(2000)).toBe(0);
  });

  it("all lost, makes it call anew and says that it does not answer", () => {
    const bench = direct();
    bench.hear({ kind: "lost", peer: bob, endpoint: reflexive });
    bench.hear({ kind: "lost", peer: bob, endpoint: channel });
    expect(bench.bob.state).toBe("connecting");
    expect(only(bench.pass(1000), "handshake")).toMatchObject([{ force: true }]);
    bench.pass(10_000);
    expect(bench.bob).toMatchObject({ state: "unreachable", reasonCode: "no-way", path: null });
    bench.hear({ kind: "session", peer: bob, endpoint: reflexive, initiator: true, rekey: true });
    expect(bench.bob.state).toBe("connected");
  });

  it("that only a session proved must echo soon", () => {
    const bench = meet();
    bench.hear({ kind: "wanted", peer: bob });
    bench.hear({ kind: "session", peer: bob, endpoint: lan, initiator: true, rekey: false });
    expect(bench.bob.path?.endpoint).toBe(lan);
    bench.hear({ kind: "relayOpened", peer: bob, relay, opened: { endpoint: channel } });
    bench.hear({ kind: "proved", peer: bob, endpoint: channel, rttMillis: 40 });
    expect(bench.bob.path?.endpoint).toBe(lan);
    bench.pass(3000);
    expect(bench.bob.path?.endpoint).toBe(channel);
  });

  it("[P31] through a relay is asked for again as soon as the relay is back", () => {
    const bench = meet();
    relayed(bench);
    bench.hear({ kind: "proved", peer: bob, endpoint: channel, rttMillis: 40 });
    bench.hear({ kind: "relay", relay, name: "nas", endpoint: null });
    expect(bench.bob.state).toBe("connecting");
    bench.pass(2000);
    const effects = bench.hear({ kind: "relay", relay, name: "nas", endpoint: relayEndpoint });
    expect(kinds(effects)).toContain("openRelay");
    bench.hear({ kind: "relayOpened", peer: bob, relay, opened: { endpoint: `${relayEndpoint}#8` } });
    bench.hear({ kind: "proved", peer: bob, endpoint: `${relayEndpoint}#8`, rttMillis: 40 });
    expect(bench.bob).toMatchObject({ state: "connected", path: { endpoint: `${relayEndpoint}#8` } });
  });

  it("[Z17] does not mind that the router is gone", () => {
    const bench = direct();
    bench.hear({ kind: "relay", relay, name: "nas", endpoint: null });
    bench.hear({ kind: "rendezvous", online: false });
    expect(bench.bob).toMatchObject({ state: "connected", path: { endpoint: reflexive } });
  });
});

describe("neighbours", () => {
  it("[E04 Z17] are called where their beacon came from, until they are silent", () => {
    const bench = meet();
    const beacon = { kind: "neighbour", peer: bob, endpoint: "192.168.9.9:7743" } as const;
    expect(only(bench.hear(beacon), "handshake")).toEqual([]);
    const called = only(bench.hear({ kind: "wanted", peer: bob }), "handshake").flatMap(
      ({ endpoints }) => endpoints,
    );
    expect(called).toContain("192.168.9.9:7743");
    const later = bench.hear({ ...beacon, endpoint: "192.168.9.10:7743" });
    expect(only(later, "handshake").flatMap(({ endpoints }) => endpoints)).toEqual(["192.168.9.10:7743"]);
    const silent = meet();
    silent.hear(beacon);
    silent.now += 100_000;
    const wanted = only(silent.hear({ kind: "wanted", peer: bob }), "handshake");
    expect(wanted.flatMap(({ endpoints }) => endpoints)).not.toContain("192.168.9.9:7743");
  });

  it("are members only", () => {
    const bench = meet();
    const stranger = { kind: "neighbour", peer: sessionOf("mallory"), endpoint: "192.168.9.9:7743" } as const;
    expect(bench.hear(stranger)).toEqual([]);
  });
});

describe("waking up", () => {
  it("[C09] drops all sessions after sleep, and calls at once whoever had traffic", () => {
    const bench = meet();
    relayed(bench);
    bench.now += 5000;
    const effects = bench.hear({ kind: "woke" });
    expect(effects[0]).toEqual({ kind: "dropSessions", peer: null });
    expect(kinds(effects)).toContain("handshake");
    expect(bench.bob.state).toBe("connecting");
  });

  it("[C09] calls those who had traffic until the machine fell asleep, however long that was ago", () => {
    const bench = meet();
    relayed(bench);
    bench.now += 3_600_000;
    const idle = bench.hear({ kind: "woke", awayMillis: 60_000 });
    expect(kinds(idle)).not.toContain("handshake");
    const again = meet();
    relayed(again);
    again.now += 3_600_000;
    expect(kinds(again.hear({ kind: "woke", awayMillis: 3_599_000 }))).toContain("handshake");
  });

  it("[C09 W12] goes over the relay at once to a peer that says it moved, and back when it is found", () => {
    const bench = meet();
    relayed(bench);
    bench.hear({ kind: "proved", peer: bob, endpoint: channel, rttMillis: 40 });
    bench.hear({ kind: "proved", peer: bob, endpoint: reflexive, rttMillis: 20 });
    expect(bench.bob.path).toMatchObject({ endpoint: reflexive });
    bench.hear({ kind: "moved", peer: bob });
    expect(bench.bob.path).toMatchObject({ endpoint: channel });
    bench.now += 100;
    bench.hear({ kind: "proved", peer: bob, endpoint: reflexive, rttMillis: 20 });
    expect(bench.bob.path).toMatchObject({ endpoint: reflexive });
  });

  it("keeps sessions when only addresses changed, and proves every path anew", () => {
    const bench = meet();
    relayed(bench);
    bench.hear({ kind: "proved", peer: bob, endpoint: reflexive, rttMillis: 20 });
    const plans = only(bench.hear({ kind: "woke", slept: false }), "setPaths");
    expect(plans[0]).toMatchObject({ paths: [], active: [reflexive] });
    expect(new Set(plans[1]?.paths.map(({ probeMillis }) => probeMillis))).toEqual(new Set([250]));
  });
});

describe("stock clients", () => {
  const stock = { kind: "stock" as const, rights: { relay: false, gateway: null, issue: false } };
  const gate = net.certificate("ann", 1, { rights: { relay: true, gateway: [], issue: false } });
  const phone = net.certificate("phone", 9, { ...stock, gateway: identityOf("ann") }, identityOf("ann"));

  it("[Z27] are peers of the gateway that serves them, of nobody else", () => {
    const bench = new Bench();
    const effects = bench.learn(net.record(), gate, phone);
    expect(only(effects, "setPeer")).toMatchObject([
      { peer: sessionOf("phone"), peerKind: "stock", forward: true },
    ]);
    const key = sessionOf("phone");
    expect(bench.machine.peer(key, start)).toMatchObject({
      state: "offline",
      reasonCode: "stock-waiting",
      verdict: { code: "stock-waiting", remedy: { target: "phone" } },
    });
    bench.hear({ kind: "session", peer: key, endpoint: "192.0.2.9:999", initiator: false, rekey: false });
    expect(bench.machine.peer(key, start)).toMatchObject({
      state: "connected",
      path: { remote: "192.0.2.9:999" },
    });

    const other = meet();
    const gateway = net.certificate("bob", 2, {
      serial: 2,
      rights: { relay: true, gateway: [], issue: false },
    });
    const theirs = net.certificate("phone", 9, { ...stock, gateway: identityOf("bob") }, identityOf("bob"));
    const own = ["10.77.0.2/32", ulaOf("bob")];
    expect(only(other.learn(gateway, theirs), "setPeer")).toEqual([
      { kind: "setPeer", peer: bob, peerKind: "node", allowed: [...own, "10.77.0.9/32", ulaOf("phone")] },
    ]);
    expect(other.machine.peer(key, start)).toMatchObject({
      state: "unreachable",
      reasonCode: "stock-client",
    });
    // It leaves by its own key, which the gateway keeps.
    const leaves = net.revocation("phone", start + 1, identityOf("phone"), "left");
    expect(only(other.learn(leaves), "setPeer")).toEqual([
      { kind: "setPeer", peer: bob, peerKind: "node", allowed: own },
    ]);
  });

  it("[Z27] move with the gateway that serves them, and end with its right", () => {
    const other = meet();
    const right = { rights: { relay: true, gateway: [], issue: false } };
    const served = (by: string, serial: number) =>
      net.certificate("phone", 9, { ...stock, serial, gateway: identityOf(by) }, identityOf(by));
    other.learn(net.certificate("bob", 2, { serial: 2, ...right }), net.certificate("cy", 3, right));
    const allowedOf = (effects: readonly Effect[]) =>
      new Map(only(effects, "setPeer").map(({ peer, allowed }) => [peer, allowed.includes("10.77.0.9/32")]));
    expect(allowedOf(other.learn(served("bob", 1)))).toEqual(new Map([[bob, true]]));
    expect(allowedOf(other.learn(served("cy", 2)))).toEqual(
      new Map([
        [bob, false],
        [sessionOf("cy"), true],
      ]),
    );
    const without = net.certificate("cy", 3, { serial: 2 });
    expect(allowedOf(other.learn(without))).toEqual(
      new Map([
        [bob, true],
        [sessionOf("cy"), false],
      ]),
    );
  });
});
