/** Real Ed25519 for tests: keys, signatures and the notary that checks them, on Node's cryptography alone. */
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify } from "node:crypto";
import { concatBytes, fromBase64, toBase64, toBase64Url, toUtf8 } from "../../src-shared/bytes.ts";
import type { IdentityKey, NetworkId, SessionKey } from "../../src-shared/ids.ts";
import { identityKey, networkId, sessionKey } from "../../src-shared/ids.ts";
import type { Entry, EntryKind, Notary, Signed } from "../../src-shared/trust.ts";
import { parseBody, signedBytes } from "../../src-shared/trust.ts";

/** A key that signs. */
export interface TestSigner {
  readonly key: IdentityKey;
  readonly sign: (bytes: Uint8Array) => string;
}

/** The signer of a seed; a fresh one without. */
export function testSigner(seed: Uint8Array = randomBytes(32)): TestSigner {
  const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8, seed]), format: "der", type: "pkcs8" });
  const raw = createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32);
  return { key: identityKey.parse(toBase64(raw)), sign: (bytes) => toBase64(sign(null, bytes, privateKey)) };
}

/** A session key nobody holds the private half of. */
export function testSessionKey(): SessionKey {
  return sessionKey.parse(toBase64(randomBytes(32)));
}

/** Signs an entry. */
export function testEntry(kind: EntryKind, body: object, signer: TestSigner): Signed {
  const text = JSON.stringify(body);
  return { kind, body: text, key: signer.key, signature: signer.sign(signedBytes(kind, text)) };
}

/** Id of the network of an issuer key. */
export function testNetworkId(issuer: IdentityKey): NetworkId {
  return networkId.parse(toBase64Url(sha256(bytesOf(issuer))));
}

export function createTestNotary(): Notary {
  const verifyBytes = (key: string, bytes: Uint8Array, signature: string) => {
    const raw = bytesOf(key);
    if (raw.length !== 32) return false;
    const publicKey = createPublicKey({ key: Buffer.concat([spki, raw]), format: "der", type: "spki" });
    return verify(null, bytes, publicKey, bytesOf(signature));
  };
  return {
    verify: (signed): Entry | null => {
      const bytes = signedBytes(signed.kind, signed.body);
      const body = verifyBytes(signed.key, bytes, signed.signature)
        ? parseBody(signed.kind, signed.body)
        : null;
      if (body === null) return null;
      const hash = toBase64(sha256(concatBytes(bytes, toUtf8(signed.key), toUtf8(signed.signature))));
      return { kind: signed.kind, body, signer: signed.key, hash, signed } as Entry;
    },
    verifyBytes,
    hash: (bytes) => toBase64(sha256(bytes)),
  };
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

function bytesOf(text: string): Uint8Array {
  return fromBase64(text) ?? new Uint8Array();
}

const pkcs8 = Buffer.from("302e020100300506032b657004220420", "hex");
const spki = Buffer.from("302a300506032b6570032100", "hex");
