import { describe, expect, it } from "vitest";
import type { Held } from "../../../src-main/engine/held-networks.ts";
import { Traffic } from "../../../src-main/engine/traffic.ts";
import type { Install } from "../../../src-main/handlers/install.ts";
import { readStatus } from "../../../src-main/handlers/status.ts";
import { Network } from "../../../src-main/mesh/network.ts";
import { hashOf, identityOf, sessionOf, start, TestNetwork } from "../../fakes/entries.ts";

const net = new TestNetwork();

/** An install whose only network has heard some entries. */
function install(machine: Network): Install {
  const traffic = new Traffic();
  traffic.take({ peers: [], refused: { "mac1-invalid": 3 }, relayed: { datagrams: 0, bytes: 0 } });
  const stored = { network: net.id, name: "home", router: { addresses: [], pin: "" }, issuerSeed: null };
  const line = { address: () => null, control: () => null, lastError: () => null };
  const routes = { own: () => [], overlaps: () => [], unrouted: () => [] };
  const addresses = { address6: null };
  const loop = { machine, line, routes, addresses, session: { publicKey: "" }, interfaceName: null, stored };
  return {
    engine: {
      networks: { all: () => [{ stored, loop } as unknown as Held] },
      traffic,
      identity: { key: identityOf("ann") },
      surroundings: { notary: { hash: hashOf }, forwarding: { firewalls: () => [] } },
      whereabouts: { outside: { reflexive: () => [] } },
      startedAt: start,
      system: { rights: { state: () => ({ kind: "own" }) } },
      port: 7743,
    },
    router: { status: () => ({}), refused: () => ({ "mac1-invalid": 1 }) },
    panel: () => null,
  } as unknown as Install;
}

describe("the status of an install", () => {
  it("counts what was refused by the data plane, the router role and the networks", () => {
    const self = { identity: identityOf("ann"), sessionKey: sessionOf("ann") };
    const machine = new Network({
      network: net.id,
      self,
      ownRelay: () => null,
      random: () => 0,
      hash: hashOf,
    });
    const stranger = net.certificate("eve", 9, {}, identityOf("nobody"));
    machine.handle({ kind: "entries", entries: [net.record(), net.certificate("ann", 1), stranger] }, start);
    const { refused } = readStatus(install(machine));
    expect(refused["mac1-invalid"]).toBe(4);
    expect(Object.entries(machine.refused())).toHaveLength(1);
    for (const [cause, count] of Object.entries(machine.refused()))
      expect(refused[`entry ${cause}`]).toBe(count);
  });
});
