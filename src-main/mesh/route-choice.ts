/** Which of several gateways carries a prefix: by priority, by whether it answers, by latency; and when to change. */
import type { IdentityKey, Millis } from "../../src-shared/ids.ts";
import type { RouteReason } from "../../src-shared/route-status.ts";

/** How a gateway is reached: it answers; was never asked, or is being asked; does not answer; or says it is of no use. */
export type Health = "stands" | "untried" | "lost" | "down";

/** A gateway that may carry a prefix. */
export interface GatewayFacts {
  readonly identity: IdentityKey;
  /** The lowest wins. */
  readonly priority: number;
  readonly health: Health;
  /** Since when that is so. */
  readonly since: Millis;
  /** Round trip; null until measured. */
  readonly rttMillis: number | null;
}

/** Who carries it (null: nobody can), and why. */
export interface GatewayChoice {
  readonly carrier: IdentityKey | null;
  readonly reason: RouteReason;
}

/** The gateways in the order in which they are taken. */
export function rankGateways<Facts extends GatewayFacts>(gateways: readonly Facts[]): readonly Facts[] {
  return gateways.toSorted(
    (one, other) =>
      usefulness[one.health] - usefulness[other.health] ||
      one.priority - other.priority ||
      nearness[one.health] - nearness[other.health] ||
      (one.rttMillis ?? unmeasured) - (other.rttMillis ?? unmeasured) ||
      (one.identity < other.identity ? -1 : 1),
  );
}

/**
 * Chooses. `before` carried it so far: it goes on while it answers, unless a better one has stood for a while, because
 * connections that a gateway translates do not survive a change. One that fell silent is left as soon as another answers.
 */
export function chooseGateway(
  gateways: readonly GatewayFacts[],
  before: IdentityKey | null,
  now: Millis,
): GatewayChoice {
  const ranked = rankGateways(gateways);
  const [best] = ranked;
  if (best === undefined || best.health === "down") return { carrier: null, reason: "down" };
  const current = ranked.find(({ identity, health }) => identity === before && health !== "down");
  const chosen = current === undefined ? best : replacementOf(current, ranked, now);
  return { carrier: chosen.identity, reason: reasonOf(chosen, ranked) };
}

/** When the choice may be another though nothing happens; infinity: never. */
export function choiceEnds(gateways: readonly GatewayFacts[], now: Millis): Millis {
  if (gateways.length < 2) return Number.POSITIVE_INFINITY;
  const ends = gateways.filter(({ health }) => health === "stands").map(({ since }) => since + settledAfter);
  return Math.min(...ends.filter((end) => end > now));
}

function replacementOf(current: GatewayFacts, ranked: readonly GatewayFacts[], now: Millis): GatewayFacts {
  // Of two that do not answer nobody knows which is the better one; and who is asked may answer in a moment.
  if (current.health === "lost") return ranked.find(({ health }) => health === "stands") ?? current;
  const [best = current] = ranked;
  return mayReplace(best, current, now) ? best : current;
}

function mayReplace(best: GatewayFacts, current: GatewayFacts, now: Millis): boolean {
  if (best === current) return false;
  if (current.health === "untried") return best.health === "stands" || best.priority < current.priority;
  const hasSettled = best.health === "stands" && now - best.since >= settledAfter;
  if (best.priority !== current.priority) return hasSettled && best.priority < current.priority;
  return hasSettled && isMuchFaster(best.rttMillis, current.rttMillis);
}

function isMuchFaster(one: number | null, other: number | null): boolean {
  return one !== null && other !== null && one * 2 + margin <= other;
}

function reasonOf(chosen: GatewayFacts, ranked: readonly GatewayFacts[]): RouteReason {
  if (chosen.health === "lost") return "lost";
  if (chosen.health === "untried") return "untried";
  const others = ranked.filter((each) => each !== chosen);
  if (others.length === 0) return "only";
  const usable = others.filter(({ health }) => health === "stands" || health === "untried");
  if (others.some((each) => each.priority <= chosen.priority && !usable.includes(each))) return "took-over";
  if (usable.some(({ priority }) => priority < chosen.priority)) return "kept";
  const equals = usable.filter(({ priority }) => priority === chosen.priority);
  if (equals.length === 0) return "first";
  const isFastest = equals.every(
    ({ rttMillis }) => (rttMillis ?? unmeasured) >= (chosen.rttMillis ?? unmeasured),
  );
  return isFastest ? "fastest" : "kept";
}

/** Who was never asked may be as good as who answers: priority says more than that. */
const usefulness: Readonly<Record<Health, number>> = { stands: 0, untried: 0, lost: 1, down: 2 };
const nearness: Readonly<Record<Health, number>> = { stands: 0, untried: 1, lost: 0, down: 0 };
const unmeasured = Number.MAX_SAFE_INTEGER;
/** A better gateway has to answer for so long before what works is given up for it. */
const settledAfter: Millis = 10_000;
/** So many milliseconds less than half are worth a change. */
const margin = 20;
