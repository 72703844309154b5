/**
 * The door of an HTTPS site that is more than it seems: who shows a cookie that only insiders can make is let in, all others
 * see the site. The cookie is made for one TLS connection and of no use on another, so whoever stands between two ends, and
 * whoever heard one, gains nothing by it. The other end answers alike: it is an insider, too, and nobody is between.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { TLSSocket } from "node:tls";

/** What somebody is let in for. */
export type Purpose = (typeof purposes)[number];
export const purposes = ["control", "tls", "wss"] as const;

/**
 * What insiders know: a router's pin (base64), which its invites, links and networks carry; a node's identity (base64), which
 * its certificate carries; or the name of a network that a router hosts.
 */
export type Secret = string;

/** The cookie header that asks to be let in. */
export function knock(secret: Secret, purpose: Purpose, tls: TLSSocket): string {
  return `${cookieName}=${token(secret, purpose, { side: "client", exporter: exporterOf(tls) })}`;
}

/** The cookie that answers. */
export function answerTo(secret: Secret, purpose: Purpose, tls: TLSSocket): string {
  return `${cookieName}=${token(secret, purpose, { side: "server", exporter: exporterOf(tls) })}; Path=/; Secure; HttpOnly`;
}

/** Whether the `Set-Cookie` headers of an answer hold the right one. */
export function isAnswer(
  headers: readonly string[],
  asked: { readonly secret: Secret; readonly purpose: Purpose; readonly tls: TLSSocket },
): boolean {
  const { secret, purpose, tls } = asked;
  const right = token(secret, purpose, { side: "server", exporter: exporterOf(tls) });
  return headers.some((header) => isSame(cookieIn(header.split(";", 1)[0]), right));
}

/** What for, and by which secret, a cookie header asks to be let in; null for strangers. */
export function whoKnocks(
  header: string | undefined,
  secrets: Iterable<Secret>,
  tls: TLSSocket,
): { readonly secret: Secret; readonly purpose: Purpose } | null {
  const value = cookieIn(header);
  if (value === null) return null;
  const exporter = exporterOf(tls);
  for (const secret of secrets) {
    for (const purpose of purposes)
      if (isSame(value, token(secret, purpose, { side: "client", exporter }))) return { secret, purpose };
  }
  return null;
}

/** Our cookie's value in a `Cookie` header, or in the first part of a `Set-Cookie` header; null without. */
export function cookieIn(header: string | undefined): string | null {
  for (const part of (header ?? "").slice(0, longestHeader).split(";")) {
    const [name, value] = part.trim().split("=", 2);
    if (name === cookieName && value !== undefined && /^[\w-]{43}$/.test(value)) return value;
  }
  return null;
}

function token(
  secret: Secret,
  purpose: Purpose,
  of: { readonly side: "client" | "server"; readonly exporter: Buffer },
): string {
  const key = createHash("sha256").update("starmesh/1 door\0").update(secret.normalize("NFC")).digest();
  const text = `${of.side}\0${purpose}\0`;
  return createHmac("sha256", key).update(text).update(of.exporter).digest("base64url");
}

function exporterOf(tls: TLSSocket): Buffer {
  return tls.exportKeyingMaterial(exporterLength, exporterLabel, Buffer.alloc(0));
}

function isSame(one: string | null, other: string): boolean {
  return one !== null && one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

const cookieName = "sid";
const longestHeader = 8192;
const exporterLabel = "EXPORTER-starmesh-door";
const exporterLength = 32;
