/** Who the router is: its Ed25519 identity, its X25519 session key and its hosting token, kept in the state folder. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  sign,
  timingSafeEqual,
} from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { fromBase64, toBase64 } from "../../src-shared/bytes.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { IdentityKey, SessionKey } from "../../src-shared/ids.ts";
import { identityKey, sessionKey } from "../../src-shared/ids.ts";
import { readOwnFile, writeOwnFile } from "../transport/own-file.ts";

export interface RouterKeys {
  readonly identity: IdentityKey;
  /** SHA-256 of the identity, base64: what links name. */
  readonly pin: string;
  readonly sessionKey: SessionKey;
  /** For the data plane; base64. */
  readonly sessionPrivateKey: string;
  /** Mask key, base64: what members of masked networks cover their datagrams to this router with. */
  readonly mask: string;
  /** Signature of the identity, base64. */
  sign(bytes: Uint8Array): string;
  /** Hosting token now, 16 bytes. */
  token(): Uint8Array;
  /** Compares in constant time. */
  isToken(given: Uint8Array): boolean;
  /** Replaces the token: links given out before no longer create networks here. */
  renewToken(): Promise<Uint8Array>;
}

/** Reads the keys of a state folder, or makes them. Throws `state-unreadable` or `state-not-writable`. */
export async function openRouterKeys(folder: string): Promise<RouterKeys> {
  const path = join(folder, "router-keys.json");
  const text = await readOwnFile(path);
  let kept = text === null ? freshKeys() : parse(path, text);
  const save = () => writeOwnFile(path, `${JSON.stringify(kept, null, 2)}\n`);
  if (text === null) await save();
  const signing = privateKey(ed25519Prefix, kept.identity);
  const identity = rawPublic(signing);
  return {
    identity: identityKey.parse(toBase64(identity)),
    pin: createHash("sha256").update(identity).digest("base64"),
    sessionKey: sessionKey.parse(toBase64(rawPublic(privateKey(x25519Prefix, kept.session)))),
    sessionPrivateKey: kept.session,
    mask: Buffer.from(hkdfSync("sha256", bytesOf(kept.session), new Uint8Array(), "mask", 32)).toString(
      "base64",
    ),
    sign: (bytes) => toBase64(sign(null, bytes, signing)),
    token: () => bytesOf(kept.token),
    isToken: (given) => {
      const token = bytesOf(kept.token);
      return given.length === token.length && timingSafeEqual(given, token);
    },
    renewToken: async () => {
      kept = { ...kept, token: toBase64(randomBytes(tokenLength)) };
      await save();
      return bytesOf(kept.token);
    },
  };
}

function freshKeys(): Kept {
  return {
    version: 1,
    identity: toBase64(rawPrivate("ed25519")),
    session: toBase64(rawPrivate("x25519")),
    token: toBase64(randomBytes(tokenLength)),
  };
}

function parse(path: string, text: string): Kept {
  try {
    return keptKeys.parse(JSON.parse(text));
  } catch (error) {
    const detail = error instanceof z.ZodError ? z.prettifyError(error) : "it is not JSON";
    throw new AppError("state-unreadable", { file: path, detail });
  }
}

/** Node makes keys as objects only; the raw 32 bytes are the end of their PKCS #8 form. */
function rawPrivate(kind: "ed25519" | "x25519"): Uint8Array {
  const { privateKey: made } =
    kind === "ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("x25519");
  return made.export({ format: "der", type: "pkcs8" }).subarray(-32);
}

function privateKey(prefix: Buffer, raw: string) {
  return createPrivateKey({ key: Buffer.concat([prefix, bytesOf(raw)]), format: "der", type: "pkcs8" });
}

function rawPublic(key: ReturnType<typeof privateKey>): Uint8Array {
  return createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
}

function bytesOf(text: string): Uint8Array {
  return fromBase64(text) ?? new Uint8Array();
}

const raw = (length: number) =>
  z.string().refine((text) => fromBase64(text)?.length === length, `not ${length} bytes`);
const tokenLength = 16;
const keptKeys = z.object({
  version: z.literal(1),
  identity: raw(32),
  session: raw(32),
  token: raw(tokenLength),
});
type Kept = z.infer<typeof keptKeys>;
const ed25519Prefix = Buffer.from("302e020100300506032b657004220420", "hex");
const x25519Prefix = Buffer.from("302e020100300506032b656e04220420", "hex");
