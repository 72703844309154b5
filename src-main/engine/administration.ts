/** What an administrator's engine does in one network: invite, approve, remove, promote, renew, keep epochs moving. */
import { randomBytes } from "node:crypto";
import { fromBase64, toBase64 } from "../../src-shared/bytes.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { IdentityKey, Millis, SessionKey } from "../../src-shared/ids.ts";
import type { Invite as InviteLink } from "../../src-shared/link.ts";
import type { NameEntry } from "../../src-shared/names.ts";
import type { BroadcastTerms, Certificate, EntryOf, Signed } from "../../src-shared/trust.ts";
import type { Member, Membership } from "../mesh/membership.ts";
import { withName, withoutName } from "../mesh/name-list.ts";
import type { SigningKey } from "./crypto.ts";
import { signEntry, signingKey } from "./crypto.ts";
import type { EpochKey } from "./issue.ts";
import {
  adminRights,
  reissue,
  sealEpoch,
  sealToAll,
  signClose,
  signInvite,
  signRecord,
  signRevocation,
} from "./issue.ts";
import type { NetworkLoop } from "./loop.ts";
import { inherited, rollback } from "./policy-entry.ts";
import type { Surroundings } from "./surroundings.ts";

/** The key this install may issue with in a network; null when it may not. */
export function issuerOf(loop: NetworkLoop, identity: SigningKey): SigningKey | null {
  const { issuerSeed } = loop.stored;
  if (issuerSeed !== null) return signingKey(fromBase64(issuerSeed) ?? new Uint8Array(32));
  return loop.machine.membership.authority.maySign(identity.key) ? identity : null;
}

/** An administrator's acts in one network. */
export class Administration {
  readonly #loop: NetworkLoop;
  readonly #surroundings: Surroundings;

  constructor(loop: NetworkLoop, surroundings: Surroundings) {
    this.#loop = loop;
    this.#surroundings = surroundings;
  }

  /** Signs an invite and publishes its limits. Throws `not-admin`, `not-with-secret`, `router-lost`. */
  async invite(terms: { readonly count: number; readonly expires: Millis }): Promise<InviteLink> {
    const issuer = this.#issuer("an invite");
    const record = this.#membership.record;
    if (record === null) throw new AppError("router-lost");
    const seed = randomBytes(32);
    const entries = signInvite(
      {
        network: record.network,
        seed,
        epoch: this.#newestEpoch(),
        expires: terms.expires,
        count: terms.count,
        tags: [],
        approval: record.approval,
      },
      issuer,
      this.#surroundings.cryptography,
    );
    await this.#publish(entries);
    const router = record.routers[0] ?? this.#loop.stored.router;
    return {
      network: record.network,
      seed,
      pin: router.pin,
      addresses: router.addresses,
      expires: terms.expires,
    };
  }

  /** Lets a waiting member in: a direct certificate and the epoch key sealed to it. */
  async approve(certificate: Certificate): Promise<void> {
    const issuer = this.#issuer("approval");
    const epoch = this.#newestEpoch();
    const { cryptography, now } = this.#surroundings;
    const { network, sessionKey: to, identity, name } = certificate;
    // The network may have moved to another range while it waited.
    const isStale = this.#membership.view(identity)?.addresses.length === 0;
    const given = isStale
      ? await (await this.#loop.online()).request({ call: "reserve", name, identity })
      : null;
    await this.#publish([
      reissue(certificate, issuer, { ...(given && { address: given.address }), now: now() }),
      ...(epoch === null ? [] : [sealEpoch({ network, to }, epoch, { issuer, cryptography })]),
    ]);
  }

  /**
   * Ends a member: revocation, and the next epoch key for everybody else. Open invites that it came in with are closed:
   * whoever holds one could come back, and would be sealed the new key.
   */
  async remove(certificate: Certificate): Promise<void> {
    const issuer = this.#issuer("removing members");
    const closes = this.#openInvitesOf(certificate.identity).map(({ entry, admitted }) =>
      signClose(
        entry,
        admitted.filter((other) => other !== certificate.identity),
        issuer,
      ),
    );
    await this.#loop.online();
    this.#loop.learn(closes);
    const revocation = signRevocation(certificate, "removed", issuer, this.#surroundings.now());
    await this.#publish([
      ...closes,
      ...inherited(this.#membership, certificate.identity, issuer),
      revocation,
      ...this.#nextEpoch(issuer, certificate.identity),
    ]);
  }

  /** Whether members mask what they send. Throws `not-admin`, `router-lost`. */
  async mask(on: boolean): Promise<void> {
    const issuer = issuerOf(this.#loop, this.#surroundings.identity);
    const { record } = this.#membership;
    if (issuer === null)
      throw new AppError("not-admin", { devices: this.#membership.issuers().join(", ") || "none known" });
    if (record === null) throw new AppError("router-lost");
    if ((record.mask === true) === on) return;
    await this.#publish([signRecord({ ...record, mask: on, version: record.version + 1 }, issuer)]);
  }

  /** Writes a name for all members. Throws `not-admin`, `name-taken`, `unknown-name`, `names-full`. */
  async addName(entry: NameEntry): Promise<void> {
    await this.#changeNames((names, members) => withName(names, entry, members));
  }

  /** Takes back what was written by hand under a name. Throws `not-admin`, `unknown-name`. */
  async removeName(name: string): Promise<void> {
    await this.#changeNames((names) => withoutName(names, name));
  }

  /** Which broadcasts and multicasts pass; null: none. Throws `not-admin`, `router-lost`. */
  async broadcast(terms: BroadcastTerms | null): Promise<void> {
    const issuer = issuerOf(this.#loop, this.#surroundings.identity);
    const { record } = this.#membership;
    if (issuer === null)
      throw new AppError("not-admin", { devices: this.#membership.issuers().join(", ") || "none known" });
    if (record === null) throw new AppError("router-lost");
    const { broadcast: _, ...rest } = record;
    const changed = { ...rest, ...(terms === null ? {} : { broadcast: terms }), version: record.version + 1 };
    await this.#publish([signRecord(changed, issuer)]);
  }

  /** Whether a member may serve stock clients, and route what is granted to it besides. Throws `not-admin`. */
  async allowGateway(certificate: Certificate, on: boolean): Promise<void> {
    const issuer = issuerOf(this.#loop, this.#surroundings.identity);
    if (issuer === null)
      throw new AppError("not-admin", { devices: this.#membership.issuers().join(", ") || "none known" });
    const { rights } = certificate;
    if ((rights.gateway !== null) === on) return;
    const changed = { ...rights, gateway: on ? [] : null };
    await this.#publish([reissue(certificate, issuer, { rights: changed, now: this.#surroundings.now() })]);
  }

  /** Makes a member an administrator. */
  async promote(certificate: Certificate): Promise<void> {
    const issuer = this.#issuer("a second administrator");
    const rights = { ...adminRights, gateway: certificate.rights.gateway ?? adminRights.gateway };
    await this.#publish([reissue(certificate, issuer, { rights, now: this.#surroundings.now() })]);
  }

  /**
   * What is due without anybody asking: renewals, close records, a new epoch after somebody left, another address for
   * who lost theirs, a policy whose trial is over.
   */
  async duties(): Promise<void> {
    const issuer = issuerOf(this.#loop, this.#surroundings.identity);
    const control = this.#loop.line.control();
    if (issuer === null || control === null) return;
    const now = this.#surroundings.now();
    const due = [
      ...this.#moves(issuer),
      ...this.#renewals(issuer, now),
      ...this.#closes(issuer, now),
      ...this.#rotations(issuer),
      ...rollback(this.#loop.machine.policy(now), issuer, now),
    ];
    for (const { certificate, identity } of this.#charges().filter(hasNoAddress)) {
      const { address } = await control.request({ call: "reserve", name: certificate.name, identity });
      due.push(reissue(certificate, issuer, { address, now }));
    }
    if (due.length > 0) await this.#publish(due);
  }

  /** Members whose certificates are for this install to keep: all, or under a secret, where everybody may sign, itself. */
  #charges(): readonly Member[] {
    const all = this.#membership.members();
    const own = this.#surroundings.identity.key;
    return this.#loop.stored.secret === null ? all : all.filter(({ identity }) => identity === own);
  }

  async #changeNames(
    change: (names: readonly NameEntry[], members: readonly string[]) => readonly NameEntry[],
  ): Promise<void> {
    const issuer = issuerOf(this.#loop, this.#surroundings.identity);
    if (issuer === null)
      throw new AppError("not-admin", { devices: this.#membership.issuers().join(", ") || "none known" });
    const before = this.#membership.names;
    const members = this.#membership.members().map(({ certificate }) => certificate.name);
    const names = change(before?.names ?? [], members);
    const { network } = this.#loop.stored;
    await this.#publish([
      signEntry("names", { network, version: (before?.version ?? 0) + 1, names }, issuer),
    ]);
  }

  get #membership(): Membership {
    return this.#loop.machine.membership;
  }

  #issuer(what: string): SigningKey {
    const { secret, name } = this.#loop.stored;
    if (secret !== null || this.#membership.record?.secret === true)
      throw new AppError("not-with-secret", { name, what });
    const issuer = issuerOf(this.#loop, this.#surroundings.identity);
    if (issuer === null)
      throw new AppError("not-admin", { devices: this.#membership.issuers().join(", ") || "none known" });
    return issuer;
  }

  /** A router that is just coming back is waited for. */
  async #publish(entries: readonly Signed[]): Promise<void> {
    await this.#loop.online();
    await this.#loop.publish(entries);
  }

  #newestEpoch(): EpochKey | null {
    const [newest] = this.#loop.stored.epochs;
    return newest === undefined
      ? null
      : { number: newest.number, key: fromBase64(newest.key) ?? new Uint8Array(32) };
  }

  /** Mints the next epoch key and seals it to all but one member, and to every invite that is open. */
  #nextEpoch(issuer: SigningKey, without: IdentityKey | null): readonly Signed[] {
    const { cryptography, now } = this.#surroundings;
    const { network, epochs } = this.#loop.stored;
    const epoch = { number: (epochs[0]?.number ?? 0) + 1, key: new Uint8Array(randomBytes(32)) };
    const members = this.#membership
      .members()
      .filter((member) => member.identity !== without && member.rank !== "stock")
      .map((member) => ({ network, to: member.sessionKey }));
    const invites = this.#openInvites(now()).map(({ body }) => ({
      network,
      to: body.to,
      delegation: body.delegation,
    }));
    const own = { network, to: this.#loop.session.publicKey };
    const targets = [own, ...members, ...invites].filter(
      (target, at, all) => all.findIndex((other) => other.to === target.to) === at,
    );
    this.#loop.update({
      epochs: [{ number: epoch.number, key: toBase64(epoch.key) }, ...epochs].slice(0, keptEpochs),
    });
    return sealToAll(targets, epoch, { issuer, cryptography });
  }

  /** One envelope of each invite that can still be used: it names the key to seal to. */
  #openInvites(
    now: Millis,
  ): readonly { readonly body: { readonly to: SessionKey; readonly delegation: IdentityKey } }[] {
    const found = new Map<IdentityKey, SessionKey>();
    for (const { body } of this.#membership.entriesOf("epoch")) {
      if (body.delegation === undefined) continue;
      const invite = this.#membership.invite(body.delegation);
      if (invite !== null && invite.admitted === null && invite.entry.body.expires > now) {
        found.set(body.delegation, body.to);
      }
    }
    return [...found].map(([delegation, to]) => ({ body: { to, delegation } }));
  }

  /** Direct certificates for those an invite admitted, and for those past half of their time. */
  #renewals(issuer: SigningKey, now: Millis): readonly Signed[] {
    return this.#charges()
      .filter((member) => isDue(member, now))
      .map((member) => reissue(member.certificate, issuer, { now }));
  }

  /** The network's record again when the router of this install is reached at other addresses now. */
  #moves(issuer: SigningKey): readonly Signed[] {
    const { record } = this.#membership;
    const { hostedHere, router } = this.#loop.stored;
    const addresses = this.#surroundings.declared();
    const known = record?.routers.find(({ pin }) => pin === router.pin);
    if (!hostedHere || record === null || known === undefined || addresses.length === 0) return [];
    if (known.addresses.join() === addresses.join()) return [];
    const routers = record.routers.map((each) =>
      each === known ? { ...known, addresses: [...addresses] } : each,
    );
    return [signRecord({ ...record, routers, version: record.version + 1 }, issuer)];
  }

  #closes(issuer: SigningKey, now: Millis): readonly Signed[] {
    return this.#open()
      .filter(({ entry, admitted }) => isOver(entry, admitted.length, now))
      .map(({ entry, admitted }) => signClose(entry, admitted, issuer));
  }

  #openInvitesOf(identity: IdentityKey): readonly OpenInvite[] {
    return this.#open().filter(({ admitted }) => admitted.includes(identity));
  }

  /** Invites that are not closed, with those whom they have admitted. */
  #open(): readonly OpenInvite[] {
    return this.#membership.authority
      .invites()
      .filter((invite) => invite.admitted === null)
      .map(({ entry }) => ({ entry, admitted: this.#membership.admittedBy(entry.body.key) }));
  }

  /** After `leave` the next administrator online mints. */
  #rotations(issuer: SigningKey): readonly Signed[] {
    const { secret, rotatedFor } = this.#loop.stored;
    if (secret !== null) return [];
    const left = this.#membership.authority.revocations.filter(
      ({ body, hash }) =>
        body.reason === "left" && !rotatedFor.includes(hash) && !this.#isStock(body.identity),
    );
    if (left.length === 0) return [];
    this.#loop.update({ rotatedFor: [...rotatedFor, ...left.map(({ hash }) => hash)] });
    return this.#nextEpoch(issuer, null);
  }

  /** Stock clients never had an epoch key. */
  #isStock(identity: IdentityKey): boolean {
    const certificates = this.#membership.certificatesOf(identity);
    return certificates.length > 0 && certificates.every(({ body }) => body.kind === "stock");
  }
}

interface OpenInvite {
  readonly entry: EntryOf<"delegation">;
  readonly admitted: readonly IdentityKey[];
}

function isDue({ rank, certificate }: Member, now: Millis): boolean {
  if (rank === "delegated") return true;
  return rank === "direct" && now > (certificate.issued + certificate.expires) / 2;
}

/** Lost its address to another certificate, or has one of a range that is the network's no more. */
function hasNoAddress({ addresses }: Member): boolean {
  return addresses.length === 0;
}

function isOver({ body }: EntryOf<"delegation">, admitted: number, now: Millis): boolean {
  return admitted >= body.count || body.expires <= now;
}

const keptEpochs = 8;
