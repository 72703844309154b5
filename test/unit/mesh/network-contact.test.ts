import { describe, expect, it } from "vitest";
import { Network } from "../../../src-main/mesh/network.ts";
import { hashOf, identityOf, sessionOf, start } from "../../fakes/entries.ts";
import {
  bob,
  channel,
  kinds,
  lan,
  meet,
  net,
  only,
  reflexive,
  relay,
  relayEndpoint,
  relayed,
} from "./network-bench.ts";

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
