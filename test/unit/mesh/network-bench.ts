/** Ann's machine in a network with Bob and a router, and what tests say to it. */
import type { Effect, Input } from "../../../src-main/mesh/effect.ts";
import { Network } from "../../../src-main/mesh/network.ts";
import type { Entry } from "../../../src-shared/trust.ts";
import { ulaAddress } from "../../../src-shared/ula.ts";
import { hashOf, identityOf, sessionOf, start, TestNetwork } from "../../fakes/entries.ts";

export const net = new TestNetwork();
export const bob = sessionOf("bob");
export const relay = sessionOf("relay");
export const ulaOf = (name: string) => `${ulaAddress(net.id, identityOf(name), hashOf)}/128`;
export const relayEndpoint = "198.51.100.1:7743";
export const lan = "192.168.1.5:7743";
export const reflexive = "203.0.113.7:7743";

/** Ann's machine, with a clock that the test moves. */
export class Bench {
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
export function meet(options: { relay?: boolean } = {}): Bench {
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

/** Through the relay. */
export const channel = `${relayEndpoint}#7`;

/** Bob answered through the relay. */
export function relayed(bench: Bench): readonly Effect[] {
  bench.hear({ kind: "wanted", peer: bob });
  bench.hear({ kind: "relayOpened", peer: bob, relay, opened: { endpoint: channel } });
  return bench.hear({ kind: "session", peer: bob, endpoint: channel, initiator: true, rekey: false });
}

/** Their kinds, in order. */
export function kinds(effects: readonly Effect[]): readonly string[] {
  return effects.map(({ kind }) => kind);
}

/** Those of one kind. */
export function only<Kind extends Effect["kind"]>(
  effects: readonly Effect[],
  kind: Kind,
): Extract<Effect, { kind: Kind }>[] {
  return effects.filter((effect): effect is Extract<Effect, { kind: Kind }> => effect.kind === kind);
}
