/** Who and what is near a peer, for its verdict. */
import type { SessionKey } from "../../src-shared/ids.ts";
import { splitHostPort } from "../../src-shared/ids.ts";
import { outsideHosts } from "./candidate.ts";
import type { OwnCandidate } from "./effect.ts";
import type { Member, Membership } from "./membership.ts";
import type { Peer } from "./peer.ts";

/** UDP port of this node; null before it is known. */
export function portOf(own: readonly OwnCandidate[]): number | null {
  const [first] = own;
  return first === undefined ? null : (splitHostPort(first.endpoint)?.port ?? null);
}

/** Name of the gateway that serves a stock client; empty for others. */
export function gatewayOf({ certificate }: Member, membership: Membership): string {
  const { gateway } = certificate;
  return gateway === undefined ? "" : (membership.member(gateway)?.certificate.name ?? "");
}

/** A member at the peer's public address that answers us directly and might relay, but does not. */
export function neighbourOf(
  peer: Member,
  membership: Membership,
  peers: ReadonlyMap<SessionKey, Peer>,
): { readonly name: string; readonly rttMillis: number } | null {
  const place = outsideHosts(peer.node?.candidates ?? []);
  if (place.length === 0) return null;
  for (const [key, { active }] of peers) {
    const member = membership.memberOf(key);
    if (member === null || key === peer.sessionKey || active === null || active.kind === "relay") continue;
    const mayRelay = member.certificate.rights.relay && member.node?.relay === undefined;
    const isThere = outsideHosts(member.node?.candidates ?? []).some((host) => place.includes(host));
    if (mayRelay && isThere && active.rttMillis !== null)
      return { name: member.certificate.name, rttMillis: active.rttMillis };
  }
  return null;
}
