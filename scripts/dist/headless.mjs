// @ts-check
/** The archive for servers: everything in one folder, with Node, and a script that installs it. */
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { find, run, StepFailed } from "../command.mjs";
import { ROOT } from "../root.mjs";
import { thirdPartyText } from "./licences.mjs";
import { fetchNode } from "./node.mjs";
import { nameOf } from "./targets.mjs";
import { layTree } from "./tree.mjs";

/** @typedef {import("./targets.mjs").Target} Target */

/**
 * Lays the folder of the archive: `bin/starmesh`, the tree in `lib`, services, `install.sh`.
 * @param {Target} target
 * @param {string} folder made anew
 * @returns {Promise<{ lacks: string[] }>} what this machine cannot build for that system
 */
export async function layHeadless(target, folder) {
  rmSync(folder, { recursive: true, force: true });
  const { lacks } = await layTree(target, join(folder, "lib"));
  // The window's parts: nobody opens one here.
  for (const name of ["out/app.js", "out/preload.cjs", "resources"]) {
    rmSync(join(folder, "lib", name), { recursive: true });
  }
  for (const [from, to, mode] of FILES) {
    const path = join(folder, to);
    mkdirSync(join(path, ".."), { recursive: true });
    copyFileSync(join(ROOT, from), path);
    chmodSync(path, mode);
  }
  return { lacks };
}

/**
 * Lays Node beside it, so that nothing has to be installed first.
 * @param {Target} target
 * @param {string} folder
 */
async function layNode(target, folder) {
  const from = await fetchNode(target);
  mkdirSync(join(folder, "node/bin"), { recursive: true });
  cpSync(join(from, "bin/node"), join(folder, "node/bin/node"));
  chmodSync(join(folder, "node/bin/node"), 0o755);
  cpSync(join(from, "LICENSE"), join(folder, "node/LICENSE"));
}

/**
 * The whole archive. The same content gives the same bytes.
 * @param {Target} target
 * @returns {Promise<{ file: string, folder: string, lacks: string[] }>} `folder`: what it holds, laid out
 */
export async function makeHeadless(target) {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const name = `starmesh-${version}-${nameOf(target)}`;
  const folder = join(ROOT, "out/headless", name);
  const { lacks } = await layHeadless(target, folder);
  await layNode(target, folder);
  writeFileSync(join(folder, "THIRD-PARTY.txt"), await thirdPartyText(target));
  const file = join(ROOT, "out/dist", `${name}.tar.gz`);
  mkdirSync(join(ROOT, "out/dist"), { recursive: true });
  const tar = find("tar");
  if (!tar) throw new StepFailed("tar is missing");
  const same = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
  const args = [...same, "-C", join(ROOT, "out/headless"), "-czf", file, name];
  const { code, output } = await run(tar, args);
  if (code !== 0) throw new StepFailed(`tar failed:\n${output}`);
  return { file, folder, lacks };
}

/** From the project, to the archive's folder. @type {readonly (readonly [string, string, number])[]} */
const FILES = [
  ["LICENSE", "LICENSE", 0o644],
  ["resources/headless/starmesh", "bin/starmesh", 0o755],
  ["resources/headless/install.sh", "install.sh", 0o755],
  ["resources/headless/starmesh.openrc", "services/starmesh.openrc", 0o755],
  ["resources/linux/starmesh@.service", "services/starmesh@.service", 0o644],
  ["resources/linux/starmesh-helper.service", "services/starmesh-helper.service", 0o644],
  ["resources/linux/starmesh-helper.socket", "services/starmesh-helper.socket", 0o644],
  ["resources/linux/starmesh.sysusers.conf", "services/starmesh.sysusers.conf", 0o644],
];
