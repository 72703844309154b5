/** What a pair of sites should come to, and whether it did. */
import type { Meeting, SiteKind } from "./grid.ts";

/** What is expected of a pair. */
export interface Target {
  readonly outcome: "direct" | "relayed";
  /** Until both ends send directly. */
  readonly directMillis: number;
  /** Why no direct way is expected. */
  readonly because: string | null;
}

/** The target of a pair. */
export function targetOf(one: SiteKind, other: SiteKind): Target {
  const why = beyondReach(one, other);
  if (why !== null) return { outcome: "relayed", directMillis: 0, because: why };
  return { outcome: "direct", directMillis: patience(one, other), because: null };
}

/** What a pair missed of its target, in words; empty when nothing. A direct way that nobody expected is none. */
export function misses(target: Target, meeting: Meeting): readonly string[] {
  const { outcome, firstMillis, directMillis } = meeting;
  if (outcome === "none") return ["no packet came through"];
  const missed: string[] = [];
  if (firstMillis === null || firstMillis > mostFirstMillis)
    missed.push(`first packet after ${firstMillis} ms`);
  if (target.outcome === "relayed") return missed;
  if (directMillis === null) missed.push("never direct");
  else if (directMillis > target.directMillis) missed.push(`direct after ${directMillis} ms only`);
  return missed;
}

/** How long it may take until both ends send directly: where a port is guessed, or where TCP comes after UDP, longer. */
function patience(one: SiteKind, other: SiteKind): number {
  if (one === "udp-blocked" || other === "udp-blocked") return 10_000;
  const isGuessed = [one, other].some((kind) => portOf(kind) !== "kept");
  const isGiven = one === "public" || other === "public" || (one === "ipv6-firewall" && one === other);
  return isGuessed && !isGiven ? 10_000 : 2000;
}

/** How a site's outer port depends on where it sends to, in IPv4. */
function portOf(kind: SiteKind): "kept" | "next" | "any" {
  if (kind === "symmetric-sequential") return "next";
  return kind === "symmetric-random" || kind === "ipv6-firewall" ? "any" : "kept";
}

function beyondReach(one: SiteKind, other: SiteKind): string | null {
  const kinds = [one, other];
  if (kinds.includes("no-hairpin")) return "their carrier's NAT does not turn back to its own address";
  if (one === "ipv6-firewall" && other === one) return null;
  const ports = kinds.map(portOf);
  if (kinds.includes("udp-blocked") && ports.includes("any"))
    return "UDP is closed at one end, and the other's TCP ports are any";
  // Each datagram of an end whose port is any hits the one port that the other opened for it by chance alone.
  if (!ports.includes("kept") && ports.includes("any"))
    return "neither end keeps its port, and one takes any";
  return null;
}

/** "At once" through a relay, with the processes of a test machine. */
const mostFirstMillis = 1000;
