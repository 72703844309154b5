// @ts-check
/** The tree of files that every package holds. It is laid out like the project, so that its parts find each other. */
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { StepFailed } from "../command.mjs";
import { ROOT } from "../root.mjs";
import { layPackage, runtimePackages } from "./packages.mjs";
import { thisMachine } from "./targets.mjs";

/** @typedef {import("./targets.mjs").Target} Target */

/**
 * Lays the tree for a system into a folder that is made anew. What is built must be built.
 * @param {Target} target
 * @param {string} folder
 * @returns {Promise<{ lacks: string[] }>} what this machine cannot build for that system
 */
export async function layTree(target, folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const packages = runtimePackages(target);
  for (const wanted of packages) await layPackage(wanted, join(folder, "node_modules"));
  for (const file of bundleFiles()) copy(file, folder);
  copy("out/renderer", folder);
  copy("resources/icons", folder);
  copy("LICENSE", folder);
  const lacks = [];
  for (const [file, name] of nativeFiles(target)) {
    const built = builtFile(target, file);
    if (built === null) lacks.push(name);
    else copy(built, folder, file);
  }
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(packageFile(packages), null, 2)}\n`);
  return { lacks };
}

/**
 * The bundles of the last build: the entries, and the chunks that they import, directly or through others.
 * @param {string} [folder] where they lie
 * @returns {string[]} relative to the project
 */
export function bundleFiles(folder = join(ROOT, "out")) {
  const found = new Set(["preload.cjs"]);
  const waiting = ["cli.js", "daemon.js", "app.js"];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name)) continue;
    const path = join(folder, name);
    if (!existsSync(path)) throw new StepFailed(`${path} is missing: npm run build makes it`);
    found.add(name);
    for (const [chunk] of readFileSync(path, "utf8").matchAll(/chunk-[A-Z0-9]{8}\.js/g)) waiting.push(chunk);
  }
  return [...found].map((name) => `out/${name}`).sort();
}

/**
 * What is compiled for each system: the file in the tree, and what it is to a person.
 * @param {Target} target
 * @returns {readonly (readonly [string, string])[]}
 */
function nativeFiles({ platform }) {
  /** @type {readonly [string, string]} */
  const addon = ["drivers/dataplane/starmesh-dataplane.node", "the data plane's addon"];
  return platform !== "win32" && existsSync(join(ROOT, "drivers/helper"))
    ? [addon, ["drivers/helper/starmesh-helper", "the privileged helper"]]
    : [addon];
}

/**
 * Where a compiled file lies: as built for this machine, or by `npm run build:windows` for that one.
 * @param {Target} target
 * @param {string} file
 */
function builtFile({ platform, arch }, file) {
  const here = thisMachine();
  const isHere = platform === here.platform && arch === here.arch;
  const built = isHere
    ? file
    : `out/${platform === "win32" && arch === "x64" ? "windows" : "none"}/${basename(file)}`;
  return existsSync(join(ROOT, built)) ? built : null;
}

/**
 * The package file of the tree: no scripts, no development, what it needs by exact version.
 * @param {readonly import("./packages.mjs").Package[]} packages
 */
function packageFile(packages) {
  const { name, version, description, license, type, engines, main, bin } = JSON.parse(
    readFileSync(join(ROOT, "package.json"), "utf8"),
  );
  const dependencies = Object.fromEntries(packages.map((each) => [each.name, each.version]));
  const author = "the Starmesh authors";
  // The name of the file in which Linux' desktops find the window's icon.
  const desktopName = "starmesh-desktop.desktop";
  // Where releases are made, the place of the project is known.
  const repository = process.env["GITHUB_REPOSITORY"];
  const homepage = repository ? `https://github.com/${repository}` : "https://starmesh.invalid/";
  return {
    name,
    version,
    description,
    homepage,
    author,
    license,
    type,
    engines,
    main,
    bin,
    desktopName,
    dependencies,
  };
}

/**
 * @param {string} from relative to the project
 * @param {string} folder
 * @param {string} [to] relative to the tree
 */
function copy(from, folder, to = from) {
  const target = join(folder, to);
  mkdirSync(dirname(target), { recursive: true });
  cpSync(join(ROOT, from), target, { recursive: true });
  if (/(^|\/)(cli\.js|starmesh-helper)$/.test(to)) chmodSync(target, 0o755);
}
