// @ts-check
/** The licences of all that is built into what we ship: npm packages in bundles and pages, crates in the compiled parts. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cargoPath } from "../build.mjs";
import { run, StepFailed } from "../command.mjs";
import { ROOT } from "../root.mjs";

/** @typedef {import("./targets.mjs").Target} Target */
/** Something that others wrote. `texts`: its licence files. @typedef {{ name: string, licence: string, texts: string[] }} Part */

/**
 * One text that names every part, and gives each licence once with the parts that it is for.
 * @param {Target} target
 * @returns {Promise<string>}
 */
export async function thirdPartyText(target) {
  const parts = [...npmParts(), ...(await crateParts(target))];
  /** @type {Map<string, string[]>} */
  const byText = new Map();
  for (const { name, texts } of parts) {
    for (const text of texts) byText.set(text, [...(byText.get(text) ?? []), name]);
  }
  const list = parts.map(({ name, licence }) => `${name}: ${licence}`);
  const licences = [...byText].map(([text, names]) => `${LINE}\n${names.join(", ")}\n\n${text.trim()}\n`);
  return `Starmesh holds the work of others, under these licences:\n\n${list.join("\n")}\n\n${licences.join("\n")}`;
}

/**
 * What the bundles and the pages are made of: the packages of run time, and those that the pages import, with all they need.
 * @returns {Part[]}
 */
export function npmParts() {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  /** @type {Set<string>} */
  const found = new Set();
  const waiting = [...Object.keys(dependencies), ...importedByPages()];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const file = join(ROOT, "node_modules", name, "package.json");
    // An optional package for another system is not installed; its licence is its main package's.
    if (found.has(name) || !existsSync(file)) continue;
    found.add(name);
    waiting.push(...Object.keys(JSON.parse(readFileSync(file, "utf8")).dependencies ?? {}));
  }
  return [...found].sort().map((name) => {
    const folder = join(ROOT, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return { name: `${name} ${version}`, licence: license ?? "see its text", texts: licenceTexts(folder) };
  });
}

/** @returns {Set<string>} */
function importedByPages() {
  const folder = join(ROOT, "src-renderer");
  const files = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => /\.tsx?$/.test(name));
  const names = files.flatMap((name) =>
    [
      ...readFileSync(join(folder, name), "utf8").matchAll(
        /from "((?:@[\w-]+\/)?[\w-]+)|import "((?:@[\w-]+\/)?[\w-]+)/g,
      ),
    ].map(([, from, alone]) => from ?? alone ?? ""),
  );
  return new Set(names.filter((name) => existsSync(join(ROOT, "node_modules", name, "package.json"))));
}

/**
 * @param {Target} target
 * @returns {Promise<Part[]>}
 */
async function crateParts(target) {
  const cargo = cargoPath();
  if (!cargo) return [];
  /** @type {Map<string, Part>} */
  const parts = new Map();
  for (const crate of ["drivers/dataplane", "drivers/helper"]) {
    const manifest = join(ROOT, crate, "Cargo.toml");
    if (existsSync(manifest))
      for (const part of await partsOf(cargo, manifest, target)) parts.set(part.name, part);
  }
  return [...parts.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * @param {string} cargo
 * @param {string} manifest
 * @param {Target} target
 * @returns {Promise<Part[]>}
 */
async function partsOf(cargo, manifest, { platform, arch }) {
  const triple = `${arch === "x64" ? "x86_64" : "aarch64"}-${TRIPLES[platform]}`;
  const only = ["--filter-platform", triple, "--manifest-path", manifest];
  const args = ["metadata", "--format-version", "1", "--locked", ...only];
  const { code, output } = await run(cargo, args);
  const start = output.indexOf('{"packages"');
  if (code !== 0 || start < 0) throw new StepFailed(`cargo metadata failed:\n${output.slice(0, 2000)}`);
  /** @type {{ packages: { id: string, name: string, version: string, license: string | null, manifest_path: string,
   *   source: string | null }[], resolve: { root: string, nodes: { id: string,
   *   deps: { pkg: string, dep_kinds: { kind: string | null }[] }[] }[] } }} */
  const { packages, resolve } = JSON.parse(output.slice(start));
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  /** @type {Set<string>} */
  const found = new Set();
  const waiting = [resolve.root];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    // What only builds or tests is not in what is shipped.
    const needed = nodes.get(id)?.deps.filter(({ dep_kinds }) => dep_kinds.some(({ kind }) => kind === null));
    waiting.push(...(needed ?? []).map(({ pkg }) => pkg));
  }
  return packages
    .filter(({ id, source }) => source !== null && found.has(id))
    .map(({ name, version, license, manifest_path }) => ({
      name: `${name} ${version} (Rust)`,
      licence: license ?? "see its text",
      texts: licenceTexts(dirname(manifest_path)),
    }));
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function licenceTexts(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /^(licen[cs]e|copying|notice|unlicense)/i.test(entry.name))
    .map((entry) => readFileSync(join(folder, entry.name), "utf8"));
}

/** As Rust calls the systems. @type {Readonly<Record<import("./targets.mjs").Platform, string>>} */
const TRIPLES = { linux: "unknown-linux-gnu", win32: "pc-windows-msvc", darwin: "apple-darwin" };
const LINE = "-".repeat(80);
