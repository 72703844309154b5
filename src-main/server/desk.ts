/** Answers the requests of those who came in, by what their role allows. */
import { AppError } from "../../src-shared/errors.ts";
import type { IdentityKey, Millis, SessionKey } from "../../src-shared/ids.ts";
import type { Entry, EntryOf, Notary, Signed } from "../../src-shared/trust.ts";
import type { ControlAnswer, ControlCall, ControlRequest, NodeRole } from "../../src-shared/wire.ts";
import { canAdmit } from "../mesh/admission.ts";
import type { HostedNetwork } from "./hosted.ts";
import type { Networks } from "./networks.ts";
import type { ReachCheck } from "./reach-check.ts";
import type { Visitor } from "./reception.ts";
import type { Outlet, Seat } from "./seat.ts";

export interface DeskOptions {
  readonly networks: Networks;
  readonly reach: Pick<ReachCheck, "hear">;
  readonly notary: Notary;
  readonly now: () => Millis;
}

/** Who asks. */
export interface Asker {
  readonly visitor: Visitor;
  /** Null while joining or hosting. */
  readonly seat: Seat | null;
  /** Where what belongs to an answer is pushed. */
  readonly outlet: Outlet;
  /** Identities that this connection has reserved for. */
  readonly reserved: Set<IdentityKey>;
}

export class Desk {
  readonly #options: DeskOptions;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  /** Throws an `AppError` that the asker is told. */
  async answer<Request extends ControlRequest>(
    request: Request,
    asker: Asker,
  ): Promise<ControlAnswer<ControlCall>> {
    const { visitor, seat } = asker;
    const early = seat?.kind === "waiting" && !whileWaiting.includes(request.call);
    if (early || !allowed[request.call].includes(visitor.role)) {
      throw new AppError("not-allowed", { detail: `${request.call} is not for this role` });
    }
    if (visitor.role === "host") return this.#host(request, visitor);
    const { hosted } = visitor;
    switch (request.call) {
      case "host":
        return {};
      case "unhost":
        if (!isAdmin(visitor))
          throw new AppError("not-admin", { devices: hosted.membership.issuers().join(", ") });
        await this.#options.networks.unhost(hosted.network, seat);
        return {};
      case "reserve":
        return this.#reserve(request, asker, hosted);
      case "admit":
        await this.#admit(request.certificate, asker, hosted);
        return {};
      case "publish":
        await this.#publish(request.entries, asker, hosted);
        return {};
      case "sync":
        return this.#sync(request, seat, hosted);
      case "presence":
        if (seat !== null) hosted.audience.setUdp(seat, request.udp);
        return {};
      case "carry":
        this.#carry(request, visitor, hosted);
        return {};
      case "links":
        if (visitor.role === "member") hosted.hearLinks(visitor.identity, request.links);
        return {};
      case "graph":
        return hosted.graph(request.have);
      case "reached":
        if (seat !== null) this.#options.reach.hear(seat, request);
        return {};
    }
  }

  async #host(
    request: ControlRequest,
    visitor: Extract<Visitor, { role: "host" }>,
  ): Promise<Record<never, never>> {
    if (request.call === "host")
      await this.#options.networks.host(visitor.network, this.#verified(request.entries));
    return {};
  }

  #reserve(
    request: Extract<ControlRequest, { call: "reserve" }>,
    { visitor, reserved }: Asker,
    hosted: HostedNetwork,
  ): ControlAnswer<"reserve"> {
    const own = visitor.role !== "member" || visitor.identity === request.identity;
    if (!own && !isGateway(visitor) && !isAdmin(visitor)) {
      throw new AppError("not-allowed", { detail: "only a gateway or an administrator reserves for others" });
    }
    const joining = visitor.role === "invited" || visitor.role === "secret";
    reserved.add(request.identity);
    if (joining && reserved.size > mostReserved) {
      throw new AppError("not-allowed", { detail: "too many addresses were asked for" });
    }
    return hosted.reserve(request);
  }

  async #admit(certificate: Signed, { visitor, seat, outlet }: Asker, hosted: HostedNetwork): Promise<void> {
    const [entry] = this.#verified([certificate]);
    if (entry?.kind !== "certificate" || entry.signer !== signerOf(visitor)) {
      throw new AppError("not-allowed", {
        detail: "the certificate is not signed by the key that was greeted with",
      });
    }
    const admission = canAdmit(hosted.membership, entry, this.#options.now());
    if (!admission.ok) throw new AppError(admission.code, admission.data);
    const { identity, name, addresses } = entry.body;
    const reserved = hosted.reserve({ identity, name, address: addresses[0] });
    if (reserved.name !== name) throw new AppError("not-allowed", { detail: `the name ${name} is taken` });
    if (visitor.role === "invited") hosted.noteAdmission(entry.signer);
    await hosted.merge([entry], seat);
    if (visitor.role === "member") return;
    const state = hosted.stateFor(admission.pending ? "waiting" : "member", entry);
    hosted.tell(outlet, state);
  }

  async #publish(entries: readonly Signed[], { visitor, seat }: Asker, hosted: HostedNetwork): Promise<void> {
    const verified = this.#verified(entries);
    if (verified.some(({ body }) => body.network !== hosted.network)) {
      throw new AppError("not-allowed", { detail: "an entry is of another network" });
    }
    if (hosted.membership.entries().length + verified.length > mostEntries) {
      throw new AppError("not-allowed", { detail: "the network holds as many entries as it may" });
    }
    for (const entry of verified) if (entry.kind === "certificate") this.#checkOwn(entry, visitor, hosted);
    await hosted.merge(
      verified.filter((entry) => !this.#isLate(entry, hosted)),
      seat,
    );
  }

  /** Tells a signer of what it should not have signed; what others signed is for `mesh/` to settle. */
  #checkOwn(entry: EntryOf<"certificate">, visitor: Visitor, hosted: HostedNetwork): void {
    if (entry.signer !== signerOf(visitor)) return;
    const admission = canAdmit(hosted.membership, entry, this.#options.now());
    const told =
      !admission.ok && (admission.code === "address-taken" || admission.code === "address-outside");
    if (told) throw new AppError(admission.code, admission.data);
  }

  /** Whether an invite that is over would let somebody in whom it had not let in before. */
  #isLate(entry: Entry, hosted: HostedNetwork): boolean {
    if (entry.kind !== "certificate") return false;
    const invite = hosted.membership.invite(entry.signer);
    if (invite === null || this.#options.now() <= invite.entry.body.expires) return false;
    return !hosted.membership.admittedBy(entry.signer).includes(entry.body.identity);
  }

  #sync(
    request: Extract<ControlRequest, { call: "sync" }>,
    seat: Seat | null,
    hosted: HostedNetwork,
  ): ControlAnswer<"sync"> {
    // Whoever waits was told everything that is for it.
    if (seat === null || seat.kind === "waiting" || request.have === hosted.digest())
      return { same: true, want: [] };
    const want = request.hashes === undefined ? [] : hosted.exchange(seat, request.hashes);
    return { same: false, want: [...want] };
  }

  #carry(request: Extract<ControlRequest, { call: "carry" }>, visitor: Visitor, hosted: HostedNetwork): void {
    const from = visitor.role === "member" ? hosted.membership.member(visitor.identity) : null;
    const to = hosted.membership.memberOf(request.to);
    const target = to === null ? null : hosted.audience.seat(to.identity);
    if (from === null || target?.kind !== "member") {
      throw new AppError("peer-unreachable", { name: to?.certificate.name ?? shortKey(request.to) });
    }
    target.outlet.send({ kind: "carried", from: from.sessionKey, datagram: request.datagram });
  }

  #verified(entries: readonly Signed[]): readonly Entry[] {
    return entries.map((signed) => {
      const entry = this.#options.notary.verify(signed);
      if (entry === null)
        throw new AppError("not-allowed", { detail: `the signature of a ${signed.kind} entry is wrong` });
      return entry;
    });
  }
}

/** The key whose signature this visitor proved to hold. */
function signerOf(visitor: Visitor): IdentityKey | null {
  switch (visitor.role) {
    case "member":
      return visitor.identity;
    case "invited":
      return visitor.delegation.body.key;
    case "secret":
    case "issuer":
      return visitor.issuer;
    case "host":
      return null;
  }
}

function isAdmin(visitor: Visitor): boolean {
  if (visitor.role === "issuer") return true;
  return visitor.role === "member" && rightsOf(visitor)?.issue === true;
}

function isGateway(visitor: Visitor): boolean {
  const gateway = visitor.role === "member" ? rightsOf(visitor)?.gateway : undefined;
  return gateway !== undefined && gateway !== null;
}

function rightsOf(visitor: Extract<Visitor, { role: "member" }>) {
  return visitor.hosted.membership.member(visitor.identity)?.certificate.rights;
}

function shortKey(key: SessionKey): string {
  return key.slice(0, 8);
}

const allowed: Readonly<Record<ControlCall, readonly NodeRole[]>> = {
  host: ["host"],
  unhost: ["issuer", "member"],
  reserve: ["invited", "secret", "issuer", "member"],
  admit: ["invited", "secret", "member"],
  publish: ["issuer", "member"],
  sync: ["issuer", "member"],
  presence: ["member"],
  carry: ["member"],
  links: ["member"],
  graph: ["issuer", "member"],
  reached: ["member"],
};
/** A revocation of itself (`leave`) is what somebody who waits may publish. */
const whileWaiting: readonly ControlCall[] = ["publish", "sync", "presence"];
const mostReserved = 4;
const mostEntries = 200_000;
