/** Where this node itself stands: how it is reached, what of each peer's record can be tried from here, what leads inside. */
import type { Prefix } from "../../src-shared/address.ts";
import { contains, formatPrefix, parseAddress, parsePrefix } from "../../src-shared/address.ts";
import type { Transport } from "../../src-shared/status.ts";
import type { NatFacts, NodeRecord } from "../../src-shared/trust.ts";
import type { LocalPrefix } from "./addresses.ts";
import { outsideHosts } from "./candidate.ts";
import type { Input, OwnCandidate } from "./effect.ts";
import { hostOf } from "./endpoint.ts";
import type { Told } from "./told-addresses.ts";
import { ToldAddresses } from "./told-addresses.ts";
import type { SameAddresses, VerdictFacts } from "./verdict.ts";
import { portOf } from "./vicinity.ts";

/** This node in one network. */
export class Standpoint {
  readonly #routed: () => readonly string[];
  readonly #told = new ToldAddresses();
  #own: readonly OwnCandidate[] = [];
  #nat: NatFacts | undefined;
  #opensPorts = true;
  #takes: readonly Transport[] = [];
  #ranges: readonly Prefix[] = [];
  #clashes: readonly LocalPrefix[] = [];
  #inside: readonly Prefix[] = [];

  /** `routed`: prefixes that are routed into the network from here. */
  constructor(routed: () => readonly string[]) {
    this.#routed = routed;
  }

  /** Own ways to be reached. */
  get own(): readonly OwnCandidate[] {
    return this.#own;
  }

  get nat(): NatFacts | undefined {
    return this.#nat;
  }

  /** What is taken at the own candidates' places besides plain UDP. */
  get takes(): readonly Transport[] {
    return this.#takes;
  }

  /** The network's. */
  get ranges(): readonly Prefix[] {
    return this.#ranges;
  }

  /** The ranges, and what is routed into the network from here. */
  get inside(): readonly Prefix[] {
    return this.#inside;
  }

  /** This end, for a verdict. */
  get here(): VerdictFacts["here"] {
    return {
      nat: this.#nat,
      outside: outsideHosts(this.#own),
      port: portOf(this.#own),
      mayMapPorts: this.#opensPorts,
    };
  }

  hear({ candidates, nat, opensPorts, takes }: Extract<Input, { kind: "candidates" }>): void {
    this.#own = candidates;
    this.#nat = nat;
    this.#opensPorts = opensPorts ?? true;
    this.#takes = takes ?? [];
    this.noteInside();
    this.#told.clear();
  }

  /** The network's ranges are these from now on. */
  govern(ranges: readonly string[]): void {
    this.#ranges = ranges.flatMap((range) => parsePrefix(range) ?? []);
    this.noteInside();
    this.#told.clear();
  }

  /** Local prefixes that are used in the network as well. */
  setClashes(clashes: readonly LocalPrefix[]): void {
    this.#clashes = clashes;
  }

  /** What leads into the network from here; a LAN that this node is in does not. Answers whether that is something else now. */
  noteInside(): boolean {
    const lans = this.#own.flatMap(({ endpoint, kind }) =>
      kind === "lan" ? (parseAddress(hostOf(endpoint)) ?? []) : [],
    );
    const routed = this.#routed()
      .flatMap((text) => parsePrefix(text) ?? [])
      .filter((prefix) => !lans.some((address) => contains(prefix, address)));
    const now = [...this.#ranges, ...routed];
    if (now.map(formatPrefix).join() === this.#inside.map(formatPrefix).join()) return false;
    this.#inside = now;
    this.#told.clear();
    return true;
  }

  /** What of a record can be tried from here. */
  triable(node: NodeRecord | null): Told {
    return this.#told.of(node, { ranges: this.#inside, own: this.#own });
  }

  /** The first of a member's addresses that lies in a local prefix as well; null when none does. */
  overlap(addresses: readonly string[]): SameAddresses | null {
    if (this.#clashes.length === 0) return null;
    for (const address of addresses)
      for (const clash of this.#clashes) {
        const [parsed, local] = [parseAddress(address), parsePrefix(clash.prefix)];
        if (parsed === null || local === null || !contains(local, parsed)) continue;
        const range = this.#ranges.find((each) => contains(each, parsed));
        const { prefix, interface: name } = clash;
        return {
          address,
          range: range === undefined ? "" : formatPrefix(range),
          local: prefix,
          interface: name,
        };
      }
    return null;
  }
}
