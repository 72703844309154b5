/** Keys, signatures and derivations of the engine, on Node's cryptography and the addon's. */
import type { KeyObject } from "node:crypto";
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  randomBytes,
  sign,
  verify,
} from "node:crypto";
import type { Cryptography } from "../../drivers/dataplane.ts";
import { concatBytes, fromBase64, toBase64, toBase64Url, toUtf8 } from "../../src-shared/bytes.ts";
import type { IdentityKey, NetworkId, SessionKey } from "../../src-shared/ids.ts";
import { identityKey, networkId, sessionKey } from "../../src-shared/ids.ts";
import type { Entry, EntryKind, Notary, Signed } from "../../src-shared/trust.ts";
import { parseBody, signedBytes } from "../../src-shared/trust.ts";
import { packBody, unpackBody } from "./packed-body.ts";

/** An Ed25519 key that signs; made from a 32-byte seed. */
export interface SigningKey {
  readonly seed: Uint8Array;
  readonly key: IdentityKey;
  /** Signature over bytes, base64. */
  readonly sign: (bytes: Uint8Array) => string;
}

/** A node's X25519 pair in one network, base64. */
export interface SessionPair {
  readonly privateKey: string;
  readonly publicKey: SessionKey;
}

/** The Ed25519 key of a seed. */
export function signingKey(seed: Uint8Array): SigningKey {
  const privateKey = createPrivateKey({
    key: Buffer.concat([pkcs8Prefix, seed]),
    format: "der",
    type: "pkcs8",
  });
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return {
    seed,
    key: identityKey.parse(toBase64(spki.subarray(spki.length - 32))),
    sign: (bytes) => toBase64(sign(null, bytes, privateKey)),
  };
}

/** A fresh Ed25519 key. */
export function newSigningKey(): SigningKey {
  return signingKey(randomBytes(32));
}

/** A fresh X25519 pair. */
export function newSessionPair(cryptography: Cryptography): SessionPair {
  return sessionPair(cryptography, toBase64(randomBytes(32)));
}

/** The X25519 pair of a private key. */
export function sessionPair(cryptography: Cryptography, privateKey: string): SessionPair {
  return { privateKey, publicKey: sessionKey.parse(cryptography.publicKey(privateKey)) };
}

/** Signs an entry's body; the text made here is what travels: JSON, of a policy packed where it is long. */
export function signEntry(kind: EntryKind, body: object, key: SigningKey): Signed {
  const json = JSON.stringify(body);
  const text = kind === "policy" ? packBody(json) : json;
  return { kind, body: text, key: key.key, signature: key.sign(signedBytes(kind, text)) };
}

/** Checks entries by Node's Ed25519; results are kept, since the same entries arrive again and again. */
export function createNotary(): Notary {
  const [small, large] = [new Map<string, Entry>(), new Map<string, Entry>()];
  const verifyEntry = (signed: Signed): Entry | null => {
    const bytes = signedBytes(signed.kind, signed.body);
    const hash = sha256Base64(concatBytes(bytes, toUtf8(signed.key), toUtf8(signed.signature)));
    const [known, most] = signed.body.length < leastLarge ? [small, mostKnown] : [large, mostLarge];
    const seen = known.get(hash);
    if (seen !== undefined) return seen;
    if (!verifySignature(signed.key, bytes, signed.signature)) return null;
    const text = signed.kind === "policy" ? unpackBody(signed.body) : signed.body;
    const body = text === null ? null : parseBody(signed.kind, text);
    if (body === null) return null;
    const entry = { kind: signed.kind, body, signer: signed.key, hash, signed } as Entry;
    if (known.size >= most) known.clear();
    known.set(hash, entry);
    return entry;
  };
  return {
    verify: verifyEntry,
    verifyBytes: verifySignature,
    hash: sha256Base64,
  };
}

/** Whether an Ed25519 signature (base64) of a key (base64) covers the bytes. Never throws. */
export function verifySignature(key: string, bytes: Uint8Array, signature: string): boolean {
  const publicKey = publicKeyObject(key);
  const signatureBytes = fromBase64(signature);
  if (publicKey === null || signatureBytes?.length !== 64) return false;
  return verify(null, bytes, publicKey, signatureBytes);
}

/** SHA-256. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

/** SHA-256 in base64. */
export function sha256Base64(bytes: Uint8Array): string {
  return toBase64(sha256(bytes));
}

/** Id of the network that an issuer key makes. */
export function networkIdOf(issuer: IdentityKey): NetworkId {
  return networkId.parse(toBase64Url(sha256(fromBase64(issuer) ?? new Uint8Array())));
}

/** Noise prologue of a network: its id, base64. */
export function networkPrologue(network: NetworkId): string {
  return toBase64(fromBase64(network) ?? new Uint8Array(32));
}

/** Noise prologue of a router's sessions: SHA-256("router" ‖ identity). */
export function routerPrologue(identity: IdentityKey): string {
  return sha256Base64(concatBytes(toUtf8("router"), fromBase64(identity) ?? new Uint8Array()));
}

/** HKDF-SHA256 without salt, 32 bytes. */
export function derive(secret: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, new Uint8Array(), purpose, 32));
}

/** The header id of an epoch key: first byte of HKDF(key, "id"), never 0. */
export function epochId(key: Uint8Array): number {
  return derive(key, "id")[0] || 1;
}

/** The mask key of an epoch key or of a router's session key, base64: by it datagrams are recognised, and nothing read. */
export function maskKey(key: Uint8Array): string {
  return toBase64(derive(key, "mask"));
}

/** What name and secret derive: protocol §1. Takes about 0.2 s. */
export async function deriveFromSecret(
  cryptography: Cryptography,
  name: string,
  secret: string,
): Promise<{ readonly issuer: SigningKey; readonly epoch: Uint8Array; readonly network: NetworkId }> {
  const salt = sha256(toUtf8(`starmesh/1 name${name.normalize("NFC")}`)).subarray(0, 16);
  const seed = await cryptography.argon2id(toUtf8(secret.normalize("NFC")), salt);
  const issuer = signingKey(derive(seed, "issuer"));
  return { issuer, epoch: derive(seed, "epoch"), network: networkIdOf(issuer.key) };
}

/** The X25519 private key to which an invite's epoch envelope is sealed, base64. */
export function inviteSealKey(seed: Uint8Array): string {
  return toBase64(derive(seed, "seal"));
}

/** A secret nobody guesses and anybody can type: 5 groups of 4 letters and digits, 100 bits. */
export function newSecret(): string {
  const characters = [...randomBytes(20)].map((byte) => secretAlphabet[byte & 31] ?? "");
  return [0, 4, 8, 12, 16].map((at) => characters.slice(at, at + 4).join("")).join("-");
}

/** Whether guessing a chosen secret is cheap: fewer than 60 bits by its length and kinds of characters. */
export function isWeakSecret(secret: string): boolean {
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^a-zA-Z0-9]/].filter((kind) => kind.test(secret)).length;
  const distinct = new Set(secret).size;
  return Math.min(secret.length, distinct * 2) * Math.log2([1, 26, 40, 62, 80][kinds] ?? 26) < 60;
}

function publicKeyObject(key: string): KeyObject | null {
  const bytes = fromBase64(key);
  if (bytes?.length !== 32) return null;
  return createPublicKey({ key: Buffer.concat([spkiPrefix, bytes]), format: "der", type: "spki" });
}

const pkcs8Prefix = Buffer.from("302e020100300506032b657004220420", "hex");
const spkiPrefix = Buffer.from("302a300506032b6570032100", "hex");
const secretAlphabet = "abcdefghijkmnpqrstuvwxyz23456789";
const mostKnown = 50_000;
/** Few entries are as long as this, and those that anybody can make up shall not fill the memory. */
const leastLarge = 16_384;
const mostLarge = 64;
