/** Calls about invites. */
import { isPrivate, parseAddress } from "../../src-shared/address.ts";
import type { Handlers, OutputOf } from "../../src-shared/api/contract.ts";
import { splitHostPort } from "../../src-shared/ids.ts";
import type { Invite } from "../../src-shared/link.ts";
import { formatInvite } from "../../src-shared/link.ts";
import type { Install } from "./install.ts";

/** Answers of the noun “invites”. */
export function inviteHandlers({ engine }: Install): Pick<Handlers, "invites.create"> {
  return {
    "invites.create": async ({ network, count, expiresSeconds }) => {
      const expires = Date.now() + expiresSeconds * 1000;
      return inviteAnswer(await engine.administration(network).invite({ count, expires }), count);
    },
  };
}

/** An invite as callers get it. */
export function inviteAnswer(invite: Invite, uses: number): OutputOf<"invites.create"> {
  return {
    invite: formatInvite(invite),
    expires: new Date(invite.expires).toISOString(),
    uses,
    warnings: lanOnlyWarnings(invite.addresses),
  };
}

/** Said when a router has no address that the internet could reach. */
export function lanOnlyWarnings(addresses: readonly string[]): string[] {
  const hosts = addresses.map((each) => splitHostPort(each)?.host ?? "");
  const reachable = hosts.some((host) => {
    const address = parseAddress(host);
    return address === null || !isPrivate(address);
  });
  return reachable
    ? []
    : ["This works only on this LAN: the router has private addresses only. Use --public HOST."];
}
