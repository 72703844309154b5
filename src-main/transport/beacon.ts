/**
 * A beacon: what a node calls out on its LAN, sealed so that only members of its network read it.
 * Three bytes `SB1`, a random nonce of 12, AES-256-GCM over JSON with the header as associated data.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { z } from "zod";
import type { Millis } from "../../src-shared/ids.ts";
import { sessionKey } from "../../src-shared/ids.ts";
import { parseJson } from "../../src-shared/json.ts";

export const beacon = z.object({
  /** Session key of who calls. */
  from: sessionKey,
  /** Its UDP port for sessions; the address is where the beacon comes from. */
  port: z.number().int().min(1).max(65_535),
  /** When, by its clock. */
  at: z.number().int().nonnegative(),
  /** It answers another one, and wants no answer. */
  answers: z.boolean(),
});
export type Beacon = z.infer<typeof beacon>;

/** The key that seals a network's beacons, of its epoch key. */
export function beaconKey(epochKey: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", epochKey, new Uint8Array(), "starmesh/1 beacon", 32));
}

export function sealBeacon(key: Uint8Array, contents: Beacon): Uint8Array {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(header);
  const text = Buffer.concat([cipher.update(JSON.stringify(contents), "utf8"), cipher.final()]);
  return Buffer.concat([header, nonce, text, cipher.getAuthTag()]);
}

/** Null unless the key sealed it and it is whole. */
export function openBeacon(key: Uint8Array, bytes: Uint8Array): Beacon | null {
  const least = header.length + nonceBytes + tagBytes;
  if (
    bytes.length <= least ||
    bytes.length > longestBeacon ||
    !header.equals(bytes.subarray(0, header.length))
  )
    return null;
  const textFrom = header.length + nonceBytes;
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(header.length, textFrom));
  decipher.setAAD(header);
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  try {
    const text = Buffer.concat([decipher.update(bytes.subarray(textFrom, -tagBytes)), decipher.final()]);
    const parsed = beacon.safeParse(parseJson(text.toString("utf8")));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** A sender's beacons count if they are of about now and newer than its last: an old one that is sent again is none. */
export class BeaconOrder {
  readonly #newest = new Map<string, Millis>();

  /** Whether to take it. */
  takes({ from, at }: Beacon, now: Millis): boolean {
    if (Math.abs(now - at) > clockSlack || at <= (this.#newest.get(from) ?? 0)) return false;
    this.#newest.delete(from);
    this.#newest.set(from, at);
    const [oldest] = this.#newest.size > mostSenders ? this.#newest.keys() : [];
    if (oldest !== undefined) this.#newest.delete(oldest);
    return true;
  }

  /** Whether it is the sender's newest, heard once more over another link. */
  isNewest({ from, at }: Beacon, now: Millis): boolean {
    return Math.abs(now - at) <= clockSlack && at === this.#newest.get(from);
  }
}

const header = Buffer.from("SB1");
const nonceBytes = 12;
const tagBytes = 16;
const longestBeacon = 512;
const clockSlack: Millis = 600_000;
const mostSenders = 10_000;
