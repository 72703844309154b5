/** All the endpoints at which one peer may answer: told by it, heard, or opened through relays. */
import type { IdentityKey, Millis, SessionKey } from "../../src-shared/ids.ts";
import type { Candidate, CandidateKind } from "./candidate.ts";
import { newCandidate, renamed, unproved } from "./candidate.ts";
import type { Endpoint, OwnCandidate } from "./effect.ts";
import { transportOf } from "./endpoint.ts";

/** A way through relays. */
export interface Channel {
  readonly endpoint: Endpoint;
  /** The first relay, as far as it is known. */
  readonly relay: SessionKey | undefined;
  /** Those behind it, in order. */
  readonly onward?: readonly IdentityKey[] | undefined;
}

/** A small set of candidates by endpoint. */
export class Candidates {
  readonly #byEndpoint = new Map<Endpoint, Candidate>();
  /** Relays behind the first, by that one and its label: a channel that is forgotten may be heard again. */
  readonly #onward = new Map<string, readonly IdentityKey[]>();

  all(): readonly Candidate[] {
    return [...this.#byEndpoint.values()];
  }

  get(endpoint: Endpoint | null): Candidate | null {
    return endpoint === null ? null : (this.#byEndpoint.get(endpoint) ?? null);
  }

  /** Puts the next standing of a candidate in the place of the last. */
  update(candidate: Candidate): void {
    this.#byEndpoint.set(candidate.endpoint, candidate);
  }

  /** Adds an endpoint unless it is known. Of those heard only, a few that were never proved are kept. */
  learn(endpoint: Endpoint, kind: CandidateKind, now: Millis): void {
    if (this.#byEndpoint.has(endpoint)) return;
    this.update(newCandidate({ endpoint, kind }, now));
    const heard = this.all().filter((one) => one.kind === "heard" && one.standing !== "proved");
    const [oldest] = heard.length > mostHeard ? heard : [];
    if (oldest !== undefined && oldest.endpoint !== endpoint) this.#byEndpoint.delete(oldest.endpoint);
  }

  /** Adds a relay's channel; those of that relay that were lost make way for it, itself included. */
  learnChannel({ endpoint, relay: first, onward }: Channel, now: Millis): void {
    const known = this.#byEndpoint.get(endpoint);
    // It may have been heard by another way to the relay than the one that was known.
    const relay = first ?? known?.relay ?? undefined;
    for (const one of this.all()) {
      if (one.relay === relay && one.standing === "lost") this.#byEndpoint.delete(one.endpoint);
    }
    // What comes through it may be heard before the relay has said where it leads, or long after.
    const behind = this.#leadsTo(endpoint, relay, onward) ?? known?.onward ?? [];
    const kept = this.#byEndpoint.get(endpoint);
    this.update(
      kept === undefined
        ? newCandidate({ endpoint, kind: "relay", relay, onward: behind }, now)
        : { ...kept, relay: relay ?? null, onward: behind },
    );
  }

  /** What the peer says of itself: new addresses come in, those it no longer has go unless they answer. */
  refresh(addresses: readonly OwnCandidate[], now: Millis): void {
    for (const { endpoint, kind } of addresses) {
      const known = this.#byEndpoint.get(endpoint);
      if (known === undefined) this.update(newCandidate({ endpoint, kind }, now));
      else if (known.kind !== kind && known.kind !== "relay") this.update(renamed(known, kind));
    }
    for (const { endpoint, kind, standing } of this.#byEndpoint.values()) {
      if (kind === "relay" || kind === "heard" || standing === "proved" || isLink(endpoint)) continue;
      if (!addresses.some((address) => address.endpoint === endpoint)) this.#byEndpoint.delete(endpoint);
    }
  }

  /** All are to be proved anew. */
  restart(now: Millis): void {
    for (const candidate of this.all()) this.update(unproved(candidate, now));
  }

  /** Direct ways are to be proved anew; those through relays stay as they are. */
  restartDirect(now: Millis): void {
    for (const candidate of this.all()) if (candidate.kind !== "relay") this.update(unproved(candidate, now));
  }

  /** A relay is reached elsewhere from now on; its channels stay. Answers what the endpoint given is called now. */
  moveRelay(
    { relay, from, to }: { readonly relay: SessionKey; readonly from: Endpoint; readonly to: Endpoint },
    now: Millis,
  ): (endpoint: Endpoint) => Endpoint {
    const moved = new Map<Endpoint, Endpoint>();
    for (const one of this.all()) {
      if (one.relay !== relay || !one.endpoint.startsWith(`${from}#`)) continue;
      const endpoint = to + one.endpoint.slice(from.length);
      this.#byEndpoint.delete(one.endpoint);
      this.update(newCandidate({ endpoint, kind: "relay", relay, onward: one.onward }, now));
      moved.set(one.endpoint, endpoint);
    }
    return (endpoint) => moved.get(endpoint) ?? endpoint;
  }

  /** A link closed. */
  drop(endpoint: Endpoint): void {
    this.#byEndpoint.delete(endpoint);
  }

  /** A relay's channels are gone. */
  dropRelay(relay: SessionKey): void {
    for (const one of this.all()) if (one.relay === relay) this.#byEndpoint.delete(one.endpoint);
  }

  /** Forgets all of them, but not where channels lead: a session may begin anew by the same one. */
  clear(): void {
    this.#byEndpoint.clear();
  }

  /** The relays behind a channel, as it was said now or last; undefined: nobody said. */
  #leadsTo(
    endpoint: Endpoint,
    relay: SessionKey | undefined,
    said: readonly IdentityKey[] | undefined,
  ): readonly IdentityKey[] | undefined {
    const [, label] = endpoint.split("#");
    if (relay === undefined || label === undefined) return said;
    const name = `${relay} ${label}`;
    if (said === undefined) return this.#onward.get(name);
    this.#onward.delete(name);
    this.#onward.set(name, said);
    const [oldest] = this.#onward.size > mostRemembered ? this.#onward.keys() : [];
    if (oldest !== undefined) this.#onward.delete(oldest);
    return said;
  }
}

function isLink(endpoint: Endpoint): boolean {
  return transportOf(endpoint) !== "udp";
}

const mostHeard = 6;
/** Labels of channels are drawn at random: one that is remembered for nothing names no other. */
const mostRemembered = 32;
