// @ts-check
/** The desktop packages, by electron-builder: its configuration for this machine, its tools, and the calls. */
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { find, run, StepFailed } from "../command.mjs";
import { ROOT } from "../root.mjs";
import { changesOf, versionHere } from "./changes.mjs";
import { thirdPartyText } from "./licences.mjs";
import { fetchNode } from "./node.mjs";
import { layTree } from "./tree.mjs";
import { layUpdateKey } from "./updates.mjs";

/** @typedef {import("./targets.mjs").Target} Target */
/** What a package is made with: Electron itself, or Node in its place, to look into the package and run its command line.
 * @typedef {"electron" | "stand-in"} Inside */

const PACKAGING = join(ROOT, "packaging");
const PACKAGE = join(ROOT, "out/package");

/** Installs electron-builder, apart from what builds and tests, unless it is there. */
export async function installBuilder() {
  const installed = join(PACKAGING, "node_modules/electron-builder/package.json");
  const { devDependencies } = JSON.parse(readFileSync(join(PACKAGING, "package.json"), "utf8"));
  if (existsSync(installed)) {
    const { version } = JSON.parse(readFileSync(installed, "utf8"));
    if (version === devDependencies["electron-builder"]) return;
  }
  const npm = find("npm");
  if (!npm) throw new StepFailed("npm is missing: it comes with Node from nodejs.org");
  const { code, output } = await run(npm, ["ci", "--loglevel=error", "--no-progress", "--ignore-scripts"], {
    cwd: PACKAGING,
  });
  if (code !== 0) throw new StepFailed(`npm ci in packaging/ failed:\n${output}`);
}

/**
 * The configuration as electron-builder takes it.
 * @returns {Promise<Record<string, unknown>>}
 */
export async function readConfiguration() {
  const { parse } = await import("yaml");
  return parse(readFileSync(join(ROOT, "electron-builder.yml"), "utf8"));
}

/**
 * What the builder's schema says against a configuration.
 * @param {Record<string, unknown>} configuration
 * @returns {string[]} nothing: it fits
 */
export function schemaErrors(configuration) {
  const Ajv = ofBuilder("ajv").default;
  const ajv = new Ajv({ allErrors: true, strict: false, allowUnionTypes: true });
  const fits = ajv.compile(ofBuilder("app-builder-lib/scheme.json"));
  if (fits(configuration)) return [];
  return fits.errors.map(
    (/** @type {{ instancePath: string, message: string, params: object }} */ each) =>
      `${each.instancePath || "/"} ${each.message} ${JSON.stringify(each.params)}`,
  );
}

/**
 * Where Electron lies on this machine, if it does.
 * @returns {string | undefined}
 */
export function electronFolder() {
  const folder = process.env["ELECTRON_OVERRIDE_DIST_PATH"] ?? join(ROOT, "node_modules/electron/dist");
  return existsSync(join(folder, "version")) ? folder : undefined;
}

/**
 * Lays a folder that electron-builder takes for Electron, with Node in its place.
 * @param {Target} target
 * @returns {Promise<string>}
 */
export async function layStandIn(target) {
  const folder = join(ROOT, "out/stand-in", `${target.platform}-${target.arch}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "resources"), { recursive: true });
  const electron = JSON.parse(readFileSync(join(ROOT, "node_modules/electron/package.json"), "utf8"));
  writeFileSync(join(folder, "version"), electron.version);
  cpSync(join(ROOT, "node_modules/electron/LICENSE"), join(folder, "LICENSE"));
  writeFileSync(join(folder, "LICENSES.chromium.html"), "");
  mkdirSync(join(folder, "locales"));
  for (const language of ["de", "en-US", "zh-CN"]) writeFileSync(join(folder, `locales/${language}.pak`), "");
  await packEmptyArchive(join(folder, "resources/default_app.asar"));
  if (target.platform === "win32") {
    const node = join(await fetchNode(target), "bin/node.exe");
    writeFileSync(join(folder, "electron.exe"), withoutSignature(readFileSync(node)));
  } else {
    // Ends up as /opt/Starmesh/starmesh-desktop; the Node of the machine that looks into the package runs.
    writeFileSync(join(folder, "electron"), '#!/bin/sh\nexec node "$@"\n');
    chmodSync(join(folder, "electron"), 0o755);
    writeFileSync(join(folder, "chrome-sandbox"), "");
  }
  return folder;
}

/**
 * Makes packages of some kinds for a system.
 * @param {Target} target
 * @param {readonly string[]} kinds as electron-builder calls them: `deb`, `zip`, …
 * @param {{ inside: Inside, output: string }} how
 * @returns {Promise<{ lacks: string[], failed: string | null }>}
 */
export async function makeDesktop(target, kinds, { inside, output }) {
  const { lacks } = await layTree(target, PACKAGE);
  writeFileSync(join(PACKAGE, "THIRD-PARTY.txt"), await thirdPartyText(target));
  /** @type {Record<string, unknown>} */
  const configuration = {
    ...(await readConfiguration()),
    directories: { app: "out/package", output },
    releaseInfo: { releaseNotes: changesOf(versionHere()) },
  };
  if (inside === "stand-in") {
    // The switches of Electron's binary are set in Electron's binary alone.
    Object.assign(configuration, { electronDist: await layStandIn(target), afterPack: null });
  } else if (electronFolder() !== undefined) {
    Object.assign(configuration, { electronDist: electronFolder() });
  }
  const [owner, repo] = (process.env["GITHUB_REPOSITORY"] ?? "").split("/");
  // Where releases are made, the app learns where to ask for newer ones.
  if (owner && repo) Object.assign(configuration, { publish: { provider: "github", owner, repo } });
  const updateKey = process.env["STARMESH_UPDATE_KEY"];
  if (updateKey) {
    // By it the app knows who made a newer version; without it, it takes none.
    layUpdateKey(updateKey, join(ROOT, "out/update-key"));
    const others = /** @type {readonly object[]} */ (configuration["extraResources"] ?? []);
    configuration["extraResources"] = [...others, { from: "out/update-key", to: "." }];
  }
  const file = join(ROOT, "out/electron-builder.json");
  writeFileSync(file, JSON.stringify(configuration));
  const cli = join(PACKAGING, "node_modules/electron-builder/cli.js");
  const flags = [`--${PLATFORMS[target.platform]}`, ...kinds, `--${target.arch}`, "--publish", "never"];
  const { code, output: said } = await run(process.execPath, [cli, ...flags, "--config", file], {
    cwd: ROOT,
    env: tools(),
    priority: 5,
  });
  return { lacks, failed: code === 0 ? null : said };
}

/** The system's own tools instead of downloads, where they are installed. */
function tools() {
  /** @type {NodeJS.ProcessEnv} */
  const env = { CUSTOM_FPM_PATH: join(ROOT, "scripts/dist/fpm.mjs") };
  const sevenZip = find("7za") ?? find("7z");
  if (process.platform === "linux" && sevenZip) env["ELECTRON_BUILDER_7ZIP_PATH"] = sevenZip;
  // A recipe names secrets also where there are none; what is empty would be taken for a certificate.
  for (const name of SECRETS) if (process.env[name] === "") env[name] = undefined;
  return env;
}

/**
 * A package that electron-builder uses itself.
 * @param {string} name
 */
function ofBuilder(name) {
  return createRequire(join(PACKAGING, "node_modules/app-builder-lib/package.json"))(name);
}

/**
 * Electron comes unsigned, and the builder takes nothing else.
 * @param {Buffer} program
 */
function withoutSignature(program) {
  const { NtExecutable } = ofBuilder("pe-library");
  return Buffer.from(NtExecutable.from(program, { ignoreCert: true }).generate());
}

/** @param {string} file */
async function packEmptyArchive(file) {
  const asar = ofBuilder("@electron/asar");
  const empty = join(ROOT, "out/stand-in/empty");
  mkdirSync(empty, { recursive: true });
  writeFileSync(join(empty, "package.json"), '{"main":"main.js"}');
  await asar.createPackage(empty, file);
}

const SECRETS = ["CSC_LINK", "CSC_KEY_PASSWORD", "APPLE_ID", "APPLE_APP_SPECIFIC_PASSWORD", "APPLE_TEAM_ID"];
/** @type {Readonly<Record<import("./targets.mjs").Platform, string>>} */
const PLATFORMS = { linux: "linux", win32: "win", darwin: "mac" };
