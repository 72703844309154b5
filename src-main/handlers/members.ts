/** Calls about the members of a network. */
import type { Handlers } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { MemberStatus } from "../../src-shared/status.ts";
import type { Engine } from "../engine/engine.ts";
import type { Held } from "../engine/held-networks.ts";
import type { Member } from "../mesh/membership.ts";
import { addressesOf } from "../mesh/membership.ts";
import type { Install } from "./install.ts";

/** Answers of the noun “members”. */
export function memberHandlers({
  engine,
}: Install): Pick<
  Handlers,
  "members.list" | "members.approve" | "members.remove" | "members.admin" | "members.gateway"
> {
  return {
    "members.list": async ({ network }) => memberList(engine, engine.networks.find(network)),
    "members.approve": async ({ network, member }) => {
      const { held, found } = pickMember(engine, network, member, (loop) =>
        loop.machine.membership.pending(),
      );
      await engine.administration(held.stored.network).approve(found.certificate);
      return {};
    },
    "members.remove": async ({ network, member }) => {
      const everybody = (loop: Loop) => [
        ...loop.machine.membership.members(),
        ...loop.machine.membership.pending(),
      ];
      const { held, found } = pickMember(engine, network, member, everybody);
      if (found.identity === engine.identity.key) {
        throw new AppError("usage", { detail: "This machine cannot remove itself. Use: starmesh leave" });
      }
      await engine.administration(held.stored.network).remove(found.certificate);
      return {};
    },
    "members.admin": async ({ network, member }) => {
      const { held, found } = pickMember(engine, network, member, (loop) =>
        loop.machine.membership.members(),
      );
      await engine.administration(held.stored.network).promote(found.certificate);
      return {};
    },
    "members.gateway": async ({ network, member, on }) => {
      const { held, found } = pickMember(engine, network, member, (loop) =>
        loop.machine.membership.members(),
      );
      if (found.rank === "stock")
        throw new AppError("usage", { detail: `${found.certificate.name} is a WireGuard client itself.` });
      await engine.administration(held.stored.network).allowGateway(found.certificate, on);
      return {};
    },
  };
}

/** Members of a network, those who wait for approval last. */
export function memberList(engine: Engine, { loop }: Held): MemberStatus[] {
  if (loop === null) return [];
  const { membership } = loop.machine;
  const online = new Set(
    loop.machine
      .peers(Date.now())
      .filter(({ state }) => state !== "offline")
      .map(({ identity }) => identity),
  );
  const nameOf = (identity: string | undefined) =>
    membership.members().find((member) => member.identity === identity)?.certificate.name ?? null;
  return [
    ...membership.members().map((member) => ({ member, approved: true })),
    ...membership.pending().map((member) => ({ member, approved: false })),
  ].map(({ member, approved }) => {
    const { certificate } = member;
    const self = member.identity === engine.identity.key && certificate.kind === "node";
    return {
      name: certificate.name,
      address: certificate.addresses[0] ?? "",
      addresses: [...addressesOf(member)],
      identity: member.identity,
      publicKey: member.sessionKey,
      kind: certificate.kind,
      approved,
      admin: certificate.rights.issue,
      gateway: certificate.rights.gateway,
      self,
      online: self || online.has(member.identity),
      expires: new Date(certificate.expires).toISOString(),
      servedBy: certificate.kind === "stock" ? nameOf(certificate.gateway) : null,
    };
  });
}

type Loop = NonNullable<Held["loop"]>;

/**
 * A member by name, address or beginning of a key, in the network given or in all that are up. Throws `unknown-peer`,
 * `ambiguous-peer`.
 */
export function pickMember(
  engine: Engine,
  network: string | undefined,
  name: string,
  among: (loop: Loop) => readonly Member[],
): { readonly held: Held; readonly found: Member } {
  const helds = network === undefined ? engine.networks.all() : [engine.networks.find(network)];
  const fitting = helds.flatMap((held) =>
    held.loop === null
      ? []
      : among(held.loop)
          .filter((member) => isCalled(member, name))
          .map((found) => ({ held, found })),
  );
  const exact = fitting.filter(({ found }) => found.certificate.name === name || isAt(found, name));
  const [only, second] = exact.length > 0 ? exact : fitting;
  if (only === undefined) throw new AppError("unknown-peer", { name, network: network ?? "NETWORK" });
  if (second !== undefined) {
    const list = fitting
      .map(({ held, found }) => `${found.certificate.name} in ${held.stored.name}`)
      .join(", ");
    throw new AppError("ambiguous-peer", { name, list });
  }
  return only;
}

function isCalled(member: Member, name: string): boolean {
  const { certificate, sessionKey, identity } = member;
  if (certificate.name.toLowerCase() === name.toLowerCase() || isAt(member, name)) return true;
  return name.length >= 4 && (sessionKey.startsWith(name) || identity.startsWith(name));
}

function isAt(member: Member, address: string): boolean {
  return member.certificate.addresses.includes(address) || member.ula === address.toLowerCase();
}
