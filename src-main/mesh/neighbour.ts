/** Another relay next to this one: what it told, and what it was told. */
import type { IdentityKey, Millis } from "../../src-shared/ids.ts";
import { LinkCost } from "./link-cost.ts";

/** Says how old a route is and how long; what is smaller in this order cannot come from what is greater. */
export interface Distance {
  readonly sequence: number;
  readonly metric: number;
}

/** A route as a neighbour told it: `metric` is the neighbour's own. */
export interface Offer extends Distance {
  readonly signature: string;
}

/** What is known of a neighbour, and what it knows. */
export interface Neighbour {
  readonly cost: LinkCost;
  readonly offers: Map<IdentityKey, Offer>;
  /** What it was told last and therefore has. */
  readonly told: Map<IdentityKey, Distance>;
  /** Number of its last message that counted, and of ours. */
  heardNumber: number;
  number: number;
  /** When everything is said anew; null: what is different is enough. */
  fullAt: Millis | null;
  /** Requests that wait to be sent on. */
  readonly wanted: Map<IdentityKey, { readonly sequence: number; readonly hops: number }>;
  refreshAt: Millis;
}

/** A neighbour that just came to be one. */
export function newNeighbour(rttMillis: number, now: Millis): Neighbour {
  return {
    cost: new LinkCost(rttMillis),
    offers: new Map(),
    told: new Map(),
    heardNumber: 0,
    number: 0,
    fullAt: now,
    wanted: new Map(),
    refreshAt: now,
  };
}

/** Whether one is newer, or as new and shorter. */
export function isLess(one: Distance, other: Distance): boolean {
  return one.sequence > other.sequence || (one.sequence === other.sequence && one.metric < other.metric);
}

/** Small changes of a distance are kept until the next of another reason. */
export function isNews(before: Distance, now: Distance): boolean {
  if (before.sequence !== now.sequence) return true;
  return Math.abs(before.metric - now.metric) > Math.max(2, before.metric * 0.1);
}
