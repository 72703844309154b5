/** TLS connections to routers and nodes, straight or through a proxy, that begin as a browser's do. */

import { createHash } from "node:crypto";
import { lookup } from "node:dns/promises";
import type { Socket } from "node:net";
import { isIP } from "node:net";
import type { TLSSocket } from "node:tls";
import { connect as connectTls } from "node:tls";
import type { Destination } from "./proxy.ts";
import { connectThrough } from "./proxy.ts";
import type { WayOut } from "./way-out.ts";

/** How to get there, and what to show on the way. */
export interface DialOptions {
  readonly way: WayOut;
  /** What ALPN offers. */
  readonly protocols: readonly string[];
  /** IP address that the host is known by; where no proxy is used, it is connected to. */
  readonly address?: string | null;
}

/** An open connection whose handshake is complete. */
export interface Dialled {
  readonly tls: TLSSocket;
  /** IP address of the destination, whatever stands between. */
  readonly remote: string;
  /** As HTTP requests name the other end. */
  readonly hostHeader: string;
}

/**
 * Connects. The certificate is not looked at: who is at the other end is proved inside. Throws `proxy-…`, what sockets and TLS throw, or the reason of the signal.
 */
export async function dialTls(
  destination: Destination,
  { way, protocols, address = null }: DialOptions,
  signal: AbortSignal,
): Promise<Dialled> {
  signal.throwIfAborted();
  const { host, port } = destination;
  const proxy = way.proxyTo(host);
  const socket =
    proxy === null
      ? way.connect({ host: address ?? host, port })
      : (await connectThrough(proxy, destination, signal)).setNoDelay(true);
  const servername = way.serverName ?? (isIP(bare(host)) === 0 ? host : "");
  const tls = connectTls({
    ...hello,
    socket,
    servername,
    ALPNProtocols: [...protocols],
  });
  await shaken(tls, socket, signal);
  const remote =
    proxy === null ? readable(socket.remoteAddress ?? host) : (address ?? (await addressOf(host)));
  const name = servername === "" ? hostOf(host) : servername;
  return { tls, remote, hostHeader: port === 443 ? name : `${name}:${port}` };
}

/** Waits for the end of the handshake. */
function shaken(tls: TLSSocket, socket: Socket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => {
      signal.removeEventListener("abort", abort);
      tls.destroy();
      socket.destroy();
      reject(cause instanceof Error ? cause : new Error(String(cause)));
    };
    const abort = () => fail(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    // They stay, so that a late error is not thrown.
    socket.on("error", fail);
    tls.on("error", fail);
    tls.once("close", () => fail(new Error("closed before the handshake was complete")));
    tls.once("secureConnect", () => {
      signal.removeEventListener("abort", abort);
      // Only from TLS 1.3 on is what both ends prove bound to one handshake.
      if (tls.getProtocol() === "TLSv1.3") resolve();
      else fail(new Error(`it speaks ${tls.getProtocol()} only`));
    });
  });
}

/** An IPv4 connection to a socket of both families shows as ::ffff:192.0.2.1. */
export function readable(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, "");
}

/**
 * IP address of a host that a proxy reaches for us. Where its name means nothing here, one that stands for it and leads nowhere
 * (RFC 6666): links are told apart by address.
 */
async function addressOf(host: string): Promise<string> {
  if (isIP(bare(host)) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch {
    const hash = createHash("sha256").update(host.toLowerCase()).digest("hex");
    return `100::${[0, 4, 8, 12].map((at) => (Number.parseInt(hash.slice(at, at + 4), 16) | 1).toString(16)).join(":")}`;
  }
}

/** A zone names an interface of this machine; it has no place in a request. */
function hostOf(host: string): string {
  return isIP(bare(host)) === 6 ? `[${bare(host)}]` : host;
}

function bare(host: string): string {
  return host.split("%")[0] ?? host;
}

/** The order of suites, groups and signatures is that of a browser as of 2025, as far as this OpenSSL has them. */
const hello = {
  rejectUnauthorized: false,
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.3",
  requestOCSP: true,
  ciphers: [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-RSA-AES256-SHA",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-SHA",
    "AES256-SHA",
  ].join(":"),
  ecdhCurve: "X25519:P-256:P-384",
  sigalgs: [
    "ecdsa_secp256r1_sha256",
    "rsa_pss_rsae_sha256",
    "rsa_pkcs1_sha256",
    "ecdsa_secp384r1_sha384",
    "rsa_pss_rsae_sha384",
    "rsa_pkcs1_sha384",
    "rsa_pss_rsae_sha512",
    "rsa_pkcs1_sha512",
  ].join(":"),
} as const;
