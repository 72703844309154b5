/** Signed entries as held, one per place where only one can count: a set that grows, and lets go of what expired. */
import type { IdentityKey, Millis } from "../../src-shared/ids.ts";
import type { Certificate, Entry, EntryKind, EntryOf } from "../../src-shared/trust.ts";
import { compareText, strictestFirst } from "./authority.ts";

/** Everything held about one identity. */
export interface Holding {
  readonly identity: IdentityKey;
  /** When it was first seen, as a sequence number. */
  readonly order: number;
  /** In the order they came. */
  readonly certificates: readonly EntryOf<"certificate">[];
}

interface Held extends Holding {
  certificates: EntryOf<"certificate">[];
}

/** Holds entries; knows no trust. Which of two entries of one place stays depends on nothing but the two. */
export class EntrySet {
  readonly #byHash = new Map<string, Entry>();
  readonly #holdings = new Map<IdentityKey, Held>();
  readonly #nodes = new Map<IdentityKey, EntryOf<"node">>();
  readonly #signed = new Map<IdentityKey, Set<IdentityKey>>();
  /** The one entry of each place, for kinds other than certificates and node records. */
  readonly #places = new Map<string, Entry>();
  readonly #envelopes = new Map<string, EntryOf<"epoch">[]>();
  readonly #issuing = new Set<IdentityKey>();
  #sequence = 0;
  #sparedAbove = 0;

  /** Adds an entry; false when it is held already or a better one of its place is. */
  add(entry: Entry): boolean {
    if (this.#byHash.has(entry.hash)) return false;
    switch (entry.kind) {
      case "certificate":
        this.#addCertificate(entry);
        break;
      case "node": {
        const known = this.#nodes.get(entry.body.identity);
        if (known !== undefined && newerVersion(known, entry) <= 0) return false;
        if (known !== undefined) this.#byHash.delete(known.hash);
        this.#nodes.set(entry.body.identity, entry);
        break;
      }
      case "epoch":
        if (!this.#addEnvelope(entry)) return false;
        break;
      default: {
        const place = placeOf(entry);
        const known = this.#places.get(place);
        if (known !== undefined && !replaces(entry, known)) return false;
        if (known !== undefined) this.#byHash.delete(known.hash);
        this.#places.set(place, entry);
      }
    }
    this.#byHash.set(entry.hash, entry);
    return true;
  }

  has(entry: Entry): boolean {
    return this.#byHash.has(entry.hash);
  }

  /** All entries of a kind, in the order they came. */
  all<Kind extends EntryKind>(kind: Kind): EntryOf<Kind>[] {
    if (kind === "certificate" || kind === "node" || kind === "epoch") {
      return this.inOrder().filter((entry): entry is EntryOf<Kind> => entry.kind === kind);
    }
    return [...this.#places.values()].filter((entry): entry is EntryOf<Kind> => entry.kind === kind);
  }

  /** Everything held, in the order it came. */
  inOrder(): readonly Entry[] {
    return [...this.#byHash.values()];
  }

  /** All identities with a certificate, in the order in which they were first seen. */
  holdings(): Iterable<Holding> {
    return this.#holdings.values();
  }

  holding(identity: IdentityKey): Holding | null {
    return this.#holdings.get(identity) ?? null;
  }

  /** The certificates of an identity, in the order they came. */
  certificates(identity: IdentityKey): readonly EntryOf<"certificate">[] {
    return this.#holdings.get(identity)?.certificates ?? [];
  }

  /** The newest record of a node about itself. */
  nodeRecord(identity: IdentityKey): EntryOf<"node"> | null {
    return this.#nodes.get(identity) ?? null;
  }

  /** Identities for which a key signed certificates, in the order in which they were first seen. */
  signedBy(signer: IdentityKey): readonly IdentityKey[] {
    return [...(this.#signed.get(signer) ?? [])];
  }

  /** How many identities a key signed certificates for. */
  countSignedBy(signer: IdentityKey): number {
    return this.#signed.get(signer)?.size ?? 0;
  }

  /** All node certificates of every identity that holds one with the right to issue. */
  issuing(): readonly EntryOf<"certificate">[] {
    return [...this.#issuing].flatMap((identity) =>
      this.certificates(identity).filter(({ body }) => body.kind === "node"),
    );
  }

  get size(): number {
    return this.#byHash.size;
  }

  /** More is held than the last eviction left, by a good margin. */
  get crowded(): boolean {
    return this.#byHash.size > this.#sparedAbove + mostUnfounded;
  }

  /** Drops what is not among those that count, oldest first, until few enough of it are left. */
  evict(counting: readonly Entry[]): void {
    const kept = new Set(counting);
    const loose = this.inOrder().filter((entry) => !kept.has(entry));
    for (const entry of loose.slice(0, -mostUnfounded / 2)) this.#remove(entry);
    this.#sparedAbove = kept.size;
  }

  /**
   * Drops what has expired; delegations stay for `grace` longer, as their certificates do. A certificate with the
   * right to issue stays as long as something that it vouches for.
   */
  expire(now: Millis, grace: Millis): void {
    const expired = this.inOrder().filter((entry) => now >= expiryOf(entry, grace));
    const spare = new Set<Entry>();
    for (let grew = true; grew && expired.length > spare.size; ) {
      grew = false;
      const gone = new Set(expired.filter((entry) => !spare.has(entry)));
      const signers = new Set(this.inOrder().flatMap((entry) => (gone.has(entry) ? [] : [entry.signer])));
      for (const entry of gone) {
        if (entry.kind !== "certificate" || !entry.body.rights.issue || !signers.has(entry.body.identity))
          continue;
        spare.add(entry);
        grew = true;
      }
    }
    for (const entry of expired) if (!spare.has(entry)) this.#remove(entry);
  }

  /** The next time at which something expires. */
  nextExpiry(now: Millis, grace: Millis): Millis {
    let next = Number.POSITIVE_INFINITY;
    for (const entry of this.#byHash.values()) {
      const expiry = expiryOf(entry, grace);
      if (expiry > now && expiry < next) next = expiry;
    }
    return next;
  }

  #addCertificate(entry: EntryOf<"certificate">): void {
    const { identity, rights } = entry.body;
    const held = this.#holdings.get(identity);
    if (held === undefined)
      this.#holdings.set(identity, { identity, order: this.#sequence++, certificates: [entry] });
    else held.certificates.push(entry);
    if (rights.issue) this.#issuing.add(identity);
    const signed = this.#signed.get(entry.signer);
    if (signed === undefined) this.#signed.set(entry.signer, new Set([identity]));
    else signed.add(identity);
  }

  #addEnvelope(entry: EntryOf<"epoch">): boolean {
    const place = `${entry.signer} ${entry.body.to} ${entry.body.delegation ?? ""}`;
    const envelopes = [...(this.#envelopes.get(place) ?? []), entry].sort(
      (one, other) => other.body.number - one.body.number || compareText(one.hash, other.hash),
    );
    const [surplus] = envelopes.splice(mostEnvelopes);
    if (surplus === entry) return false;
    if (surplus !== undefined) this.#byHash.delete(surplus.hash);
    this.#envelopes.set(place, envelopes);
    return true;
  }

  #remove(entry: Entry): void {
    this.#byHash.delete(entry.hash);
    switch (entry.kind) {
      case "certificate":
        this.#removeCertificate(entry);
        break;
      case "node":
        this.#nodes.delete(entry.body.identity);
        break;
      case "epoch": {
        const place = `${entry.signer} ${entry.body.to} ${entry.body.delegation ?? ""}`;
        const left = this.#envelopes.get(place)?.filter((one) => one !== entry) ?? [];
        if (left.length > 0) this.#envelopes.set(place, left);
        else this.#envelopes.delete(place);
        break;
      }
      default:
        this.#places.delete(placeOf(entry));
    }
  }

  #removeCertificate(entry: EntryOf<"certificate">): void {
    const { identity } = entry.body;
    const held = this.#holdings.get(identity);
    if (held === undefined) return;
    held.certificates = held.certificates.filter((one) => one !== entry);
    if (!held.certificates.some(({ body }) => body.rights.issue)) this.#issuing.delete(identity);
    if (!held.certificates.some(({ signer }) => signer === entry.signer)) {
      const signed = this.#signed.get(entry.signer);
      signed?.delete(identity);
      if (signed?.size === 0) this.#signed.delete(entry.signer);
    }
    if (held.certificates.length === 0) this.#holdings.delete(identity);
  }
}

type Versioned = EntryOf<"node" | "network" | "routing" | "names" | "policy">;

type Placed = Exclude<Entry, { kind: "certificate" | "node" | "epoch" }>;

/** Two entries of one place never count both. A signer is part of it, so that nobody displaces another's word. */
function placeOf(entry: Placed): string {
  switch (entry.kind) {
    case "network":
    case "routing":
    case "policy":
    case "names":
      return `${entry.kind} ${entry.signer}`;
    case "revocation":
      return `revocation ${entry.signer} ${entry.body.identity} ${entry.body.sessionKey}`;
    case "delegation":
      return `delegation ${entry.signer} ${entry.body.key}`;
    case "close":
      return `close ${entry.signer} ${entry.body.delegation}`;
  }
}

function replaces(entry: Placed, known: Entry): boolean {
  if (entry.kind === "network" && known.kind === "network") return newerVersion(known, entry) > 0;
  if (entry.kind === "policy" && known.kind === "policy") return newerVersion(known, entry) > 0;
  if (entry.kind === "routing" && known.kind === "routing") return newerVersion(known, entry) > 0;
  if (entry.kind === "names" && known.kind === "names") return newerVersion(known, entry) > 0;
  // The first end of a member stays: a later one by the same hand adds nothing, and may come after that hand's own end.
  if (entry.kind === "revocation" && known.kind === "revocation") {
    return (entry.body.at - known.body.at || compareText(entry.hash, known.hash)) < 0;
  }
  if (entry.kind === "delegation" && known.kind === "delegation") return strictestFirst(entry, known) < 0;
  if (entry.kind === "close" && known.kind === "close") {
    return (
      (entry.body.admitted.length - known.body.admitted.length || compareText(entry.hash, known.hash)) < 0
    );
  }
  return false;
}

/** Above 0 when the second is the newer: higher version, tie by lower hash. */
function newerVersion(one: Versioned, other: Versioned): number {
  return other.body.version - one.body.version || compareText(one.hash, other.hash);
}

function expiryOf(entry: Entry, grace: Millis): Millis {
  switch (entry.kind) {
    case "certificate":
      return entry.body.expires;
    case "revocation":
    case "close":
      return entry.body.until;
    case "delegation":
      return entry.body.expires + grace;
    default:
      return Number.POSITIVE_INFINITY;
  }
}

/** Whether two certificates name the same session key. */
export function sameKey(
  one: { readonly body: Certificate },
  other: { readonly body: Certificate } | undefined,
): boolean {
  return one.body.sessionKey === other?.body.sessionKey;
}

const mostUnfounded = 4096;
const mostEnvelopes = 4;
