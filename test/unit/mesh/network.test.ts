import { describe, expect, it } from "vitest";
import type { Effect } from "../../../src-main/mesh/effect.ts";
import { identityOf, sessionOf, start } from "../../fakes/entries.ts";
import {
  Bench,
  bob,
  channel,
  kinds,
  lan,
  meet,
  net,
  only,
  reflexive,
  relayed,
  ulaOf,
} from "./network-bench.ts";

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
