// @ts-check
/** The npm packages that run beside the bundles: which ones, and their files for any system, checked against the lock. */
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import { find, run, StepFailed } from "../command.mjs";
import { ROOT } from "../root.mjs";

/** @typedef {import("./targets.mjs").Target} Target */
/** An entry of package-lock.json.
 * @typedef {{ version: string, integrity: string, license?: string, os?: readonly string[], cpu?: readonly string[],
 *   optional?: boolean, dependencies?: Readonly<Record<string, string>>,
 *   optionalDependencies?: Readonly<Record<string, string>> }} Entry */
/** A package with its exact version. @typedef {{ name: string, version: string, integrity: string }} Package */

/** What the bundles leave out (scripts/build.mjs): native code, and one library that cannot be bundled. */
export const EXTERNAL = ["koffi", "libsql", "selfsigned"];

/**
 * The packages that a system needs at run time: the external ones and all that they need, with the natives of that
 * system alone.
 * @param {Target} target
 * @param {Readonly<Record<string, Entry>>} [lock]
 * @returns {Package[]}
 */
export function runtimePackages(target, lock = readLock()) {
  /** @type {Map<string, Package>} */
  const found = new Map();
  const waiting = [...EXTERNAL];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const entry = lock[`node_modules/${name}`];
    if (found.has(name) || !entry || !runsOn(name, entry, target)) continue;
    found.set(name, { name, version: entry.version, integrity: entry.integrity });
    waiting.push(...Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }));
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Lays a package's files into a `node_modules`: from the installed ones, or from the registry for another system.
 * @param {Package} wanted
 * @param {string} nodeModules
 */
export async function layPackage(wanted, nodeModules) {
  const installed = join(ROOT, "node_modules", wanted.name);
  const from = existsSync(join(installed, "package.json")) ? installed : await fetchPackage(wanted);
  cpSync(from, join(nodeModules, wanted.name), {
    recursive: true,
    filter: (path) => isNeeded(path.slice(from.length).split(sep).slice(1)),
  });
}

/**
 * A package from the registry, kept for the next time. Refuses one whose content is not what the lock says.
 * @param {Package} wanted
 * @returns {Promise<string>} its folder
 */
export async function fetchPackage({ name, version, integrity }) {
  const folder = join(ROOT, "out/dist-cache", `${name.replace("/", "+")}-${version}`);
  if (existsSync(folder)) return folder;
  const npm = find("npm");
  if (!npm) throw new StepFailed("npm is missing: it comes with Node from nodejs.org");
  const packed = `${folder}.packed`;
  rmSync(packed, { recursive: true, force: true });
  mkdirSync(packed, { recursive: true });
  const { code, output } = await run(npm, ["pack", "--silent", `${name}@${version}`], { cwd: packed });
  if (code !== 0) throw new StepFailed(`${name}@${version} cannot be fetched:\n${output}`);
  const archive = join(packed, basename(output.trim().split("\n").at(-1) ?? ""));
  if (!hasIntegrity(readFileSync(archive), integrity)) {
    throw new StepFailed(`${name}@${version} is not what the lock says: its hash differs`);
  }
  const untarred = await run("tar", ["-xzf", archive, "-C", packed]);
  if (untarred.code !== 0) throw new StepFailed(untarred.output);
  mkdirSync(dirname(folder), { recursive: true });
  renameSync(join(packed, "package"), folder);
  rmSync(packed, { recursive: true, force: true });
  return folder;
}

/**
 * Whether bytes have the hash that npm's locks write as `sha512-BASE64`.
 * @param {Uint8Array} bytes
 * @param {string} integrity
 */
export function hasIntegrity(bytes, integrity) {
  return integrity === `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
}

/** @returns {Readonly<Record<string, Entry>>} */
function readLock() {
  return JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")).packages;
}

/**
 * @param {string} name
 * @param {Entry} entry
 * @param {Target} target
 */
function runsOn(name, entry, { platform, arch }) {
  // The data plane is built against glibc, so the packages are for systems that have it.
  if (/-musl/.test(name)) return false;
  // A package for all systems names them, too.
  return (
    entry.optional !== true ||
    ((entry.os ?? [platform]).includes(platform) && (entry.cpu ?? [arch]).includes(arch))
  );
}

/**
 * Leaves out what is read by compilers and people only, but never a licence.
 * @param {readonly string[]} path relative to the package
 */
function isNeeded(path) {
  const [top = ""] = path;
  const name = path.at(-1) ?? "";
  if (/^(licen[cs]e|copying|notice)/i.test(name)) return true;
  if (["doc", "docs", "test", "tests", "vendor", "cnoke.cjs"].includes(top)) return false;
  return !/\.(md|map|ts|mts|cts|cc|hh|cpp|h|c|S|asm|txt|tsbuildinfo)$/.test(name);
}
