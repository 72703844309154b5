import { describe, expect, it } from "vitest";
import type { Bench } from "./network-bench.ts";
import {
  bob,
  channel,
  kinds,
  lan,
  meet,
  only,
  reflexive,
  relay,
  relayEndpoint,
  relayed,
} from "./network-bench.ts";

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
