/**
 * The names of networks: `NODE.NETWORK.mesh` for members, names written by hand, and names of addresses (RFC 1034).
 *
 * Nothing below `mesh` is anybody else's to answer; names elsewhere are foreign, but for those of the networks' addresses.
 */
import type { Address, Prefix } from "../../src-shared/address.ts";
import { contains, formatAddress, parseAddress } from "../../src-shared/address.ts";
import type { NameEntry } from "../../src-shared/names.ts";
import { isHostName } from "../../src-shared/names.ts";

/** What one network has names for. */
export interface NamedNetwork {
  /** Name it goes by on this machine. */
  readonly name: string;
  /** Whose addresses are answered for. */
  readonly ranges: readonly Prefix[];
  readonly members: readonly { readonly name: string; readonly addresses: readonly string[] }[];
  /** Written by an administrator; a member's own name comes before them. */
  readonly byHand: readonly NameEntry[];
}

/** A record of an answer. Names without the dot at their end. */
export interface NameRecord {
  readonly name: string;
  readonly type: "A" | "AAAA" | "CNAME" | "PTR";
  /** An address, or a name. */
  readonly value: string;
}

/** `empty`: there is the name, but nothing of that type; `unknown`: there is no such name in the zone. */
export type Resolution =
  | { readonly kind: "found"; readonly records: readonly NameRecord[] }
  | { readonly kind: "empty" | "unknown"; readonly zone: string }
  | { readonly kind: "foreign" };

/** A name with what it stands for, for people. */
export interface ListedName {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly alias: string | null;
  readonly byHand: boolean;
}

/** Punycode of a domain with letters of other scripts (RFC 5891); empty when there is none. */
export type ToAscii = (domain: string) => string;

/** Whatever is asked of the names of some networks, in constant time. */
export class NameTable {
  readonly #nodes = new Map<string, Node>();
  readonly #reverse = new Map<string, string>();
  readonly #ranges: readonly Prefix[];
  readonly #zones: readonly string[];

  constructor(networks: readonly NamedNetwork[], toAscii: ToAscii) {
    this.#ranges = networks.flatMap(({ ranges }) => ranges);
    this.#zones = networks.map(({ name }) => domainOf(name, toAscii)).filter((zone) => zone !== topDomain);
    for (const network of networks) this.#add(network, toAscii);
  }

  /** Answers a question; `type` is a record type in capitals, of which only addresses, names and `ANY` lead to records. */
  resolve(name: string, type: string): Resolution {
    const asked = name.toLowerCase().replace(/\.$/, "");
    if (isBelow(asked, topDomain)) return this.#forward(asked, type);
    const address = addressOfReverse(asked);
    const range = address === null ? undefined : this.#ranges.find((each) => contains(each, address));
    if (address === null || range === undefined) return { kind: "foreign" };
    const owner = this.#reverse.get(formatAddress(address));
    const zone = reverseDomains(range).find((each) => isBelow(asked, each)) ?? asked;
    if (owner === undefined) return { kind: "unknown", zone };
    if (type !== "PTR" && type !== "ANY") return { kind: "empty", zone };
    return { kind: "found", records: [{ name: asked, type: "PTR", value: owner }] };
  }

  /** All names that lead somewhere, in the order of their networks, members first. */
  list(): readonly ListedName[] {
    return [...this.#nodes].flatMap(([name, node]): ListedName[] => {
      if (node.kind === "inner") return [];
      const { byHand } = node;
      if (node.kind === "alias") return [{ name, addresses: [], alias: node.of, byHand }];
      return [{ name, addresses: node.addresses.map(formatAddress), alias: null, byHand }];
    });
  }

  #forward(asked: string, type: string): Resolution {
    const zone = this.#zones.find((each) => isBelow(asked, each)) ?? topDomain;
    const records: NameRecord[] = [];
    let name = asked;
    for (let step = 0; step <= mostAliases; step++) {
      const node = this.#nodes.get(name);
      if (node === undefined) {
        // An alias of nothing is itself all there is to say of it.
        if (records.length > 0) return { kind: "found", records };
        return { kind: isOneOf(this.#zones, name) ? "empty" : "unknown", zone };
      }
      if (node.kind === "alias") {
        records.push({ name, type: "CNAME", value: node.of });
        if (type === "CNAME") return { kind: "found", records };
        name = node.of;
        continue;
      }
      const addresses = node.kind === "inner" ? [] : node.addresses;
      for (const address of addresses) {
        const kind = address.family === 4 ? "A" : "AAAA";
        if (type === kind || type === "ANY")
          records.push({ name, type: kind, value: formatAddress(address) });
      }
      return records.length > 0 ? { kind: "found", records } : { kind: "empty", zone };
    }
    return { kind: "found", records };
  }

  #add(network: NamedNetwork, toAscii: ToAscii): void {
    const zone = domainOf(network.name, toAscii);
    if (zone === topDomain) return;
    for (const member of network.members) {
      const name = `${labelsOf(member.name, toAscii)}.${zone}`;
      const addresses = member.addresses.flatMap((text) => parseAddress(text) ?? []);
      if (name.startsWith(".") || addresses.length === 0) continue;
      this.#put(name, { kind: "host", addresses, byHand: false });
      for (const address of addresses) setOnce(this.#reverse, formatAddress(address), name);
    }
    for (const entry of network.byHand) {
      const name = `${entry.name}.${zone}`;
      if (entry.kind === "alias") this.#put(name, { kind: "alias", of: `${entry.of}.${zone}`, byHand: true });
      else this.#putAddress(name, parseAddress(entry.address));
    }
    for (const entry of network.byHand) {
      if (entry.kind === "address") setOnce(this.#reverse, entry.address, `${entry.name}.${zone}`);
    }
  }

  /** Several lines of one name are its several addresses. */
  #putAddress(name: string, address: Address | null): void {
    const known = this.#nodes.get(name);
    if (address === null || known?.kind === "alias") return;
    const before = known?.kind === "host" ? known.addresses : [];
    this.#put(name, { kind: "host", addresses: [...before, address], byHand: true });
  }

  /** Puts a name, and what lies between it and its zone: there is a `b.home.mesh` where there is an `a.b.home.mesh` (RFC 8020). */
  #put(name: string, node: Node): void {
    const known = this.#nodes.get(name);
    if (known !== undefined && known.kind !== "inner" && (!known.byHand || known.kind === "alias")) return;
    this.#nodes.set(name, node);
    for (let at = name.indexOf("."); at >= 0; at = name.indexOf(".", at + 1)) {
      const outer = name.slice(at + 1);
      if (outer === topDomain || this.#nodes.has(outer)) break;
      this.#nodes.set(outer, { kind: "inner" });
    }
  }
}

/** What all names of a network end in, `home.mesh`; `mesh` alone for a name that cannot be written in a domain. */
export function domainOf(network: string, toAscii: ToAscii): string {
  const labels = labelsOf(network, toAscii);
  return labels === "" ? topDomain : `${labels}.${topDomain}`;
}

/** The domains to be asked of the server of one network: its own, and those of its addresses; the latter may be left out. */
export function domainsOf(
  network: Pick<NamedNetwork, "name" | "ranges">,
  toAscii: ToAscii,
): readonly string[] {
  return [domainOf(network.name, toAscii), ...network.ranges.flatMap(reverseDomains)];
}

/** Domains that hold the names of a range's addresses, and of no others (RFC 1035 §3.5); none where they are too many. */
export function reverseDomains(range: Prefix): readonly string[] {
  const [unit, count] = range.family === 4 ? [8, 4] : [4, 32];
  const depth = Math.ceil(range.length / unit);
  const spread = depth * unit - range.length;
  if (depth === 0 || 1 << spread > mostReverseDomains) return [];
  const bits = BigInt(unit * count);
  const step = 1n << (bits - BigInt(depth * unit));
  return Array.from({ length: 1 << spread }, (_, at) =>
    reverseName({ family: range.family, value: range.value + BigInt(at) * step })
      .split(".")
      .slice(count - depth)
      .join("."),
  );
}

/** Name of an address: `4.3.2.1.in-addr.arpa`, or nibbles below `ip6.arpa` (RFC 3596). */
export function reverseName({ family, value }: Address): string {
  if (family === 4) {
    const parts = [0n, 8n, 16n, 24n].map((shift) => String((value >> shift) & 255n));
    return `${parts.join(".")}.in-addr.arpa`;
  }
  const digits = value.toString(16).padStart(32, "0");
  return `${[...digits].reverse().join(".")}.ip6.arpa`;
}

function addressOfReverse(name: string): Address | null {
  const four = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name);
  if (four !== null) return parseAddress(four.slice(1, 5).reverse().join("."));
  const six = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name)?.[1];
  if (six === undefined) return null;
  const digits = six.replaceAll(".", "");
  return { family: 6, value: BigInt(`0x${[...digits].reverse().join("")}`) };
}

/** A node's or network's name as labels of a domain; empty when it cannot be one. */
function labelsOf(name: string, toAscii: ToAscii): string {
  const text = name
    .normalize("NFC")
    .toLowerCase()
    .split(".")
    .filter((label) => label !== "")
    .join(".");
  const ascii = isHostName(text) ? text : toAscii(text);
  return ascii.length <= longestLabels && isHostName(ascii) ? ascii.toLowerCase() : "";
}

function isBelow(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`);
}

/** Whether a name is a zone, or lies above one: then it exists. */
function isOneOf(zones: readonly string[], name: string): boolean {
  return name === topDomain || zones.some((zone) => isBelow(zone, name));
}

function setOnce(map: Map<string, string>, key: string, value: string): void {
  if (!map.has(key)) map.set(key, value);
}

/** What a name stands for; `inner` exists because something lies below it. */
type Node =
  | { readonly kind: "host"; readonly addresses: readonly Address[]; readonly byHand: boolean }
  | { readonly kind: "alias"; readonly of: string; readonly byHand: boolean }
  | { readonly kind: "inner" };

/** Above all networks. */
export const topDomain = "mesh";
/** Longer rows of aliases are cut: they go in circles. */
const mostAliases = 8;
const mostReverseDomains = 16;
/** Leaves room for a node's name and a network's in the 253 characters of a domain. */
const longestLabels = 190;
