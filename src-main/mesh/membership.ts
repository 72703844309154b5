/**
 * A network's state: signed entries merged by union, and what follows from them: members, record, invites.
 *
 * Entries arrive with right signatures (a `Notary` outside saw to that); whether their signer may say so is decided
 * here. The same entries give the same state in whatever order and portions they come, but where the protocol asks for
 * "the one seen first": a session key or a once-only invite that two identities claim.
 */
import { fromBase64, toBase64Url, toUtf8 } from "../../src-shared/bytes.ts";
import type { IdentityKey, Millis, NetworkId, SessionKey } from "../../src-shared/ids.ts";
import type {
  Certificate,
  Entry,
  EntryKind,
  EntryOf,
  NamesRecord,
  NetworkRecord,
  NodeRecord,
  RoutingTable,
} from "../../src-shared/trust.ts";
import type { Authority, Invite } from "./authority.ts";
import { compareText } from "./authority.ts";
import { EntrySet } from "./entry-set.ts";
import { delegatedGrace, fits, isPowerful, Standings } from "./standings.ts";

/** SHA-256 of bytes in base64, as `Notary.hash` gives it. */
export type HashOf = (bytes: Uint8Array) => string;

/** How a member came to be one. `pending` waits for an administrator's approval and counts for no peer. */
export type Rank = "direct" | "delegated" | "stock" | "pending";

/** A member as its certificates and everybody else's make it. */
export interface Member {
  readonly identity: IdentityKey;
  readonly sessionKey: SessionKey;
  readonly certificate: Certificate;
  readonly entry: EntryOf<"certificate">;
  readonly rank: Rank;
  /** Addresses that it keeps: usable in the network's ranges and not lost to another member. */
  readonly addresses: readonly string[];
  /** Its IPv6 address in the network's own prefix, which nobody gave out. */
  readonly ula: string;
  readonly lost: readonly { readonly address: string; readonly to: IdentityKey }[];
  /** Where it says it can be reached; null before it has said so. */
  readonly node: NodeRecord | null;
}

/** Everywhere a member is reached inside the network; nowhere when another has the address that it was given. */
export function addressesOf({ addresses, ula }: Pick<Member, "addresses" | "ula">): readonly string[] {
  return addresses.length === 0 ? [] : [...addresses, ula];
}

/** What a merge changed. */
export interface Merged {
  readonly changed: boolean;
  /** Identities whose membership may have changed; null: look at all of them. */
  readonly touched: ReadonlySet<IdentityKey> | null;
  /** Identities whose node record is another now. */
  readonly told: ReadonlySet<IdentityKey>;
  /** Entries that count for nothing now, by cause; those may count later, when what they build on arrives. */
  readonly refused: Readonly<Record<string, number>>;
}

/** An address that is spoken for. */
export interface AddressInUse {
  readonly identity: IdentityKey;
  readonly name: string;
  readonly address: string;
}

/** Whether a certificate counts, and as what. */
export type Judgement =
  | { readonly rank: Rank; readonly refused?: never }
  | { readonly rank?: never; readonly refused: RefusedFor };
export type RefusedFor = "signer" | "expired" | "ended" | "limits" | "closed" | "used" | "gateway";

/** The members of one network and everything signed about them. */
export class Membership {
  readonly network: NetworkId;
  readonly #hashOf: HashOf;
  readonly #entries = new EntrySet();
  readonly #standings: Standings;
  /** The entries that count, as last computed. */
  #kept: readonly Entry[] | null = null;

  constructor(network: NetworkId, hashOf: HashOf) {
    this.network = network;
    this.#hashOf = hashOf;
    this.#standings = new Standings(network, hashOf, this.#entries);
  }

  /** Adds what is new; also drops what has expired by now. Idempotent. */
  merge(entries: readonly Entry[], now: Millis): Merged {
    const refused = new Map<string, number>();
    const added: Entry[] = [];
    for (const entry of entries) {
      if (this.#entries.has(entry)) continue;
      const cause = this.#refusedOutright(entry, now);
      if (cause !== null) count(refused, cause);
      else if (this.#entries.add(entry)) added.push(entry);
    }
    const isWhole = now >= this.nextExpiry || added.some((entry) => this.#bearsOnOthers(entry));
    const touched = new Set<IdentityKey>();
    const told = new Set<IdentityKey>();
    if (added.length > 0 || isWhole) this.#kept = null;
    if (isWhole) this.#standings.rederive(now);
    else this.#standings.derive(added, touched, now);
    for (const entry of added) {
      if (entry.kind === "node") {
        told.add(entry.body.identity);
        this.#standings.told(entry);
      }
      const cause = this.#whyNot(entry, now);
      if (cause !== null) count(refused, cause);
    }
    if (this.#entries.crowded) this.#entries.evict(this.#keep());
    const changed = added.length > 0 || isWhole;
    return { changed, touched: isWhole ? null : touched, told, refused: Object.fromEntries(refused) };
  }

  /** Whether an entry is known, whatever it counts for. */
  holds(entry: Entry): boolean {
    return this.#entries.has(entry);
  }

  /** When the next entry expires and `merge([], now)` has something to do. */
  get nextExpiry(): Millis {
    return this.#standings.nextExpiry;
  }

  /** The network record; null before one has come. */
  get record(): NetworkRecord | null {
    return this.#standings.record?.body ?? null;
  }

  /** The network record as signed. */
  get recordEntry(): EntryOf<"network"> | null {
    return this.#standings.record;
  }

  /** Who routes what for whom by administrators' word; null before they have said so. */
  get routing(): RoutingTable | null {
    const tables = this.entriesOf("routing").toSorted(
      (one, other) => other.body.version - one.body.version || compareText(one.hash, other.hash),
    );
    return tables[0]?.body ?? null;
  }

  /** The names that administrators wrote by hand; null before they have written any. */
  get names(): NamesRecord | null {
    const records = this.entriesOf("names").toSorted(
      (one, other) => other.body.version - one.body.version || compareText(one.hash, other.hash),
    );
    return records[0]?.body ?? null;
  }

  /** Who may reach whom by administrators' word; null before they have said so. */
  get policyEntry(): EntryOf<"policy"> | null {
    const [newest] = this.#entries
      .all("policy")
      .filter(({ signer }) => this.authority.maySign(signer))
      .sort((one, other) => other.body.version - one.body.version || compareText(one.hash, other.hash));
    return newest ?? null;
  }

  /** The chain of trust as it stands. */
  get authority(): Authority {
    return this.#standings.authority;
  }

  /** Everybody who counts, those who wait for approval excepted; in the order in which they were first seen. */
  members(): readonly Member[] {
    if (this.record === null) return [];
    return this.#standings.identities().flatMap((identity) => this.member(identity) ?? []);
  }

  /** A member that counts; null for strangers, the revoked and those who wait. */
  member(identity: IdentityKey): Member | null {
    const found = this.record === null ? null : this.view(identity);
    return found === null || found.rank === "pending" ? null : found;
  }

  /** Anybody whose certificate stands, those who wait for approval included. */
  view(identity: IdentityKey): Member | null {
    return this.#standings.view(identity);
  }

  /** The member that holds a session key. */
  memberOf(key: SessionKey): Member | null {
    for (const identity of this.#standings.holders(key)) {
      const member = this.member(identity);
      if (member?.sessionKey === key) return member;
    }
    return null;
  }

  /** Those who wait for approval. */
  pending(): readonly Member[] {
    return this.everybody().filter(({ rank }) => rank === "pending");
  }

  /** All who hold an address: members and those who wait. */
  everybody(): readonly Member[] {
    return this.#standings.identities().flatMap((identity) => this.view(identity) ?? []);
  }

  /** Certificates that stopped counting with the administrator who signed them, and nobody replaced. */
  orphans(): readonly EntryOf<"certificate">[] {
    return this.#entries.all("certificate").filter(({ body, signer }) => {
      const alone = this.authority.wasAdmin(signer) && this.#standings.entryOf(body.identity) === null;
      return alone && this.authority.ends(body) === null;
    });
  }

  /** Whether a session key was ended by a revocation. */
  isRevoked(key: SessionKey): boolean {
    return this.authority.endsKey(key);
  }

  /** Names of the devices that may admit, approve and remove. */
  issuers(): readonly string[] {
    return this.members()
      .filter(({ certificate }) => certificate.rights.issue)
      .map(({ certificate }) => certificate.name);
  }

  /** Addresses that members and those who wait hold. */
  addressesInUse(): readonly AddressInUse[] {
    return this.#standings.identities().flatMap((identity) => {
      const view = this.view(identity);
      return (view?.addresses ?? []).map((address) => ({
        identity,
        name: view?.certificate.name ?? "",
        address,
      }));
    });
  }

  /** An invite by its delegated key. */
  invite(key: IdentityKey): Invite | null {
    return this.authority.invite(key);
  }

  /** Identities that an invite has admitted so far, those removed since included; in the order first seen. */
  admittedBy(key: IdentityKey): readonly IdentityKey[] {
    return this.#standings.admittedBy(key);
  }

  /** Whether a certificate counts by itself: its signer, limits and end; conflicts with others aside. */
  judge(entry: EntryOf<"certificate">, now: Millis): Judgement {
    return this.#standings.judge(entry, now);
  }

  /** All certificates held of an identity, whether they count or not. */
  certificatesOf(identity: IdentityKey): readonly EntryOf<"certificate">[] {
    return this.#entries.certificates(identity);
  }

  /** The entries that count, in the order they came: what is stored, carried and compared. */
  entries(): readonly Entry[] {
    this.#kept ??= this.#keep();
    return this.#kept;
  }

  /** How many entries are held, those that count for nothing (yet) included. */
  get held(): number {
    return this.#entries.size;
  }

  /** Entries of one kind that count. */
  entriesOf<Kind extends EntryKind>(kind: Kind): readonly EntryOf<Kind>[] {
    return this.entries().filter((entry): entry is EntryOf<Kind> => entry.kind === kind);
  }

  /** What the digest of the state is the hash of: all hashes, sorted, one per line. */
  digestInput(): string {
    return this.entries()
      .map(({ hash }) => hash)
      .sort(compareText)
      .join("\n");
  }

  /** SHA-256 of `digestInput`, base64: equal on two machines that hold the same state. */
  digest(): string {
    return this.#hashOf(toUtf8(this.digestInput()));
  }

  /** First 8 bytes of every entry's hash, base64url: `have` of a state exchange. */
  hashes(): readonly string[] {
    return this.entries().map(shortHash);
  }

  /** The entries that somebody with these hashes lacks. */
  missing(have: Iterable<string>): readonly Entry[] {
    const held = new Set(have);
    return this.entries().filter((entry) => !held.has(shortHash(entry)));
  }

  /** An identity's certificate with everything it takes to check it: chain, invite, close records. */
  proofOf(identity: IdentityKey): readonly Entry[] {
    const wanted = new Set<IdentityKey>([identity]);
    const found = new Set<Entry>();
    for (const key of wanted) {
      for (const entry of this.entries()) {
        const fitting =
          (entry.kind === "certificate" && entry.body.identity === key) ||
          (entry.kind === "delegation" && entry.body.key === key) ||
          (entry.kind === "close" && entry.body.delegation === key);
        if (!fitting) continue;
        found.add(entry);
        wanted.add(entry.signer);
      }
    }
    return [...found];
  }

  #refusedOutright(entry: Entry, now: Millis): string | null {
    if (entry.body.network !== this.network) return "network";
    switch (entry.kind) {
      case "certificate":
        return entry.body.expires <= now && !entry.body.rights.issue ? "expired" : null;
      case "revocation":
      case "close":
        return entry.body.until <= now ? "expired" : null;
      case "delegation":
        return entry.body.expires + delegatedGrace <= now ? "expired" : null;
      case "network":
        return this.#standings.isIssuer(entry.body.issuer) ? null : "issuer";
      case "node":
        return entry.signer === entry.body.identity ? null : "signer";
      case "epoch":
      case "routing":
      case "policy":
      case "names":
        return null;
    }
  }

  /** Why an entry admits nobody or says nothing, or not yet; null when it does. */
  #whyNot(entry: Entry, now: Millis): string | null {
    if (entry.kind === "certificate") return this.judge(entry, now).refused ?? null;
    return this.#counts(entry) ? null : "unfounded";
  }

  /** Whether an entry may change what others are: then everything is computed anew. */
  #bearsOnOthers(entry: Entry): boolean {
    switch (entry.kind) {
      case "node":
      case "epoch":
      case "policy":
        return false;
      case "certificate":
      case "revocation":
        return (
          (entry.kind === "certificate" && isPowerful(entry)) ||
          this.#entries.certificates(entry.body.identity).some(isPowerful)
        );
      default:
        return true;
    }
  }

  #keep(): readonly Entry[] {
    return this.#entries.inOrder().filter((entry) => this.#counts(entry));
  }

  /** Whether an entry is part of the state: it counts, or it is needed to see what counts. */
  #counts(entry: Entry): boolean {
    switch (entry.kind) {
      case "certificate":
        return this.#certificateCounts(entry);
      case "network":
      case "routing":
      case "policy":
      case "names":
        return this.authority.maySign(entry.signer);
      case "node":
        return this.#standings.entryOf(entry.body.identity) !== null;
      case "revocation":
      case "close":
        return this.authority.honours(entry);
      case "delegation":
        return this.authority.invite(entry.body.key)?.entry === entry;
      case "epoch":
        return this.#epochCounts(entry);
    }
  }

  #certificateCounts(entry: EntryOf<"certificate">): boolean {
    if (this.#standings.entryOf(entry.body.identity) === entry) return true;
    // An administrator's certificate is what its revocations stand on, also after its own end.
    if (entry.body.rights.issue) return this.authority.everSigned(entry.signer);
    const invite = this.authority.invite(entry.signer);
    return invite !== null && invite.admitted === null && fits(entry, invite);
  }

  #epochCounts({ body, signer }: EntryOf<"epoch">): boolean {
    if (!this.authority.maySign(signer)) return false;
    if (body.delegation !== undefined) return this.authority.invite(body.delegation)?.admitted === null;
    return this.#standings.holders(body.to).length > 0 && !this.authority.endsKey(body.to);
  }
}

/** First 8 bytes of an entry's hash, base64url, as a state exchange names it. */
export function shortHash(entry: Entry): string {
  return toBase64Url((fromBase64(entry.hash) ?? new Uint8Array()).subarray(0, 8));
}

function count(counts: Map<string, number>, cause: string): void {
  counts.set(cause, (counts.get(cause) ?? 0) + 1);
}
