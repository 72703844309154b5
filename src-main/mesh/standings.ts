/** Which certificate speaks for each identity, and who keeps a key or an address that several claim. */
import { parsePrefix } from "../../src-shared/address.ts";
import { fromBase64, toBase64Url, toUtf8 } from "../../src-shared/bytes.ts";
import type { IdentityKey, Millis, NetworkId, SessionKey } from "../../src-shared/ids.ts";
import type { Certificate, Entry, EntryOf } from "../../src-shared/trust.ts";
import { ulaAddress } from "../../src-shared/ula.ts";
import { usableIn } from "./addresses.ts";
import type { Invite } from "./authority.ts";
import { Authority, compareText, newestFirst } from "./authority.ts";
import type { EntrySet, Holding } from "./entry-set.ts";
import { sameKey } from "./entry-set.ts";
import { HolderIndex } from "./holder-index.ts";
import type { HashOf, Judgement, Member, Rank } from "./membership.ts";

/** The certificate that speaks for an identity. */
interface Standing {
  readonly entry: EntryOf<"certificate">;
  readonly rank: Rank;
  /** When its identity was first seen, as a sequence number. */
  readonly order: number;
}

/** Derives trust and standings from a set of entries: as a whole, or for those alone whom new entries name. */
export class Standings {
  readonly #network: NetworkId;
  readonly #hashOf: HashOf;
  readonly #entries: EntrySet;
  #authority: Authority;
  #issuer: IdentityKey | null = null;
  #record: EntryOf<"network"> | null = null;
  #isUsable: (address: string) => boolean = () => false;
  readonly #standings = new Map<IdentityKey, Standing>();
  readonly #bySession = new HolderIndex();
  readonly #byAddress = new HolderIndex();
  /** Members as last computed; dropped for whoever is touched. */
  readonly #cache = new Map<IdentityKey, Member | null>();
  /** Kept: an identity's never changes, and deriving it costs more than all else about a member. */
  readonly #ulas = new Map<IdentityKey, string>();
  #nextExpiry: Millis = Number.POSITIVE_INFINITY;

  constructor(network: NetworkId, hashOf: HashOf, entries: EntrySet) {
    this.#network = network;
    this.#hashOf = hashOf;
    this.#entries = entries;
    this.#authority = this.#authorize();
  }

  get authority(): Authority {
    return this.#authority;
  }

  /** The network record that counts. */
  get record(): EntryOf<"network"> | null {
    return this.#record;
  }

  /** When the next entry expires. */
  get nextExpiry(): Millis {
    return this.#nextExpiry;
  }

  /** Computes everything anew, after dropping what has expired. */
  rederive(now: Millis): void {
    this.#entries.expire(now, delegatedGrace);
    this.#authority = this.#authorize();
    this.#record = this.#bestRecord();
    this.#isUsable = usableIn((this.#record?.body.ranges ?? []).flatMap((range) => parsePrefix(range) ?? []));
    this.#standings.clear();
    this.#bySession.clear();
    this.#byAddress.clear();
    this.#cache.clear();
    for (const holding of this.#entries.holdings()) this.#settle(holding, "node", now);
    for (const holding of this.#entries.holdings()) this.#settle(holding, "stock", now);
    this.#nextExpiry = this.#entries.nextExpiry(now, delegatedGrace);
  }

  /** What follows from entries that bear on nobody but those they name; fills in whom they touch. */
  derive(added: readonly Entry[], touched: Set<IdentityKey>, now: Millis): void {
    if (added.some(({ kind }) => kind === "revocation")) this.#authority = this.#authorize();
    for (const entry of added) {
      if (entry.kind === "certificate") this.#resettle(entry.body.identity, touched, now);
      if (entry.kind !== "revocation") continue;
      this.#nextExpiry = Math.min(this.#nextExpiry, entry.body.until);
      for (const identity of [entry.body.identity, ...this.#bySession.holders(entry.body.sessionKey)]) {
        this.#resettle(identity, touched, now);
      }
    }
  }

  /** A node said something new of itself. */
  told({ body }: EntryOf<"node">): void {
    const known = this.#cache.get(body.identity);
    if (known != null) this.#cache.set(body.identity, { ...known, node: body });
  }

  /** All whose certificate stands, in the order in which they were first seen. */
  identities(): readonly IdentityKey[] {
    return [...this.#entries.holdings()].flatMap(({ identity }) =>
      this.#standings.has(identity) ? [identity] : [],
    );
  }

  /** The certificate that speaks for an identity. */
  entryOf(identity: IdentityKey): EntryOf<"certificate"> | null {
    return this.#standings.get(identity)?.entry ?? null;
  }

  /** All identities that claim a session key; nearly always one. */
  holders(key: SessionKey): readonly IdentityKey[] {
    return this.#bySession.holders(key);
  }

  /** Anybody whose certificate stands, those who wait for approval included. */
  view(identity: IdentityKey): Member | null {
    const known = this.#cache.get(identity);
    if (known !== undefined) return known;
    const made = this.#make(identity);
    this.#cache.set(identity, made);
    return made;
  }

  /** Whether a certificate counts by itself: its signer, limits and end; conflicts with others aside. */
  judge(entry: EntryOf<"certificate">, now: Millis): Judgement {
    const { body, signer } = entry;
    if (now >= body.expires) return { refused: "expired" };
    if (this.#authority.ends(body) !== null) return { refused: "ended" };
    if (this.#authority.mayHaveSigned(signer, body.issued))
      return { rank: body.kind === "stock" ? "stock" : "direct" };
    if (body.kind === "stock") return this.#judgeStock(entry);
    const invite = this.#authority.invite(signer);
    if (invite === null) return { refused: "signer" };
    if (!fits(entry, invite)) return { refused: "limits" };
    if (invite.admitted !== null) {
      if (!invite.admitted.has(body.identity)) return { refused: "closed" };
    } else if (this.#entries.countSignedBy(signer) > invite.entry.body.count) {
      if (!this.admittedBy(signer).slice(0, invite.entry.body.count).includes(body.identity))
        return { refused: "used" };
    }
    const waits = invite.entry.body.approval || this.#record?.body.approval === true;
    return { rank: waits ? "pending" : "delegated" };
  }

  /** Identities that an invite has admitted so far, those removed since included; in the order first seen. */
  admittedBy(key: IdentityKey): readonly IdentityKey[] {
    const invite = this.#authority.invite(key);
    if (invite === null) return [];
    return this.#entries
      .signedBy(key)
      .filter((identity) =>
        this.#entries.certificates(identity).some((entry) => entry.signer === key && fits(entry, invite)),
      );
  }

  /** Whether a key is the issuer's: it hashes to the network's id. */
  readonly isIssuer = (key: IdentityKey): boolean => {
    if (key === this.#issuer) return true;
    const bytes = fromBase64(key);
    if (this.#issuer !== null || bytes === null) return false;
    const id = fromBase64(this.#hashOf(bytes));
    if (id === null || toBase64Url(id) !== this.#network) return false;
    this.#issuer = key;
    return true;
  };

  #authorize(): Authority {
    return new Authority({
      isIssuer: this.isIssuer,
      certificates: this.#entries.issuing(),
      revocations: this.#entries.all("revocation"),
      delegations: this.#entries.all("delegation"),
      closes: this.#entries.all("close"),
    });
  }

  #resettle(identity: IdentityKey, touched: Set<IdentityKey>, now: Millis): void {
    this.#touch(identity, touched);
    this.#unsettle(identity);
    const holding = this.#entries.holding(identity);
    for (const kind of ["node", "stock"] as const) if (holding !== null) this.#settle(holding, kind, now);
    this.#touch(identity, touched);
    const expires = this.#standings.get(identity)?.entry.body.expires ?? Number.POSITIVE_INFINITY;
    if (expires < this.#nextExpiry) this.#nextExpiry = expires;
  }

  /** An identity and all who share a key or an address with it. */
  #touch(identity: IdentityKey, touched: Set<IdentityKey>): void {
    touched.add(identity);
    this.#cache.delete(identity);
    const body = this.#standings.get(identity)?.entry.body;
    if (body === undefined) return;
    this.#touchHolders(this.#bySession, body.sessionKey, touched);
    for (const address of body.addresses) this.#touchHolders(this.#byAddress, address, touched);
  }

  #touchHolders(index: HolderIndex, claimed: string, touched: Set<IdentityKey>): void {
    if (index.sole(claimed) !== null) return;
    for (const one of index.holders(claimed)) {
      touched.add(one);
      this.#cache.delete(one);
    }
  }

  #unsettle(identity: IdentityKey): void {
    const standing = this.#standings.get(identity);
    if (standing === undefined) return;
    this.#standings.delete(identity);
    this.#bySession.remove(standing.entry.body.sessionKey, identity);
    for (const address of standing.entry.body.addresses) this.#byAddress.remove(address, identity);
  }

  /** Chooses the certificate that speaks for an identity; one as a node before one as a stock client. */
  #settle(holding: Holding, kind: Certificate["kind"], now: Millis): void {
    const { identity } = holding;
    if (this.#standings.has(identity)) return;
    const best = this.#best(holding, kind, now);
    if (best === null) return;
    this.#standings.set(identity, best);
    this.#bySession.add(best.entry.body.sessionKey, identity);
    for (const address of best.entry.body.addresses) this.#byAddress.add(address, identity);
  }

  #best({ order, certificates }: Holding, kind: Certificate["kind"], now: Millis): Standing | null {
    const valid: Standing[] = [];
    for (const entry of certificates) {
      const rank = entry.body.kind === kind ? this.judge(entry, now).rank : undefined;
      if (rank !== undefined) valid.push({ entry, rank, order });
    }
    const [first] = valid;
    if (first === undefined || valid.length === 1) return first ?? null;
    const direct = valid.filter(({ rank }) => rank === "direct");
    // Whoever holds an invite could sign for any identity: its session key changes by an administrator's hand only.
    const eligible = direct.length > 0 ? direct : valid.filter(({ entry }) => sameKey(entry, first.entry));
    return eligible.sort((one, other) => newestFirst(one.entry, other.entry))[0] ?? null;
  }

  #judgeStock({ body, signer }: EntryOf<"certificate">): Judgement {
    const gateway = body.gateway === signer ? this.#standings.get(signer) : undefined;
    const allowed = gateway?.rank === "direct" && gateway.entry.body.rights.gateway !== null;
    if (!allowed || body.rights.issue || body.rights.gateway !== null) return { refused: "gateway" };
    return { rank: "stock" };
  }

  #make(identity: IdentityKey): Member | null {
    const standing = this.#standings.get(identity);
    if (standing === undefined) return null;
    const { entry, rank } = standing;
    if (this.#keyHolder(entry.body.sessionKey) !== identity) return null;
    const lost: { address: string; to: IdentityKey }[] = [];
    for (const address of entry.body.addresses) {
      const owner = this.#owner(address) ?? identity;
      if (owner !== identity) lost.push({ address, to: owner });
    }
    const isKept = (address: string) =>
      this.#isUsable(address) && !lost.some((one) => one.address === address);
    const addresses = entry.body.addresses.every(isKept)
      ? entry.body.addresses
      : entry.body.addresses.filter(isKept);
    const node = this.#entries.nodeRecord(identity)?.body ?? null;
    return {
      identity,
      sessionKey: entry.body.sessionKey,
      certificate: entry.body,
      entry,
      rank,
      addresses,
      ula: this.#ula(identity),
      lost: lost.length === 0 ? nothingLost : lost,
      node,
    };
  }

  #ula(identity: IdentityKey): string {
    const known = this.#ulas.get(identity);
    if (known !== undefined) return known;
    const made = ulaAddress(this.#network, identity, this.#hashOf);
    this.#ulas.set(identity, made);
    return made;
  }

  #keyHolder(key: SessionKey): IdentityKey | undefined {
    const sole = this.#bySession.sole(key);
    if (sole !== null) return sole;
    return this.#strongest(this.#bySession.holders(key), (one, other) => one.order - other.order);
  }

  #owner(address: string): IdentityKey | undefined {
    const sole = this.#byAddress.sole(address);
    if (sole !== null) return sole;
    const holders = this.#byAddress.holders(address).filter((identity) => {
      const standing = this.#standings.get(identity);
      return standing !== undefined && this.#keyHolder(standing.entry.body.sessionKey) === identity;
    });
    return this.#strongest(holders, (one, other) =>
      compareText(this.#addressHash(address, one), this.#addressHash(address, other)),
    );
  }

  #strongest(
    identities: readonly IdentityKey[],
    tie: (one: Standing, other: Standing) => number,
  ): IdentityKey | undefined {
    if (identities.length < 2) return identities[0];
    const standings = identities.flatMap((identity) => this.#standings.get(identity) ?? []);
    standings.sort((one, other) => strength[other.rank] - strength[one.rank] || tie(one, other));
    return standings[0]?.entry.body.identity;
  }

  #addressHash(address: string, { entry }: Standing): string {
    return this.#hashOf(toUtf8(`${this.#network}${address}${entry.body.identity}`));
  }

  #bestRecord(): EntryOf<"network"> | null {
    const records = this.#entries.all("network").filter(({ signer }) => this.#authority.maySign(signer));
    records.sort((one, other) => other.body.version - one.body.version || compareText(one.hash, other.hash));
    return records[0] ?? null;
  }
}

/** Whether others count by what this certificate's holder signs. */
export function isPowerful({ body: { rights } }: EntryOf<"certificate">): boolean {
  return rights.issue || rights.gateway !== null;
}

/** Whether a certificate stays within what its invite allows, its count aside. */
export function fits({ body }: EntryOf<"certificate">, { entry: { body: terms } }: Invite): boolean {
  return (
    body.kind === "node" &&
    body.issued <= terms.expires &&
    body.expires <= terms.expires + delegatedGrace &&
    !body.rights.issue &&
    body.rights.gateway === null &&
    body.tags.every((tag) => terms.tags.includes(tag))
  );
}

/** Nearly every member's: one for all. */
const nothingLost: Member["lost"] = [];
const strength: Readonly<Record<Rank, number>> = { direct: 3, delegated: 2, stock: 2, pending: 1 };
/** A delegated certificate ends this long after its delegation. */
export const delegatedGrace: Millis = 30 * 86_400_000;
