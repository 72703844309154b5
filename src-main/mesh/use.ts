/** Which paths carry a peer's packets together, and which stand by. */
import type { Candidate } from "./candidate.ts";
import { isLossy, isTrusted, probesOfLoss } from "./candidate.ts";
import type { Endpoint } from "./effect.ts";
import { hostOf } from "./endpoint.ts";
import { isMoveForGoodput } from "./goodput.ts";
import type { Rules } from "./path.ts";
import { choosePath } from "./path.ts";

/** Endpoints in use, the chosen one first, and those that take over in this order. */
export interface Use {
  readonly active: readonly Endpoint[];
  readonly standby: readonly Endpoint[];
}

/** The use that follows from the path chosen; `before`: what shared the packets until now. */
export function chooseUse(
  candidates: readonly Candidate[],
  chosen: Candidate | null,
  rules: Rules & { readonly before: readonly Endpoint[] },
): Use {
  if (chosen === null) return { active: [], standby: [] };
  const proved = candidates.filter(({ standing }) => standing === "proved");
  const active = sharing(proved, chosen, rules);
  const rest = proved.filter((candidate) => !active.includes(candidate));
  const standby = standingBy(rest, active, rules);
  return { active: active.map(({ endpoint }) => endpoint), standby: standby.map(({ endpoint }) => endpoint) };
}

/** The chosen path and those that are as good and add to what it can carry. */
function sharing(
  proved: readonly Candidate[],
  chosen: Candidate,
  rules: Rules & { readonly before: readonly Endpoint[] },
): readonly Candidate[] {
  const spread = rules.pin?.spread ?? "auto";
  const found = [chosen];
  if (spread === "off" || chosen.rttMillis === null) return found;
  const order = (one: Candidate, other: Candidate) =>
    Number(rules.before.includes(other.endpoint)) - Number(rules.before.includes(one.endpoint)) ||
    (one.endpoint < other.endpoint ? -1 : 1);
  for (const candidate of [...proved].sort(order)) {
    if (candidate === chosen || found.length === mostShared) continue;
    const isForced = spread === "on";
    const isSeparate = found.every(
      (one) => !isSameRoute(one, candidate) && (isForced || addUp(one, candidate)),
    );
    if (isSeparate && isAsGood(candidate, chosen, { rules, isForced })) found.push(candidate);
  }
  return found;
}

/** What shares packets already may be somewhat worse than what would begin to: flows stay where they are. */
function isAsGood(
  candidate: Candidate,
  chosen: Candidate,
  {
    rules,
    isForced,
  }: { readonly rules: Rules & { readonly before: readonly Endpoint[] }; readonly isForced: boolean },
): boolean {
  const { rttMillis, endpoint } = candidate;
  if (rttMillis === null || chosen.rttMillis === null || !isTrusted(candidate, rules.now)) return false;
  if (!isForced && isMoveForGoodput(chosen, candidate, rules) === false) return false;
  const slack = (isForced ? 2 : 1) * (rules.before.includes(endpoint) ? 2 : 1);
  const isQuick = rttMillis <= chosen.rttMillis * (1 + 0.2 * slack) + 2 * slack;
  const isWhole = (one: Candidate) =>
    one.loss !== null && one.loss <= stray * slack && !isLossy(one, false, rules.now);
  return isQuick && isWhole(candidate) && isWhole(chosen);
}

/** Whether two direct ways may lead over different lines: hosts of one family, both near or both far. */
function addUp(one: Candidate, other: Candidate): boolean {
  if (one.kind === "relay" || other.kind === "relay" || one.isLocal !== other.isLocal) return false;
  return hostOf(one.endpoint).includes(":") === hostOf(other.endpoint).includes(":");
}

/** The best of the others, and the best that leads another way than that: not all die of one cause. */
function standingBy(
  rest: readonly Candidate[],
  active: readonly Candidate[],
  rules: Rules,
): readonly Candidate[] {
  const apart = rest.filter((candidate) => !active.some((one) => isSameRoute(one, candidate)));
  const pool = apart.length > 0 ? apart : rest;
  const first = best(pool, rules);
  if (first === null) return [];
  const others = pool.filter((candidate) => !isSameRoute(candidate, first));
  const relays = others.filter(({ kind }) => kind === "relay");
  const second = best(relays, rules) ?? best(others, rules);
  return second === null ? [first] : [first, second];
}

function best(pool: readonly Candidate[], rules: Rules): Candidate | null {
  const endpoint = choosePath(pool, null, rules);
  return pool.find((candidate) => candidate.endpoint === endpoint) ?? null;
}

/** Through one relay, or to one host: likely to die together, and nothing gained by using both. */
function isSameRoute(one: Candidate, other: Candidate): boolean {
  if (one.kind === "relay" || other.kind === "relay") return one.relay !== null && one.relay === other.relay;
  return hostOf(one.endpoint) === hostOf(other.endpoint);
}

const mostShared = 4;
/** A single probe that a busy machine answered late says nothing about a line. */
const stray = 1 / probesOfLoss;
