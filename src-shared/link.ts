/** The lines people copy: invites and router links, as one checksummed text each. */

import { formatAddress, parseAddress } from "./address.ts";
import { concatBytes, crc32, fromBase64, fromUtf8, toBase64, toBase64Url, toUtf8 } from "./bytes.ts";
import { AppError } from "./errors.ts";
import type { Millis, NetworkId } from "./ids.ts";
import { joinHostPort, networkId, splitHostPort } from "./ids.ts";

/** Everything a machine needs to join: where the router is, who it is, and a delegated issuer key. */
export interface Invite {
  readonly network: NetworkId;
  /** Seed of the delegated Ed25519 key, 32 bytes. */
  readonly seed: Uint8Array;
  /** Pin of the router, base64. */
  readonly pin: string;
  /** `host:port`, tried in parallel. */
  readonly addresses: readonly string[];
  /** Unsigned copy, for an early word only; the signed delegation counts. Whole seconds. */
  readonly expires: Millis;
}

/** What a router prints at its start: enough to create a network there. */
export interface RouterLink {
  readonly pin: string;
  readonly addresses: readonly string[];
  /** Hosting token, 16 bytes. */
  readonly token: Uint8Array;
}

/** `starmesh://join/1/…` */
export function formatInvite(invite: Invite): string {
  const expires = new Uint8Array(4);
  new DataView(expires.buffer).setUint32(0, Math.floor(invite.expires / 1000));
  return seal(invitePrefix, [
    key(invite.network),
    invite.seed,
    key(invite.pin),
    expires,
    packAddresses(invite.addresses),
  ]);
}

/** An invite out of a pasted line. Throws `link-garbled` or `link-newer`. */
export function parseInvite(text: string): Invite {
  const reader = open(invitePrefix, text);
  const network = networkId.safeParse(toBase64Url(reader.take(32)));
  if (!network.success) throw new AppError("link-garbled");
  const seed = reader.take(32);
  const pin = toBase64(reader.take(32));
  const expiry = reader.take(4);
  const expires = new DataView(expiry.buffer, expiry.byteOffset, 4).getUint32(0) * 1000;
  return { network: network.data, seed, pin, expires, addresses: unpackAddresses(reader) };
}

/** `starmesh://router/1/…` */
export function formatRouterLink(link: RouterLink): string {
  return seal(routerPrefix, [key(link.pin), link.token, packAddresses(link.addresses)]);
}

/** A router's link out of a pasted line. Throws `link-garbled` or `link-newer`. */
export function parseRouterLink(text: string): RouterLink {
  const reader = open(routerPrefix, text);
  const pin = toBase64(reader.take(32));
  const token = reader.take(16);
  return { pin, token, addresses: unpackAddresses(reader) };
}

/** Whether a text wants to be one of our links. */
export function isLink(text: string, what: "join" | "router"): boolean {
  return text.trim().toLowerCase().startsWith(`starmesh://${what}/`);
}

interface Reader {
  take(length: number): Uint8Array;
  readonly left: () => number;
}

function seal(prefix: string, parts: readonly Uint8Array[]): string {
  const body = concatBytes(...parts);
  const sum = new Uint8Array(4);
  new DataView(sum.buffer).setUint32(0, crc32(concatBytes(toUtf8(prefix), body)));
  return `${prefix}${version}/${toBase64Url(concatBytes(body, sum))}`;
}

function open(prefix: string, text: string): Reader {
  const line = text.trim();
  if (!line.toLowerCase().startsWith(prefix)) throw new AppError("link-garbled");
  const match = /^(\d{1,3})\/([\w-]+)$/.exec(line.slice(prefix.length));
  if (match === null) throw new AppError("link-garbled");
  if (match[1] !== version) throw new AppError("link-newer");
  const bytes = fromBase64(match[2] ?? "");
  if (bytes === null || bytes.length < 4) throw new AppError("link-garbled");
  const body = bytes.subarray(0, -4);
  const sum = new DataView(bytes.buffer, bytes.byteOffset + body.length, 4).getUint32(0);
  if (crc32(concatBytes(toUtf8(prefix), body)) !== sum) throw new AppError("link-garbled");
  return reader(body);
}

function reader(bytes: Uint8Array): Reader {
  let at = 0;
  return {
    take(length) {
      if (at + length > bytes.length) throw new AppError("link-garbled");
      at += length;
      return bytes.slice(at - length, at);
    },
    left: () => bytes.length - at,
  };
}

/** A form byte (4, 6 or 0 with a length), the address or name, and the port; one after another. */
function packAddresses(addresses: readonly string[]): Uint8Array {
  return concatBytes(...addresses.slice(0, mostAddresses).map(packAddress));
}

function packAddress(text: string): Uint8Array {
  const parts = splitHostPort(text);
  if (parts === null) throw new AppError("link-garbled");
  const port = new Uint8Array([parts.port >> 8, parts.port & 255]);
  const address = parseAddress(parts.host);
  if (address === null) {
    const name = toUtf8(parts.host);
    return concatBytes(new Uint8Array([0, name.length]), name, port);
  }
  const size = address.family === 4 ? 4 : 16;
  const bytes = Uint8Array.from({ length: size }, (_, at) =>
    Number((address.value >> BigInt(8 * (size - 1 - at))) & 255n),
  );
  return concatBytes(new Uint8Array([address.family]), bytes, port);
}

function unpackAddresses(reader: Reader): readonly string[] {
  const addresses: string[] = [];
  while (reader.left() > 0) {
    const host = unpackHost(reader);
    const [high = 0, low = 0] = reader.take(2);
    const text = host === null ? null : joinHostPort(host, high * 256 + low);
    if (text === null || splitHostPort(text) === null) throw new AppError("link-garbled");
    addresses.push(text);
  }
  if (addresses.length === 0 || addresses.length > mostAddresses) throw new AppError("link-garbled");
  return addresses;
}

function unpackHost(reader: Reader): string | null {
  const form = reader.take(1)[0];
  if (form === 0) return fromUtf8(reader.take(reader.take(1)[0] ?? 0));
  if (form !== 4 && form !== 6) return null;
  const value = reader.take(form === 4 ? 4 : 16).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return formatAddress({ family: form, value });
}

function key(text: string): Uint8Array {
  const bytes = fromBase64(text);
  if (bytes?.length !== 32) throw new AppError("link-garbled");
  return bytes;
}

const invitePrefix = "starmesh://join/";
const routerPrefix = "starmesh://router/";
const version = "1";
const mostAddresses = 16;
