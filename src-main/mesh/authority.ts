/** Who may sign what in one network: issuer, administrators, invites; whom revocations and close records end. */
import type { IdentityKey, Millis, SessionKey } from "../../src-shared/ids.ts";
import type { Certificate, Entry, EntryOf } from "../../src-shared/trust.ts";

/** Everything that authority follows from. */
export interface AuthorityFacts {
  readonly isIssuer: (key: IdentityKey) => boolean;
  /** All node certificates of every identity that holds one with the right to issue. */
  readonly certificates: readonly EntryOf<"certificate">[];
  readonly revocations: readonly EntryOf<"revocation">[];
  readonly delegations: readonly EntryOf<"delegation">[];
  readonly closes: readonly EntryOf<"close">[];
}

/** An invite as far as it counts. */
export interface Invite {
  readonly entry: EntryOf<"delegation">;
  /** Identities it admitted, once it is closed; null while open. */
  readonly admitted: ReadonlySet<IdentityKey> | null;
}

/**
 * The chain of trust, computed from a set of entries whatever their order.
 *
 * Revocations apply in the order of their times, each only if its signer may still issue then: of two administrators
 * who remove each other, the first wins. What a removed administrator signed stops counting, its revocations excepted;
 * what one who left had signed goes on.
 */
export class Authority {
  /** Revocations that count, oldest first. */
  readonly revocations: readonly EntryOf<"revocation">[];
  /** Close records that count. */
  readonly closes: readonly EntryOf<"close">[];
  readonly #counting: ReadonlySet<Entry>;
  readonly #isIssuer: (key: IdentityKey) => boolean;
  /** Administrators, and until when what they sign counts. */
  readonly #admins: ReadonlyMap<IdentityKey, Millis>;
  /** Administrators as they would be had nobody been removed. */
  readonly #everAdmins: ReadonlySet<IdentityKey>;
  readonly #bySession = new Map<SessionKey, EntryOf<"revocation">>();
  readonly #byIdentity = new Map<IdentityKey, EntryOf<"revocation">[]>();
  readonly #invites = new Map<IdentityKey, Invite>();

  constructor(facts: AuthorityFacts) {
    this.#isIssuer = facts.isIssuer;
    const before = this.#chain(facts.certificates);
    const applied = new Set<EntryOf<"revocation">>();
    let admins = before;
    for (const revocation of [...facts.revocations].sort(byTime)) {
      const { body, signer } = revocation;
      const own = signer === body.identity && body.reason === "left";
      if (!own && !facts.isIssuer(signer) && !admins.has(signer)) continue;
      applied.add(revocation);
      this.#apply(revocation);
      if (admins.has(body.identity)) admins = this.#chain(facts.certificates);
    }
    this.revocations = [...applied];
    this.#admins = admins;
    this.#everAdmins = new Set(before.keys());
    this.closes = facts.closes.filter((close) => this.maySign(close.signer));
    this.#counting = new Set<Entry>([...this.revocations, ...this.closes]);
    for (const delegation of [...facts.delegations].sort(strictestFirst)) this.#invite(delegation);
  }

  /** Whether the key may issue: the issuer key itself, or an administrator's identity. */
  maySign(key: IdentityKey): boolean {
    return this.#isIssuer(key) || this.#admins.has(key);
  }

  /** Whether what the key signed at that time is as good as the issuer's word. */
  mayHaveSigned(key: IdentityKey, at: Millis): boolean {
    return this.#isIssuer(key) || at <= (this.#admins.get(key) ?? -1);
  }

  /** Whether this identity was an administrator before it was removed. */
  wasAdmin(identity: IdentityKey): boolean {
    return this.#everAdmins.has(identity) && !this.#admins.has(identity);
  }

  /** Whether the key may issue or might once. */
  everSigned(key: IdentityKey): boolean {
    return this.#isIssuer(key) || this.#everAdmins.has(key);
  }

  /** Whether this very revocation or close record counts. */
  honours(entry: EntryOf<"revocation" | "close">): boolean {
    return this.#counting.has(entry);
  }

  /** The revocation that ends this certificate: of its session key, or of its identity at or after its issue. */
  ends(certificate: Certificate): EntryOf<"revocation"> | null {
    return (
      this.#bySession.get(certificate.sessionKey) ??
      this.#byIdentity.get(certificate.identity)?.find(({ body }) => certificate.issued <= body.at) ??
      null
    );
  }

  /** Whether this session key was ended, whatever certificates name it. */
  endsKey(key: SessionKey): boolean {
    return this.#bySession.has(key);
  }

  /** The invite of a delegated key; null when nobody who may issue stands behind it. */
  invite(key: IdentityKey): Invite | null {
    return this.#invites.get(key) ?? null;
  }

  /** All invites that count, open and closed. */
  invites(): readonly Invite[] {
    return [...this.#invites.values()];
  }

  #apply(revocation: EntryOf<"revocation">): void {
    const { identity, sessionKey } = revocation.body;
    if (!this.#bySession.has(sessionKey)) this.#bySession.set(sessionKey, revocation);
    this.#byIdentity.set(identity, [...(this.#byIdentity.get(identity) ?? []), revocation]);
  }

  /** Administrators by chains from the issuer: those whose newest certificate in the chain still has the right. */
  #chain(certificates: readonly EntryOf<"certificate">[]): Map<IdentityKey, Millis> {
    const demoted = new Set<IdentityKey>();
    for (;;) {
      const admins = this.#reach(certificates, demoted);
      const fallen = [...admins.keys()].filter((identity) => {
        const own = certificates.filter(({ body, signer }) => {
          const known = this.#isIssuer(signer) || body.issued <= (admins.get(signer) ?? -1);
          return body.identity === identity && known && this.#signsUntil(body) >= 0;
        });
        return own.sort(newestFirst)[0]?.body.rights.issue === false;
      });
      if (fallen.length === 0) return admins;
      for (const identity of fallen) demoted.add(identity);
    }
  }

  #reach(
    certificates: readonly EntryOf<"certificate">[],
    without: ReadonlySet<IdentityKey>,
  ): Map<IdentityKey, Millis> {
    const admins = new Map<IdentityKey, Millis>();
    for (let grew = true; grew; ) {
      grew = false;
      for (const { body, signer } of certificates) {
        if (!body.rights.issue || without.has(body.identity)) continue;
        if (!this.#isIssuer(signer) && body.issued > (admins.get(signer) ?? -1)) continue;
        const until = this.#signsUntil(body);
        if (until <= (admins.get(body.identity) ?? -1)) continue;
        admins.set(body.identity, until);
        grew = true;
      }
    }
    return admins;
  }

  /** Until when a certificate's holder signs; −1 once it was removed. */
  #signsUntil(body: Certificate): Millis {
    const end = this.ends(body);
    if (end === null) return body.expires;
    return end.body.reason === "left" && end.signer === body.identity
      ? Math.min(end.body.at, body.expires)
      : -1;
  }

  #invite(entry: EntryOf<"delegation">): void {
    const { key } = entry.body;
    const closes = this.closes.filter(({ body }) => body.delegation === key);
    const lists = closes.map(({ body }) => new Set(body.admitted));
    const [first, ...others] = lists;
    if (first === undefined && !this.maySign(entry.signer)) return;
    const known = this.#invites.get(key);
    if (known !== undefined && (this.maySign(known.entry.signer) || !this.maySign(entry.signer))) return;
    const admitted =
      first === undefined
        ? null
        : new Set([...first].filter((identity) => others.every((list) => list.has(identity))));
    this.#invites.set(key, { entry, admitted });
  }
}

/** Order of certificates of one identity: highest serial first, tie by lower hash. */
export function newestFirst(one: EntryOf<"certificate">, other: EntryOf<"certificate">): number {
  return other.body.serial - one.body.serial || compareText(one.hash, other.hash);
}

/** Order of texts by code unit, the same on every machine. */
export function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Order of delegations of one key: the one that allows least first. */
export function strictestFirst(one: EntryOf<"delegation">, other: EntryOf<"delegation">): number {
  return (
    one.body.expires - other.body.expires ||
    one.body.count - other.body.count ||
    compareText(one.hash, other.hash)
  );
}

function byTime(one: EntryOf<"revocation">, other: EntryOf<"revocation">): number {
  return one.body.at - other.body.at || compareText(one.hash, other.hash);
}
