/** What a verdict rests on, in the order in which one would ask for it. */
import type { Millis } from "../../src-shared/ids.ts";
import type { ReasonCode } from "../../src-shared/status.ts";
import type { NatFacts } from "../../src-shared/trust.ts";
import type { EvidenceCode, EvidenceStatus } from "../../src-shared/verdict.ts";
import { evidenceLine } from "../../src-shared/verdict.ts";
import type { VerdictFacts } from "./verdict.ts";

/** What was seen of both ends, of what was tried, and of the paths there are. */
export function evidenceOf(facts: VerdictFacts): EvidenceStatus[] {
  const { path, reason } = facts;
  const isHindered = path === null || (reason !== null && hindrances.includes(reason));
  return [
    ...(isHindered ? [...endEvidence("here", facts), ...endEvidence("there", facts)] : []),
    ...trialEvidence(facts),
    ...(path === null ? [] : [...pathEvidence(facts), ...secondEvidence(facts)]),
  ];
}

function endEvidence(end: "here" | "there", { name, here, there }: VerdictFacts): EvidenceStatus[] {
  const { nat } = end === "here" ? here : there;
  if (nat === undefined) return [];
  const found: EvidenceStatus[] = [];
  const { mapping, portMapping, udp } = nat;
  if (mapping !== "unknown") found.push(evidenceLine(`nat-${mapping}-${end}`, { name }));
  if (portMapping !== null)
    found.push(evidenceLine(`port-open-${end}`, { name, protocol: protocols[portMapping] }));
  else if (mapping !== "none" && mapping !== "unknown")
    found.push(evidenceLine(`port-closed-${end}`, { name }));
  if (udp === false) found.push(evidenceLine(`udp-blocked-${end}`, { name }));
  return found;
}

function trialEvidence({ name, candidates, sessionSince, now }: VerdictFacts): EvidenceStatus[] {
  const direct = candidates.filter(({ kind }) => kind !== "relay");
  const answering = direct.filter(({ standing }) => standing === "proved").length;
  const count = direct.length;
  const found: EvidenceStatus[] = [];
  if (count > 0 && answering === 0 && sessionSince !== null)
    found.push(evidenceLine("tried", { name, count, time: duration(now - sessionSince) }));
  else if (count > 1 && answering > 0) found.push(evidenceLine("answering", { name, answering, count }));
  const times = candidates.reduce((sum, { losses }) => sum + losses.length, 0);
  if (times > 0) found.push(evidenceLine("broke", { times }));
  return found;
}

function pathEvidence({ name, path, candidates, neighbour }: VerdictFacts): EvidenceStatus[] {
  if (path === null) return [];
  const { active, relayCost, via } = path;
  const found: EvidenceStatus[] = [];
  const share = (code: EvidenceCode, loss: number | null) => {
    if (loss !== null && loss >= leastLoss)
      found.push(evidenceLine(code, { name, loss: Math.round(loss * 100) }));
  };
  share("loss-out", active.lossOut);
  share("loss-in", active.lossIn);
  const trip = (code: EvidenceCode, millis: number | null) => {
    if (millis !== null) found.push(evidenceLine(code, { latency: latency(millis) }));
  };
  trip("round-trip", active.rttMillis);
  if (active.kind === "relay") {
    const direct = candidates.filter(({ kind }) => kind !== "relay");
    const alive = smallest(direct.map(({ rttMillis }) => rttMillis));
    if (alive !== null) trip("round-trip-direct", alive);
    else trip("round-trip-direct-then", smallest(direct.map(({ lastRttMillis }) => lastRttMillis)));
    if (neighbour !== null)
      found.push(
        evidenceLine("round-trip-near", {
          name,
          relay: neighbour.name,
          latency: latency(neighbour.rttMillis),
        }),
      );
    if (relayCost > 1) found.push(evidenceLine("relay-cost", { via: via[0] ?? "", cost: relayCost }));
  }
  if (active.mtu !== null && active.mtu < wholePacket)
    found.push(evidenceLine("mtu-small", { mtu: active.mtu }));
  return found;
}

function secondEvidence({ path, state }: VerdictFacts): EvidenceStatus[] {
  if (path === null || state !== "connected") return [];
  const { standby } = path;
  if (standby === null) return [evidenceLine("no-second-path", {})];
  const time = latency(standby.latencyMillis ?? 0);
  const via = standby.via.join(", ");
  return [
    via === ""
      ? evidenceLine("second-direct", { latency: time })
      : evidenceLine("second-relay", { via, latency: time }),
  ];
}

function smallest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.min(...known);
}

function latency(millis: number): string {
  return `${millis < 10 ? millis.toFixed(1) : Math.round(millis)} ms`;
}

function duration(millis: Millis): string {
  const seconds = Math.max(1, Math.round(millis / 1000));
  if (seconds < 90) return `${seconds} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** Reasons for which one asks what is before either end. */
const hindrances: readonly ReasonCode[] = ["relay-first", "relay-direct-unanswered", "relay-direct-lost"];
const protocols = { upnp: "UPnP", "nat-pmp": "NAT-PMP", pcp: "PCP" } as const satisfies Record<
  NonNullable<NatFacts["portMapping"]>,
  string
>;
/** One lost probe in twenty is chance. */
const leastLoss = 0.02;
/** What every path of IPv6 carries. */
const wholePacket = 1280;
