/** What of each node's own record can be tried from here. */
import type { Prefix } from "../../src-shared/address.ts";
import type { IdentityKey } from "../../src-shared/ids.ts";
import { transports } from "../../src-shared/status.ts";
import type { NodeRecord } from "../../src-shared/trust.ts";
import { triable } from "./candidate.ts";
import type { OwnCandidate } from "./effect.ts";
import { transportOf } from "./endpoint.ts";
import type { LinkOffer } from "./peer-links.ts";

/** What a record says, as far as it can be tried. */
export interface Told {
  /** Where plain UDP may reach the node. */
  readonly addresses: readonly OwnCandidate[];
  readonly offer: LinkOffer;
}

/** Computed once for each record. */
export class ToldAddresses {
  readonly #found = new Map<IdentityKey, { readonly node: NodeRecord; readonly told: Told }>();

  /** What of a record can be tried; `here` as of the last `clear`. */
  of(
    node: NodeRecord | null,
    here: { readonly ranges: readonly Prefix[]; readonly own: readonly OwnCandidate[] },
  ): Told {
    if (node === null) return nothing;
    const known = this.#found.get(node.identity);
    if (known?.node === node) return known.told;
    const found = triable(node.candidates, here);
    const isPlain = ({ endpoint }: OwnCandidate) => transportOf(endpoint) === "udp";
    const told = {
      addresses: found.filter(isPlain),
      offer: {
        told: found.filter((candidate) => !isPlain(candidate)),
        takes: transports.filter(
          (transport) => transport !== "udp" && node.takes?.includes(transport) === true,
        ),
      },
    };
    this.#found.set(node.identity, { node, told });
    return told;
  }

  /** Our own addresses or the network's ranges are others now. */
  clear(): void {
    this.#found.clear();
  }
}

const nothing: Told = { addresses: [], offer: { told: [], takes: [] } };
