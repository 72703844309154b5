// @ts-check
/** Signs what a feed says of a new version; apps of a release take no version without it. */
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
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
 * @param {RegExp} [which] their names
 */
export function signUpdates(key, folder, which = /^latest.*\.yml$/) {
  for (const name of readdirSync(folder).filter((each) => which.test(each))) {
    const update = parse(readFileSync(join(folder, name), "utf8"));
    const signature = sign(null, Buffer.from(signedText(update)), createPrivateKey(key));
    writeFileSync(join(folder, name), stringify({ ...update, signature: signature.toString("base64") }));
  }
}

/**
 * Makes one description, `latest-mac.yml`, of those of macOS' processors, `latest-mac-ARCH.yml`, which were made on two machines.
 * @param {string | undefined} key private key (Ed25519), PEM; without one it is not signed
 * @param {string} folder
 */
export function joinMacUpdates(key, folder) {
  const names = readdirSync(folder)
    .filter((each) => /^latest-mac-.+\.yml$/.test(each))
    .sort();
  const updates = names.map((name) => parse(readFileSync(join(folder, name), "utf8")));
  const [first] = updates;
  if (first === undefined) return;
  const { signature: _, ...joined } = { ...first, files: updates.flatMap(({ files }) => files) };
  for (const name of names) rmSync(join(folder, name));
  writeFileSync(join(folder, "latest-mac.yml"), stringify(joined));
  if (key) signUpdates(key, folder, /^latest-mac\.yml$/);
}

/**
 * As src-main/shell/update-signature.ts has it.
 * @param {{ version: string, files: readonly { url: string, sha512: string }[], releaseNotes?: string }} update
 */
function signedText({ version, files, releaseNotes }) {
  const lines = files.map(({ url, sha512 }) => `${sha512} ${url}`).sort();
  const notes = releaseNotes === undefined ? [] : ["", releaseNotes];
  return ["starmesh update 1", version, ...lines, ...notes].join("\n");
}

// `node scripts/dist/updates.mjs FOLDER`, where the packages of all machines have come together.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  joinMacUpdates(process.env["STARMESH_UPDATE_KEY"], process.argv[2] ?? ".");
}
