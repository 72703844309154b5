// @ts-check
/** Signs what a feed says of a new version; apps of a release take no version without it. */
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";

/**
 * Lays the public half of the key where the package takes it from.
 * @param {string} key private key (Ed25519), PEM
 * @param {string} folder
 */
export function layUpdateKey(key, folder) {
  mkdirSync(folder, { recursive: true });
  const half = createPublicKey(createPrivateKey(key)).export({ type: "spki", format: "pem" });
  writeFileSync(join(folder, "update-key.pem"), half);
}

/**
 * Signs the descriptions in a folder of packages, `latest….yml`.
 * @param {string} key private key (Ed25519), PEM
 * @param {string} folder
 */
export function signUpdates(key, folder) {
  for (const name of readdirSync(folder).filter((each) => /^latest.*\.yml$/.test(each))) {
    const update = parse(readFileSync(join(folder, name), "utf8"));
    const signature = sign(null, Buffer.from(signedText(update)), createPrivateKey(key));
    writeFileSync(join(folder, name), stringify({ ...update, signature: signature.toString("base64") }));
  }
}

/**
 * As src-main/shell/update-signature.ts has it.
 * @param {{ version: string, files: readonly { url: string, sha512: string }[] }} update
 */
function signedText({ version, files }) {
  const lines = files.map(({ url, sha512 }) => `${sha512} ${url}`).sort();
  return ["starmesh update 1", version, ...lines].join("\n");
}
