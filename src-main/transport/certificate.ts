/** The TLS certificate of the router's TCP port: the user's own files, or a self-signed one that renews itself. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { AppError } from "../../src-shared/errors.ts";
import type { Millis } from "../../src-shared/ids.ts";
import { readOwnFile, writeOwnFile } from "./own-file.ts";

/** PEM texts. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions {
  readonly folder: string;
  /** Paths of the user's PEM files; absent: self-signed. */
  readonly files?: { readonly cert: string; readonly key: string };
}

/**
 * The certificate to serve now. Asked again from time to time: files are read afresh, a self-signed one that ends
 * within 30 days is replaced. Nobody's trust hangs on it: nodes pin the router's identity.
 * Throws `usage` for files that do not serve.
 */
export async function loadCertificate(options: CertificateOptions, now: Millis): Promise<TlsPair> {
  if (options.files !== undefined) return loadFiles(options.files);
  const certPath = join(options.folder, "router-tls.crt");
  const keyPath = join(options.folder, "router-tls.key");
  const [cert, key] = await Promise.all([readOwnFile(certPath), readOwnFile(keyPath)]);
  if (cert !== null && key !== null && serves({ cert, key }) && endOf(cert) - now > renewBefore)
    return { cert, key };
  const pair = await makeSelfSigned(now);
  await writeOwnFile(keyPath, pair.key);
  await writeOwnFile(certPath, pair.cert);
  return pair;
}

/** Whether DTLS can show it: its key is one of ECDSA on P-256 or P-384. */
export function servesDtls({ key }: TlsPair): boolean {
  const { namedCurve = "" } = createPrivateKey(key).asymmetricKeyDetails ?? {};
  return namedCurve === "prime256v1" || namedCurve === "secp384r1";
}

async function loadFiles(files: { readonly cert: string; readonly key: string }): Promise<TlsPair> {
  const read = async (path: string) => {
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      throw new AppError("usage", {
        detail: `The file ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
      });
    }
  };
  const pair = { cert: await read(files.cert), key: await read(files.key) };
  if (serves(pair)) return pair;
  throw new AppError("usage", {
    detail: `${files.cert} and ${files.key} are not a PEM certificate and its private key.`,
  });
}

async function makeSelfSigned(now: Millis): Promise<TlsPair> {
  // Loaded only when one is made: it is large, and once a year is seldom.
  const { generate } = await import("selfsigned");
  const made = await generate([{ name: "commonName", value: "localhost" }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    // A clock that is somewhat behind still finds it valid.
    notBeforeDate: new Date(now - day),
    notAfterDate: new Date(now + lifetime),
  });
  return { cert: made.cert, key: made.private };
}

function serves(pair: TlsPair): boolean {
  try {
    createSecureContext(pair);
    return true;
  } catch {
    return false;
  }
}

function endOf(cert: string): Millis {
  return Date.parse(new X509Certificate(cert).validTo);
}

const day = 86_400_000;
const lifetime = 365 * day;
const renewBefore = 30 * day;
