// @ts-check
/** Windows' network driver, from its official archive: fetched and checked when packages are made, never before. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { find, run } from "../command.mjs";
import { ROOT } from "../root.mjs";

/** @typedef {import("./targets.mjs").Architecture} Architecture */

/** The one release that is packed. */
export const WINTUN = {
  version: "0.14.1",
  url: "https://www.wintun.net/builds/wintun-0.14.1.zip",
  sha256: "07c256185d6ee3652e09fa55c0b673e2624b565e02c4b9091c79ca7d2f24ef51",
};

/**
 * Lays wintun.dll and its licence for a processor into `out/wintun/ARCH`.
 * @param {Architecture} arch
 * @returns {Promise<string | null>} why it could not; null: it is there
 */
export async function layWintun(arch) {
  const archive = join(ROOT, "out/dist-cache", `wintun-${WINTUN.version}.zip`);
  const folder = join(ROOT, "out/wintun", arch);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  if (!existsSync(archive)) {
    const why = await download(WINTUN.url, archive);
    if (why !== null) return `wintun.dll cannot be fetched from ${new URL(WINTUN.url).host}: ${why}`;
  }
  if (!isArchive(readFileSync(archive), WINTUN.sha256)) {
    rmSync(archive);
    return `wintun-${WINTUN.version}.zip is not the official archive: its SHA-256 differs`;
  }
  return unpackWintun(archive, arch, folder);
}

/**
 * Takes the library for a processor, and the licence, out of the archive.
 * @param {string} archive
 * @param {Architecture} arch
 * @param {string} folder
 * @returns {Promise<string | null>} why it could not
 */
export async function unpackWintun(archive, arch, folder) {
  const dll = `wintun/bin/${FOLDERS[arch]}/wintun.dll`;
  const licence = "wintun/LICENSE.txt";
  const all = join(folder, "all");
  // Windows' own tar reads zip archives; elsewhere unzip does.
  const unzip = process.platform === "win32" ? undefined : find("unzip");
  const { code, output } = unzip
    ? await run(unzip, ["-q", "-o", archive, dll, licence, "-d", all])
    : await run("tar", ["-xf", archive, "-C", mustBe(all), dll, licence]);
  if (code !== 0) return `wintun's archive cannot be read: ${output.trim().split("\n")[0]}`;
  writeFileSync(join(folder, "wintun.dll"), readFileSync(join(all, dll)));
  writeFileSync(join(folder, "wintun-license.txt"), readFileSync(join(all, licence)));
  rmSync(all, { recursive: true });
  return null;
}

/**
 * @param {Uint8Array} bytes
 * @param {string} sha256
 */
export function isArchive(bytes, sha256) {
  return createHash("sha256").update(bytes).digest("hex") === sha256;
}

/**
 * @param {string} url
 * @param {string} file
 * @returns {Promise<string | null>} why it could not
 */
async function download(url, file) {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(60_000) });
    if (!answer.ok) return `it answered ${answer.status}`;
    const bytes = new Uint8Array(await answer.arrayBuffer());
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
    return null;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : error;
    return `${cause instanceof Error ? cause.message : cause}`;
  }
}

/** @param {string} folder */
function mustBe(folder) {
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** What the archive calls the processors. @type {Readonly<Record<Architecture, string>>} */
const FOLDERS = { x64: "amd64", arm64: "arm64" };
