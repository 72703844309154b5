/** What the peers of one network have around them: whatever their decisions depend on besides their own events. */
import type { IdentityKey, Millis, SessionKey } from "../../src-shared/ids.ts";
import type { Transport } from "../../src-shared/status.ts";
import type { Presence } from "../../src-shared/wire.ts";
import type { Around } from "./around.ts";
import type { Attention } from "./attention.ts";
import type { Choices } from "./choices.ts";
import type { Effect } from "./effect.ts";
import type { Gateways } from "./gateways.ts";
import type { Membership } from "./membership.ts";
import { Neighbours } from "./neighbours.ts";
import { Presences } from "./presences.ts";
import { Recent } from "./recent.ts";
import type { Relays } from "./relays.ts";
import type { Standpoint } from "./standpoint.ts";

export interface AroundsOptions {
  readonly membership: Membership;
  readonly standpoint: Standpoint;
  readonly choices: Choices;
  readonly relays: Relays;
  readonly gateways: Gateways;
  readonly attention: Attention;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  readonly emit: (effect: Effect) => void;
}

/** What is heard from the router and on the LAN, with all else that is the same for several peers. */
export class Arounds {
  readonly presences = new Presences();
  readonly neighbours = new Neighbours();
  readonly recent = new Recent();
  /** Whether the control socket to the router stands. */
  online = false;
  /** The transport by which links stood last. */
  worked: Transport | null = null;
  readonly #options: AroundsOptions;

  constructor(options: AroundsOptions) {
    this.#options = options;
  }

  /** Around one peer now. */
  of(key: SessionKey, now: Millis): Around {
    const { membership, standpoint, choices, relays, gateways, attention } = this.#options;
    const member = membership.memberOf(key);
    const pin = choices.pinOf(member?.identity);
    const told = standpoint.triable(member?.node ?? null);
    return {
      now,
      name: member?.certificate.name ?? "",
      relays: relays.standing,
      asked: () => relays.asked(member, pin?.via ?? null),
      isRouted: relays.hasRouter,
      keeping: relays.keeping(member) ?? gateways.keeping(key) ?? this.recent.keeping(key, now),
      nameOf: this.#nameOf,
      online: this.online,
      presence: member === null ? null : this.presences.of(member.identity),
      addresses: [...this.neighbours.of(key, now), ...told.addresses],
      offer: told.offer,
      inside: standpoint.inside,
      only: choices.onlyFor(key),
      worked: this.worked,
      pin,
      relayCost: this.#relayCost,
      flowing: attention.flowing(now),
      isAlarmed: attention.isAlarmed(now),
      alarm: attention.alarm,
      random: this.#options.random,
      emit: this.#options.emit,
    };
  }

  /** What the router says of a peer; null when it says nothing. */
  presenceOf(key: SessionKey): Presence | null {
    const member = this.#options.membership.memberOf(key);
    return member === null ? null : this.presences.of(member.identity);
  }

  readonly #nameOf = (identity: IdentityKey): string =>
    this.#options.membership.member(identity)?.certificate.name ?? "";

  readonly #relayCost = (relay: SessionKey): Millis =>
    this.#options.membership.memberOf(relay)?.node?.relay?.cost ?? 0;
}
