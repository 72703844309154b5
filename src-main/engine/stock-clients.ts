/** Stock WireGuard clients that this node lets into a network: their keys are made here, their profiles told once. */
import { randomBytes } from "node:crypto";
import { fromBase64, toBase64 } from "../../src-shared/bytes.ts";
import { AppError } from "../../src-shared/errors.ts";
import { ulaAddress, ulaPrefix } from "../../src-shared/ula.ts";
import { issuerOf } from "./administration.ts";
import { newSessionPair, signingKey } from "./crypto.ts";
import { tunMtu } from "./interface.ts";
import { signRevocation, signStock } from "./issue.ts";
import type { NetworkLoop } from "./loop.ts";
import type { Surroundings } from "./surroundings.ts";

export interface ClientRequest {
  readonly name: string;
  /** `host:port` where the client finds this node. */
  readonly endpoint: string;
  /** All that it sends goes through here, not only what is for the network. */
  readonly everything: boolean;
}

export interface AddedClient {
  readonly name: string;
  readonly address: string;
  /** The client's configuration file, with its private key. */
  readonly profile: string;
}

/** Admits a client and makes its profile. Throws `not-gateway` and what the router refuses. */
export async function addClient(
  loop: NetworkLoop,
  surroundings: Surroundings,
  request: ClientRequest,
): Promise<AddedClient> {
  const control = await loop.online();
  const { membership } = loop.machine;
  const own = loop.machine.ownCertificate();
  if (own?.body.rights.gateway == null) {
    throw new AppError("not-gateway", {
      name: own?.body.name ?? loop.stored.nodeName,
      devices: membership.issuers().join(", ") || "none known",
    });
  }
  const { cryptography, identity, notary } = surroundings;
  const { network } = loop.stored;
  const seed = new Uint8Array(randomBytes(32));
  const client = signingKey(seed);
  const pair = newSessionPair(cryptography);
  const presharedKey = toBase64(randomBytes(32));
  const { name, address } = await control.request({
    call: "reserve",
    name: request.name,
    identity: client.key,
  });
  const holder = { network, identity: client.key, sessionKey: pair.publicKey, name, address };
  const certificate = signStock(holder, identity, surroundings.now());
  const others = loop.stored.stock.filter(({ sessionKey }) => membership.memberOf(sessionKey) !== null);
  loop.update({ stock: [...others, { sessionKey: pair.publicKey, presharedKey, seed: toBase64(seed) }] });
  await loop.publish([certificate]);
  const ranges = loop.machine.record()?.ranges ?? [];
  const inside = [...ranges, ulaPrefix(network, notary.hash), ...routedPrefixes(loop)];
  const profile = [
    "[Interface]",
    `PrivateKey = ${pair.privateKey}`,
    `Address = ${address}/32, ${ulaAddress(network, client.key, notary.hash)}/128`,
    `MTU = ${tunMtu}`,
    "",
    "[Peer]",
    `PublicKey = ${loop.session.publicKey}`,
    `PresharedKey = ${presharedKey}`,
    `Endpoint = ${request.endpoint}`,
    `AllowedIPs = ${(request.everything ? ["0.0.0.0/0", "::/0"] : inside).join(", ")}`,
    "PersistentKeepalive = 25",
    "",
  ].join("\n");
  return { name, address, profile };
}

/**
 * Ends a client at once: by its own key where it was let in here, else as an administrator. Throws `unknown-peer`,
 * `not-admin`.
 */
export async function revokeClient(
  loop: NetworkLoop,
  surroundings: Surroundings,
  sessionKey: string,
): Promise<void> {
  const { membership } = loop.machine;
  const member = membership.members().find((each) => each.sessionKey === sessionKey);
  if (member === undefined)
    throw new AppError("unknown-peer", { name: sessionKey, network: loop.stored.name });
  const kept = loop.stored.stock.find((client) => client.sessionKey === sessionKey);
  const seed = kept === undefined ? null : fromBase64(kept.seed);
  const issuer = seed === null ? issuerOf(loop, surroundings.identity) : signingKey(seed);
  if (issuer === null) {
    throw new AppError("not-admin", { devices: membership.issuers().join(", ") || "none known" });
  }
  const reason = seed === null ? "removed" : "left";
  const revocation = signRevocation(member.certificate, reason, issuer, surroundings.now());
  loop.update({ stock: loop.stored.stock.filter((client) => client !== kept) });
  // Here it counts at once, whether the router is there or not: it is told when it comes back.
  await loop.publish([revocation]);
}

/** What gateways route by administrators' leave, the ways out to everywhere aside. */
function routedPrefixes({ machine }: NetworkLoop): readonly string[] {
  return machine
    .routes()
    .filter(({ gateways }) => gateways.some(({ counts }) => counts === "yes"))
    .map(({ prefix }) => prefix)
    .filter((prefix) => !prefix.endsWith("/0"));
}
