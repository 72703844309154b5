/** One hosted network: its members, their reservations, who is connected; what is stored and who is told what. */
import { toUtf8 } from "../../src-shared/bytes.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { IdentityKey, Millis, NetworkId, SessionKey } from "../../src-shared/ids.ts";
import type { Entry, EntryOf, Notary } from "../../src-shared/trust.ts";
import type { ControlAnswer, ToldLink } from "../../src-shared/wire.ts";
import { AddressBook } from "../mesh/addresses.ts";
import type { Member } from "../mesh/membership.ts";
import { Membership, shortHash } from "../mesh/membership.ts";
import { sliceEntries } from "../transport/slice.ts";
import { Audience } from "./audience.ts";
import { KeptState } from "./kept-state.ts";
import type { Outlet, Seat, SeatKind } from "./seat.ts";
import type { RouterStore, StoredNetwork } from "./store.ts";
import { ToldLinks } from "./told-links.ts";

/** What a hosted network needs from the router round it. */
export interface HostedSurroundings {
  readonly notary: Notary;
  readonly store: RouterStore;
  readonly now: () => Millis;
  /** A session key became a member's, or stopped being one. */
  readonly keyChanged: (network: HostedNetwork, key: SessionKey, member: boolean) => void;
  /** Entries that counted for nothing. */
  readonly refused: (cause: string, count: number) => void;
}

export class HostedNetwork {
  readonly network: NetworkId;
  readonly membership: Membership;
  readonly audience = new Audience();
  readonly #surroundings: HostedSurroundings;
  readonly #book: AddressBook;
  readonly #kept: KeptState;
  readonly #links = new ToldLinks();
  /** Session keys of those who count. */
  #members = new Map<IdentityKey, SessionKey>();
  #digest: string | null = null;
  /** When an invite let somebody in last: its envelope waits a little longer for a repeat. */
  readonly #lastAdmitted = new Map<IdentityKey, Millis>();
  readonly #since: Millis;

  constructor(stored: StoredNetwork, surroundings: HostedSurroundings) {
    this.network = stored.network;
    this.#surroundings = surroundings;
    this.#since = surroundings.now();
    this.membership = new Membership(stored.network, surroundings.notary.hash);
    this.#book = new AddressBook(stored.network, surroundings.notary.hash, stored.reservations);
    const entries = stored.entries.flatMap(({ signed }) => surroundings.notary.verify(signed) ?? []);
    this.membership.merge(entries, this.#since);
    this.#kept = new KeptState(stored.network, surroundings.store, { entries, leases: stored.reservations });
    this.#noticeMembers(null, null);
  }

  get name(): string {
    return this.membership.record?.name ?? "";
  }

  /** Session keys of all who count. */
  keys(): readonly SessionKey[] {
    return [...this.#members.values()];
  }

  /** Kept by a shared secret. */
  get secret(): boolean {
    return this.membership.record?.secret ?? false;
  }

  /**
   * Merges entries and tells everybody concerned at once, but not whoever they came from; resolves when they are on
   * disk. Entries that count for nothing are dropped and counted.
   */
  merge(entries: readonly Entry[], from: Seat | null = null): Promise<void> {
    const { now, refused } = this.#surroundings;
    const merged = this.membership.merge(entries, now());
    for (const [cause, count] of Object.entries(merged.refused)) refused(`entry ${cause}`, count);
    if (!merged.changed) return Promise.resolve();
    return this.#changed(merged.touched, { seat: from, hashes: new Set(entries.map(({ hash }) => hash)) });
  }

  /** Drops what has expired. */
  async sweep(): Promise<void> {
    const now = this.#surroundings.now();
    if (now >= this.membership.nextExpiry) await this.merge([]);
    const spent = [...this.#kept.entries()].some((entry) => this.#isSpent(entry));
    if (spent || this.#book.observe(this.membership.addressesInUse(), now)) await this.#save();
  }

  /** Holds a name and an address. Throws `address-taken`, `address-outside`, `range-full`. */
  reserve(request: {
    readonly identity: IdentityKey;
    readonly name: string;
    readonly address?: string | undefined;
  }) {
    const facts = { ranges: this.membership.record?.ranges ?? [], inUse: this.membership.addressesInUse() };
    const reserved = this.#book.reserve(request, facts, this.#surroundings.now());
    if (!reserved.ok) throw new AppError(reserved.code, reserved.data);
    return { name: reserved.name, address: reserved.address };
  }

  /** An invite let somebody in: its envelope stays a little longer, for a repeat. */
  noteAdmission(delegation: IdentityKey): void {
    this.#lastAdmitted.set(delegation, this.#surroundings.now());
  }

  /** What this holder of a certificate is to the network. Throws `revoked` or `not-allowed`. */
  standing({ body, signer }: EntryOf<"certificate">): SeatKind {
    if (body.kind !== "node")
      throw new AppError("not-allowed", { detail: "this certificate is for a stock client" });
    const member = this.membership.member(body.identity);
    if (member !== null && member.certificate.kind === "node") return "member";
    const { authority } = this.membership;
    if (authority.ends(body) !== null) throw new AppError("revoked", { name: this.name });
    const waits = this.membership.pending().some(({ identity }) => identity === body.identity);
    if (waits || authority.wasAdmin(signer)) return "waiting";
    throw new AppError("not-allowed", {
      detail: "the certificate has expired or was never valid; ask for a new invite",
    });
  }

  /** Seats a connection that was welcomed and tells it who is there and which keys wait for it. */
  sit(seat: Seat): void {
    this.audience.sit(seat);
    const { kind, identity } = seat;
    if (kind === "waiting" && identity !== null) {
      this.tell(
        seat.outlet,
        this.#shared().filter((entry) => isForWaiting(entry, identity)),
      );
      return;
    }
    this.tell(seat.outlet, this.#envelopesFor(seat));
    for (const message of this.audience.presence()) seat.outlet.send(message);
  }

  /** Digest of the state that everybody may see: envelopes left out. */
  digest(): string {
    if (this.#digest !== null) return this.#digest;
    const hashes = this.#shared().map(({ hash }) => hash);
    this.#digest = this.#surroundings.notary.hash(toUtf8(hashes.sort().join("\n")));
    return this.#digest;
  }

  /** Sends what a seat lacks; answers what we lack. */
  exchange(seat: Seat, have: readonly string[]): readonly string[] {
    const theirs = new Set(have);
    const shared = this.#shared();
    this.tell(
      seat.outlet,
      shared.filter((entry) => !theirs.has(shortHash(entry))),
    );
    for (const entry of shared) theirs.delete(shortHash(entry));
    return [...theirs];
  }

  /** Everything that a certificate's holder may see: all but the envelopes of others. */
  stateFor(kind: SeatKind, certificate: EntryOf<"certificate">): readonly Entry[] {
    const { body, signer } = certificate;
    if (kind === "waiting") return this.#shared().filter((entry) => isForWaiting(entry, body.identity));
    const invite = this.#envelopes((envelope) => envelope.delegation === signer);
    return [...this.#shared(), ...invite, ...this.#envelopes((envelope) => envelope.to === body.sessionKey)];
  }

  /** Sends entries, in messages of a size that every node takes. */
  tell(outlet: Outlet, entries: readonly Entry[]): void {
    for (const slice of sliceEntries(entries.map(({ signed }) => signed)))
      outlet.send({ kind: "entries", entries: slice });
  }

  /** Certificates, invites and close records between these signers and the issuer key. */
  chainOf(signers: readonly IdentityKey[]): readonly Entry[] {
    return [...new Set(signers.flatMap((signer) => this.membership.proofOf(signer)))];
  }

  /** A member tells of its links. */
  hearLinks(from: IdentityKey, links: readonly ToldLink[]): void {
    const key = this.#members.get(from);
    if (key !== undefined) this.#links.tell(key, links);
  }

  /** What all members who are online told of their links. */
  graph(have: string | null): ControlAnswer<"graph"> {
    const members = new Map([...this.#members].map(([identity, key]) => [key, identity]));
    return this.#links.answer(have, {
      isMember: (key) => members.has(key),
      isOnline: (key) => {
        const identity = members.get(key);
        return identity !== undefined && this.audience.seat(identity) !== null;
      },
    });
  }

  /** Ends every connection; `error` is said to each, to the one who asked for it after its answer. */
  dismiss(error: AppError | null, by: Seat | null = null): void {
    this.audience.dismiss((seat) => {
      if (error === null) seat.outlet.close();
      else if (seat === by) seat.farewell = error;
      else seat.outlet.refuse(error);
    });
    for (const key of this.#members.values()) this.#surroundings.keyChanged(this, key, false);
    this.#members.clear();
  }

  #changed(touched: ReadonlySet<IdentityKey> | null, source: Source): Promise<void> {
    const added = this.membership.entries().filter(({ hash }) => !this.#kept.has(hash));
    this.#digest = null;
    this.#announce(added, source, this.#noticeMembers(touched, source.seat));
    if (added.some(({ kind }) => kind !== "node" && kind !== "epoch") || touched === null) {
      this.#book.observe(this.membership.addressesInUse(), this.#surroundings.now());
    }
    return this.#save();
  }

  /** Tells what is new: most to everybody in the same bytes, the rest to whom it is for. */
  #announce(added: readonly Entry[], { seat: source, hashes }: Source, settled: ReadonlySet<Seat>): void {
    const shared = added.filter(({ kind }) => kind !== "epoch");
    const except = new Set(source === null ? settled : [...settled, source]);
    for (const slice of sliceEntries(shared.map(({ signed }) => signed))) {
      this.audience.broadcast({ kind: "entries", entries: slice }, except);
    }
    for (const seat of [...this.audience.seats(), ...this.audience.issuers()]) {
      if (settled.has(seat)) continue;
      const { identity } = seat;
      const own = this.#envelopesFor(seat, added);
      const narrow =
        identity !== null && seat.kind === "waiting"
          ? shared.filter((entry) => isForWaiting(entry, identity))
          : [];
      // What counts only since its source added something is news to the source too.
      const rest = seat === source ? shared : [];
      this.tell(
        seat.outlet,
        [...own, ...narrow, ...rest].filter(({ hash }) => seat !== source || !hashes.has(hash)),
      );
    }
  }

  /** Compares members with those before. Answers the seats that were given the whole state just now. */
  #noticeMembers(touched: ReadonlySet<IdentityKey> | null, source: Seat | null): ReadonlySet<Seat> {
    const identities =
      touched ?? new Set([...this.#members.keys(), ...this.membership.members().map(identityOf)]);
    for (const identity of identities) {
      const before = this.#members.get(identity);
      const now = this.membership.member(identity)?.sessionKey;
      if (before === now) continue;
      if (before !== undefined) this.#surroundings.keyChanged(this, before, false);
      if (now !== undefined) this.#surroundings.keyChanged(this, now, true);
      if (now === undefined) this.#members.delete(identity);
      else this.#members.set(identity, now);
    }
    const settled = new Set<Seat>();
    for (const seat of this.audience.seats()) {
      if (seat.identity !== null && (touched === null || touched.has(seat.identity)))
        this.#reseat(seat, { settled, source });
    }
    return settled;
  }

  /** A seat's holder may have been removed, approved, or have lost the administrator behind its certificate. */
  #reseat(
    seat: Seat,
    { settled, source }: { readonly settled: Set<Seat>; readonly source: Seat | null },
  ): void {
    const [certificate] =
      seat.identity === null ? [] : this.membership.certificatesOf(seat.identity).slice(-1);
    try {
      if (certificate === undefined)
        throw new AppError("not-allowed", { detail: "the certificate has expired" });
      const kind = this.standing(certificate);
      if (kind === seat.kind) return;
      this.audience.setKind(seat, kind);
      if (kind === "waiting") return;
      settled.add(seat);
      this.tell(seat.outlet, [...this.#shared(), ...this.#envelopesFor(seat)]);
      for (const message of this.audience.presence()) seat.outlet.send(message);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.audience.leave(seat);
      if (seat === source) seat.farewell = error;
      else seat.outlet.refuse(error);
    }
  }

  /** Envelopes for whoever sits here; those of open invites also for administrators, who seal the next epoch to them. */
  #envelopesFor(seat: Seat, among: readonly Entry[] = this.membership.entries()): readonly Entry[] {
    const member = seat.identity === null ? null : this.membership.member(seat.identity);
    const admin = seat.kind === "issuer" || member?.certificate.rights.issue === true;
    const own = member?.sessionKey;
    return this.#envelopes(({ to, delegation }) => (delegation === undefined ? to === own : admin), among);
  }

  #envelopes(
    wanted: (envelope: EntryOf<"epoch">["body"]) => boolean,
    among: readonly Entry[] = this.membership.entries(),
  ): readonly Entry[] {
    return among.filter((entry) => entry.kind === "epoch" && wanted(entry.body) && !this.#isSpent(entry));
  }

  /** An envelope whose invite has expired or was used up, and nobody can be waiting for it any more. */
  #isSpent(entry: Entry): boolean {
    if (entry.kind !== "epoch" || entry.body.delegation === undefined) return false;
    const { delegation } = entry.body;
    const terms = this.membership.invite(delegation)?.entry.body;
    if (terms === undefined) return true;
    const now = this.#surroundings.now();
    const over = now > terms.expires || this.membership.admittedBy(delegation).length >= terms.count;
    return over && now > Math.max(this.#lastAdmitted.get(delegation) ?? 0, this.#since) + repeatGrace;
  }

  #shared(): readonly Entry[] {
    return this.membership.entries().filter(({ kind }) => kind !== "epoch");
  }

  #save(): Promise<void> {
    const entries = this.membership.entries().filter((entry) => !this.#isSpent(entry));
    return this.#kept.save({ entries, leases: this.#book.leases() });
  }
}

/** Where entries came from: they are no news there. */
interface Source {
  readonly seat: Seat | null;
  readonly hashes: ReadonlySet<string>;
}

/** What one who waits is told: the network, who may let it in, and its own certificates. */
function isForWaiting(entry: Entry, identity: IdentityKey): boolean {
  if (entry.kind === "certificate") return entry.body.identity === identity || entry.body.rights.issue;
  return !forMembersOnly.has(entry.kind);
}

function identityOf(member: Member): IdentityKey {
  return member.identity;
}

const forMembersOnly: ReadonlySet<Entry["kind"]> = new Set(["node", "epoch", "routing", "policy", "names"]);
/** How long an invite's last envelope can be asked for again. */
const repeatGrace: Millis = 600_000;
