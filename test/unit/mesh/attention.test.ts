import { describe, expect, it } from "vitest";
import type { Effect, Input } from "../../../src-main/mesh/effect.ts";
import { Network } from "../../../src-main/mesh/network.ts";
import { hashOf, identityOf, sessionOf, start, TestNetwork } from "../../fakes/entries.ts";

const net = new TestNetwork();
const names = ["bob", "cy", "dan", "eve", "fay", "gil"];
const endpointOf = (name: string) => `203.0.113.${names.indexOf(name) + 7}:7743`;

/** Ann, and direct sessions with six others; `every` is how often each path in use is probed. */
function crowd() {
  let now = start;
  const every = new Map<string, number>();
  const machine = new Network({
    network: net.id,
    self: { identity: identityOf("ann"), sessionKey: sessionOf("ann") },
    ownRelay: () => null,
    random: () => 0.5,
    hash: hashOf,
  });
  const note = (effects: readonly Effect[]) => {
    for (const effect of effects) {
      if (effect.kind !== "setPaths") continue;
      const name = names.find((each) => sessionOf(each) === effect.peer) ?? "";
      const inUse = effect.paths.find(({ endpoint }) => endpoint === effect.active[0]);
      if (inUse !== undefined) every.set(name, inUse.probeMillis);
    }
  };
  const hear = (input: Input) => note(machine.handle(input, now));
  const traffic = (seconds: number, who = names, heavy: readonly string[] = []) => {
    for (let second = 0; second < seconds; second++) {
      now += 1000;
      hear({ kind: "tick" });
      hear({ kind: "traffic", peers: who.map(sessionOf), heavy: heavy.map(sessionOf) });
      const measure = {
        rttMillis: 20,
        minRttMillis: 20,
        loss: 0,
        jitterMillis: 0,
        lossOut: null,
        lossIn: null,
        deliveredPerSecond: null,
      };
      const paths = names.map((name) => ({
        ...measure,
        peer: sessionOf(name),
        endpoint: endpointOf(name),
        mtu: null,
        lastEchoMillis: now,
      }));
      hear({ kind: "measured", paths });
    }
  };
  const members = names.map((name, at) => net.certificate(name, at + 2));
  hear({ kind: "entries", entries: [net.record(), net.certificate("ann", 1), ...members] });
  for (const name of names) {
    const [peer, endpoint] = [sessionOf(name), endpointOf(name)];
    hear({ kind: "session", peer, endpoint, initiator: true, rekey: false });
    hear({ kind: "proved", peer, endpoint, rttMillis: 20 });
  }
  return { every, hear, traffic };
}

describe("[C08] the paths in use", () => {
  it("are probed ten times a second to one peer under traffic, once to each of six", () => {
    const { every, traffic } = crowd();
    traffic(10);
    expect([...every.values()]).toEqual(names.map(() => 1000));
    traffic(10, ["bob"]);
    expect(every.get("bob")).toBe(100);
  });

  it("are probed often wherever much flows", () => {
    const { every, traffic } = crowd();
    traffic(10, names, ["cy"]);
    expect(every.get("cy")).toBe(100);
    expect(every.get("dan")).toBe(1000);
  });

  it("are all looked at closely for three seconds when one of them is lost", () => {
    const { every, hear, traffic } = crowd();
    traffic(10);
    hear({ kind: "lost", peer: sessionOf("bob"), endpoint: endpointOf("bob") });
    for (const name of names.slice(1)) expect(every.get(name), name).toBe(250);
    traffic(4);
    for (const name of names.slice(1)) expect(every.get(name), name).toBe(1000);
  });
});
