import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Effect, Input } from "../../../src-main/mesh/effect.ts";
import { Network } from "../../../src-main/mesh/network.ts";
import type { Entry } from "../../../src-shared/trust.ts";
import { day, hashOf, identityOf, sessionOf, start, TestNetwork } from "../../fakes/entries.ts";

const net = new TestNetwork();
const names = ["bob", "cy", "dan"];
const relay = sessionOf("relay");
const self = { identity: identityOf("ann"), sessionKey: sessionOf("ann") };

const bob = sessionOf("bob");
const peer = fc.constantFrom(
  bob,
  bob,
  bob,
  bob,
  ...names.map(sessionOf),
  sessionOf("stranger"),
  self.sessionKey,
);
const endpoint = fc.constantFrom(
  "192.168.1.5:7743",
  "203.0.113.7:7743",
  "[2001:db8::1]:7743",
  "198.51.100.1:7743#1",
  "198.51.100.1:7743#2",
  "garbage",
);
const rtt = fc.option(fc.double({ min: 0, max: 2000, noNaN: true }), { nil: null });
const entry = fc.constantFrom<Entry[]>(
  [net.record()],
  [net.record({ version: 2, ranges: ["10.0.0.0/8"] })],
  [net.certificate("ann", 1)],
  [net.certificate("ann", 1, { expires: start + day })],
  [net.revocation("ann", start)],
  ...names.map((name, at) => [net.certificate(name, at + 2), net.node(name, 1, ["192.168.1.5:7743"])]),
  ...names.map((name) => [net.node(name, 2, ["203.0.113.7:7743", "10.77.0.1:7743", "no.such:1"])]),
  [net.certificate("bob", 3, { serial: 2, sessionKey: sessionOf("bob again") })],
  [net.revocation("cy", start)],
  [net.delegation("invite"), net.delegated("invite", "dan", 2)],
);

const anything: fc.Arbitrary<Input> = fc.oneof(
  entry.map((entries) => ({ kind: "entries" as const, entries })),
  fc.boolean().map((online) => ({ kind: "rendezvous" as const, online })),
  fc
    .tuple(fc.boolean(), fc.subarray(names), fc.boolean(), fc.boolean())
    .map(([complete, who, online, udp]) => ({
      kind: "presence" as const,
      complete,
      members: who.map((name) => ({ identity: identityOf(name), online, udp })),
    })),
  fc
    .option(fc.constantFrom("198.51.100.1:7743", "198.51.100.2:7743"), { nil: null })
    .map((where) => ({ kind: "relay" as const, relay, name: "nas", endpoint: where })),
  fc.subarray(["192.168.1.9:7743", "192.168.1.5:7743", "203.0.113.1:7743"]).map((endpoints) => ({
    kind: "candidates" as const,
    candidates: endpoints.map((one) => ({ endpoint: one, kind: "lan" as const })),
  })),
  peer.map((key) => ({ kind: "wanted" as const, peer: key })),
  peer.map((key) => ({ kind: "carried" as const, peer: key })),
  peer.map((key) => ({ kind: "moved" as const, peer: key })),
  fc
    .tuple(peer, endpoint)
    .map(([key, where]) => ({ kind: "neighbour" as const, peer: key, endpoint: where })),
  fc.uniqueArray(peer).map((peers) => ({ kind: "traffic" as const, peers })),
  fc.tuple(peer, endpoint, fc.boolean(), fc.boolean()).map(([key, where, initiator, rekey]) => ({
    kind: "session" as const,
    peer: key,
    endpoint: where,
    initiator,
    rekey,
  })),
  fc
    .tuple(peer, fc.constantFrom("no-answer" as const, "expired" as const))
    .map(([key, reason]) => ({ kind: "ended" as const, peer: key, reason })),
  fc
    .tuple(peer, endpoint, fc.constantFrom("heard" as const, "lost" as const))
    .map(([key, where, kind]) => ({ kind, peer: key, endpoint: where })),
  fc
    .tuple(peer, endpoint, fc.double({ min: 0, max: 2000, noNaN: true }))
    .map(([key, where, rttMillis]) => ({ kind: "proved" as const, peer: key, endpoint: where, rttMillis })),
  fc
    .array(fc.tuple(peer, endpoint, rtt, fc.double({ min: 0, max: 1, noNaN: true })), { maxLength: 4 })
    .map((all) => ({
      kind: "measured" as const,
      paths: all.map(([key, where, rttMillis, loss]) => ({
        peer: key,
        endpoint: where,
        rttMillis,
        minRttMillis: rttMillis,
        loss,
        jitterMillis: rttMillis === null ? null : rttMillis / 10,
        lossOut: loss,
        lossIn: null,
        deliveredPerSecond: rttMillis === null ? null : loss * 1e7,
        mtu: rttMillis === null ? null : 1400,
        lastEchoMillis: rttMillis === null ? null : start + 1000,
      })),
    })),
  fc
    .tuple(peer, fc.constantFrom("offline", "unknown", "here", "quota", "anything"))
    .map(([key, refused]) => ({
      kind: "relayOpened" as const,
      peer: key,
      relay,
      opened: { refused },
    })),
  fc
    .tuple(peer, endpoint)
    .map(([key, where]) => ({ kind: "relayOpened" as const, peer: key, relay, opened: { endpoint: where } })),
  fc
    .tuple(peer, endpoint)
    .map(([key, where]) => ({ kind: "relayOffered" as const, peer: key, relay, endpoint: where })),
  fc
    .record({
      via: fc.constantFrom(null, "nas", "gone"),
      direct: fc.boolean(),
      spread: fc.constantFrom("auto" as const, "on" as const, "off" as const),
    })
    .map((pin) => ({ kind: "pins" as const, pins: new Map([[identityOf("bob"), pin]]) })),
  fc.boolean().map((slept) => ({ kind: "woke" as const, slept })),
  fc.constant({ kind: "tick" as const }),
);
/** What happens most. */
const usual: fc.Arbitrary<Input> = fc.oneof(
  fc.constant({ kind: "traffic" as const, peers: [bob] }),
  fc.constant({ kind: "wanted" as const, peer: bob }),
  endpoint.map((where) => ({
    kind: "session" as const,
    peer: bob,
    endpoint: where,
    initiator: true,
    rekey: false,
  })),
  endpoint.map((where) => ({ kind: "proved" as const, peer: bob, endpoint: where, rttMillis: 20 })),
  endpoint.map((where) => ({ kind: "lost" as const, peer: bob, endpoint: where })),
);
const wait = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(0, 1, 250, 1000, 3000, 10_000) },
  { weight: 1, arbitrary: fc.nat(400_000) },
);
const input = fc.oneof({ weight: 2, arbitrary: usual }, { weight: 3, arbitrary: anything });
const story = fc.array(fc.tuple(wait, input), { maxLength: 50, size: "max" });
const opening: [number, Input][] = [
  [
    0,
    {
      kind: "entries",
      entries: [net.record(), net.certificate("ann", 1), net.certificate("bob", 2), net.certificate("cy", 3)],
    },
  ],
  [0, { kind: "relay", relay, name: "nas", endpoint: "198.51.100.1:7743" }],
];

/** Plays a story, ringing when asked to; tells of each step. */
function play(
  steps: readonly (readonly [number, Input])[],
  check: (effects: readonly Effect[], machine: Network, now: number) => void,
): void {
  const machine = new Network({
    network: net.id,
    self,
    ownRelay: () => null,
    random: () => 0.5,
    hash: hashOf,
  });
  let now = start;
  for (const [after, heard] of steps) {
    const end = now + after;
    for (let rung = 0; rung < 50; rung++) {
      const deadline = machine.deadline();
      if (deadline === null || deadline > end) break;
      now = Math.max(now, deadline);
      check(machine.handle({ kind: "tick" }, now), machine, now);
    }
    now = end;
    check(machine.handle(heard, now), machine, now);
  }
}

describe("a network's machine, whatever it hears", () => {
  it("speaks of known peers only, sends over listed paths only, and asks to be rung later only", () => {
    fc.assert(
      fc.property(story, (steps) => {
        const known = new Set<string>();
        play([...opening, ...steps], (effects, machine, now) => {
          for (const effect of effects) {
            if (effect.kind === "setPeer") known.add(effect.peer);
            else if (effect.kind === "removePeer") expect(known.delete(effect.peer)).toBe(true);
            else if ("peer" in effect && effect.peer !== null) expect(known).toContain(effect.peer);
            if (effect.kind !== "setPaths" || effect.active.length === 0 || effect.paths.length === 0)
              continue;
            expect(effect.paths.map((path) => path.endpoint)).toEqual(
              expect.arrayContaining([...effect.active, ...effect.standby]),
            );
          }
          const kinds = effects.map(({ kind }) => kind);
          for (const flag of ["store", "changed"])
            expect(kinds.filter((kind) => kind === flag).length).toBeLessThan(2);
          expect(machine.deadline() ?? Number.POSITIVE_INFINITY).toBeGreaterThan(now);
        });
      }),
      { numRuns: 250 },
    );
  });

  it("shows every peer in a state that its path and reason fit", () => {
    fc.assert(
      fc.property(story, (steps) => {
        play([...opening, ...steps], (_, machine, now) => {
          for (const view of machine.peers(now)) {
            if (view.state !== "connected" && view.state !== "idle") expect(view.path).toBe(null);
            expect(view.reason === null).toBe(view.path !== null || view.reasonCode === null);
            if (view.state === "unreachable" || view.state === "offline") expect(view.reason).not.toBe(null);
            if (view.state === "connected") expect(view.path).not.toBe(null);
            expect(view.candidates.filter(({ active }) => active).length).toBeLessThan(2);
            expect(view.decisions.length).toBeLessThanOrEqual(20);
          }
        });
      }),
      { numRuns: 200 },
    );
  });

  it("says the same again to the same story", () => {
    fc.assert(
      fc.property(story, (steps) => {
        const [one, other] = [1, 2].map(() => {
          const said: (readonly Effect[])[] = [];
          play([...opening, ...steps], (effects) => said.push(effects));
          return JSON.stringify(said);
        });
        expect(one).toBe(other);
      }),
      { numRuns: 60 },
    );
  });

  it("falls silent once packets stop, whatever happened before", () => {
    fc.assert(
      fc.property(story, (steps) => {
        const end: [number, Input][] = [[0, { kind: "tick" }]];
        let machine: Network | null = null;
        let last = start;
        play([...opening, ...steps, ...end], (_, heard, now) => {
          machine = heard;
          last = now;
        });
        if (machine === null) throw new Error("no machine");
        const network: Network = machine;
        // The data plane lets unanswered calls end and unused sessions expire.
        let now = last + 200_000;
        for (const key of names.map(sessionOf)) {
          network.handle({ kind: "ended", peer: key, reason: "no-answer" }, now);
          network.handle({ kind: "ended", peer: key, reason: "expired" }, now);
        }
        for (let rung = 0; rung < 100; rung++) {
          const deadline = network.deadline();
          if (deadline === null || deadline > last + day) break;
          now = deadline;
          network.handle({ kind: "tick" }, now);
        }
        expect(network.deadline() ?? Number.POSITIVE_INFINITY).toBeGreaterThan(last + day / 2);
      }),
      { numRuns: 60 },
    );
  });
});
