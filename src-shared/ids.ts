/** The identifiers everything else is keyed by, parsed once at the border. */
import { z } from "zod";
import { fromBase64 } from "./bytes.ts";

/** SHA-256 of a network's issuer key, base64url without padding (43 characters). */
export const networkId = z
  .string()
  .refine((text) => text.length === 43 && fromBase64(text)?.length === 32, "not a network id")
  .brand("NetworkId");
export type NetworkId = z.infer<typeof networkId>;

const key = z.string().refine((text) => text.length === 44 && fromBase64(text)?.length === 32, "not a key");

/** A node's Ed25519 identity, base64 (44 characters). */
export const identityKey = key.brand("IdentityKey");
export type IdentityKey = z.infer<typeof identityKey>;

/** A node's X25519 key in one network, base64 (44 characters): `publicKey` in status, as in WireGuard. */
export const sessionKey = key.brand("SessionKey");
export type SessionKey = z.infer<typeof sessionKey>;

/** Milliseconds since 1970, UTC. */
export type Millis = number;

/** A node's or network's name: letters, digits, dots, hyphens; any script's letters; 1–63 characters. */
export const nodeName = z
  .string()
  .max(63)
  .regex(/^[\p{L}\p{N}]([\p{L}\p{N}.-]*[\p{L}\p{N}])?$/u, "not a name");

/** `host:port` of a socket, IPv6 in brackets: `192.0.2.1:7743`, `[2001:db8::1]:7743`, `router.example:7743`. */
export const hostPort = z
  .string()
  .max(300)
  .refine((text) => splitHostPort(text) !== null, "not host:port");

/** Parts of `host:port`; null when it is not one. */
export function splitHostPort(text: string): { readonly host: string; readonly port: number } | null {
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|([\p{L}\p{N}_.-]+)):(\d{1,5})$/u.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || !(port >= 1 && port <= 65535) ? null : { host, port };
}

/** `host:port`, with brackets round an IPv6 address. */
export function joinHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
