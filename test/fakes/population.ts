/** Who lives in the fake networks. */
import { formatAddress, parsePrefix } from "../../src-shared/address.ts";
import type { FakePeer, Way } from "./peer.ts";
import { createPeer } from "./peer.ts";
import type { Random } from "./random.ts";

/** A number of peers, the first ones with names and ways worth showing; the rest mostly idle, as in life. */
export function populate(
  random: Random,
  given: { readonly range: string; readonly count: number; readonly now: number },
): FakePeer[] {
  const peers: FakePeer[] = [];
  for (let at = 0; at < given.count; at++) {
    const [name, way] = known[at] ?? [`node-${String(at + 1).padStart(4, "0")}`, random.pick(usualWays)];
    const stock = name === "li-phone";
    peers.push(
      createPeer(random, {
        name,
        way,
        address: hostIn(given.range, at + 2),
        now: given.now,
        kind: stock ? "stock" : "node",
        admin: name === "atlas",
      }),
    );
  }
  return peers;
}

/** The n-th host of a range, as text. */
export function hostIn(range: string, index: number): string {
  const prefix = parsePrefix(range);
  if (prefix === null) throw new Error(`no range: ${range}`);
  return formatAddress({ family: prefix.family, value: prefix.value + BigInt(index) });
}

const known: readonly (readonly [string, Way])[] = [
  ["atlas", "direct"],
  ["nas", "lan"],
  ["workbench", "lan"],
  ["oslo-vps", "direct"],
  ["mei-laptop", "relay"],
  ["build-01", "direct"],
  ["tokyo-vps", "direct"],
  ["li-phone", "direct"],
  ["camera-gate", "idle"],
  ["garage-pi", "unreachable"],
  ["grandma-pc", "relay"],
  ["backup", "offline"],
];

const usualWays: readonly [Way, ...Way[]] = [
  "direct",
  "direct",
  "relay",
  "lan",
  "idle",
  "idle",
  "idle",
  "idle",
  "unreachable",
  "offline",
  "offline",
  "offline",
];
