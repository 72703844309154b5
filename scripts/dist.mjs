// @ts-check
/**
 * `npm run dist`: makes the packages that this machine can make, looks into them, runs them in a scratch copy of it, and
 * says of each package of a release what was shown. `npm run dist -- --release` makes those of this system alone, with
 * Electron, and fails when one of them cannot be made.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { find, StepFailed } from "./command.mjs";
import {
  electronFolder,
  installBuilder,
  makeDesktop,
  readConfiguration,
  schemaErrors,
} from "./dist/desktop.mjs";
import { makeHeadless } from "./dist/headless.mjs";
import { inspectArchive, inspectContainer, inspectDeb, inspectRpm, inspectZip } from "./dist/inspect.mjs";
import { checkInstaller } from "./dist/installer.mjs";
import { tableOf } from "./dist/report.mjs";
import { inspectLeave, inspectServices } from "./dist/services.mjs";
import { nameOf, thisMachine } from "./dist/targets.mjs";
import { signUpdates } from "./dist/updates.mjs";
import { layWintun } from "./dist/wintun.mjs";
import { createProgress } from "./progress.mjs";
import { ROOT } from "./root.mjs";
import { setUpOrExit } from "./setup.mjs";

/** @typedef {import("./dist/report.mjs").Row} Row */
/** @typedef {import("./dist/targets.mjs").Target} Target */
/** @typedef {import("./dist/inspect.mjs").Inspection} Inspection */

/** A kind of desktop package: as electron-builder calls it, how its file ends, what it needs here, how it is looked into.
 * @typedef {{ kind: string, suffix: string, needs?: string, inspect?: (file: string) => Promise<Inspection> }} Kind */

/** @type {Readonly<Record<string, readonly Kind[]>>} */
const KINDS = {
  linux: [
    { kind: "deb", suffix: ".deb", needs: "dpkg-deb", inspect: inspectDeb },
    { kind: "rpm", suffix: ".rpm", needs: "rpmbuild", inspect: inspectRpm },
    {
      kind: "tar.gz",
      suffix: ".tar.gz",
      needs: "7za",
      inspect: (file) => inspectArchive(file, "resources/bin/starmesh"),
    },
    { kind: "AppImage", suffix: ".AppImage" },
  ],
  win32: [
    { kind: "zip", suffix: ".zip", needs: "7za", inspect: inspectZip },
    { kind: "nsis", suffix: "setup.exe" },
  ],
  darwin: [
    { kind: "dmg", suffix: ".dmg" },
    { kind: "zip", suffix: ".zip" },
  ],
};

const { values } = parseArgs({ options: { release: { type: "boolean", default: false } } });
const OUTPUT = join(ROOT, "out/dist");
const progress = createProgress();

async function main() {
  await setUpOrExit();
  rmSync(OUTPUT, { recursive: true, force: true });
  try {
    const rows = values.release ? await release() : await dist();
    process.stdout.write(`${tableOf(rows)}\n`);
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    process.stderr.write(`${error.message.trimEnd()}\n`);
    process.exitCode = 1;
  }
}

/** All that this machine can do, and the truth about the rest. */
async function dist() {
  const here = thisMachine();
  const rows = [];
  if (here.platform === "linux") {
    const servers = await headless(here, true);
    rows.push(servers, await container(servers.file ?? ""));
    rows.push(await looked("services of systemd", () => inspectServices(servers.file ?? "")));
  }
  await progress.step("electron-builder", installBuilder);
  const configuration = await readConfiguration();
  const errors = schemaErrors(configuration);
  if (errors.length > 0)
    throw new StepFailed(`electron-builder.yml does not fit its schema:\n${errors.join("\n")}`);
  const inside = electronFolder() ? "electron" : "stand-in";
  /** @type {readonly Target[]} */
  const targets = [here, ...(here.platform === "linux" ? [WINDOWS] : [])];
  // An Electron that lies here is this system's.
  for (const target of targets) rows.push(...(await desktop(target, target === here ? inside : "stand-in")));
  const deb = rows.find(({ file }) => file?.endsWith(".deb"))?.file;
  if (deb !== undefined) rows.push(await looked("leave by polkit", () => inspectLeave(deb)));
  rows.push(
    ...CHECKED.filter(({ platform }) => !targets.some((target) => target.platform === platform)).map(
      ({ name, detail }) => row(name, "checked only", detail),
    ),
  );
  if (here.platform === "linux") process.stdout.write(`${STAND_IN}\n`);
  return rows;
}

/** Everything of this system, with Electron; what cannot be made is an error. */
async function release() {
  const target = thisMachine();
  const rows = [];
  if (target.platform === "linux") rows.push(await headless(target, false));
  await progress.step("electron-builder", installBuilder);
  if (target.platform === "win32") {
    const why = await layWintun(target.arch);
    if (why !== null) throw new StepFailed(why);
  }
  const kinds = KINDS[target.platform] ?? [];
  const names = kinds.map(({ kind }) => kind);
  const how = /** @type {const} */ ({ inside: "electron", output: "out/dist" });
  const { lacks, failed } = await progress.step(`${names.join(", ")}`, () => makeDesktop(target, names, how));
  if (failed !== null) throw new StepFailed(failed);
  if (lacks.length > 0) throw new StepFailed(`${lacks.join(" and ")} is missing: npm run build makes it`);
  for (const { kind, suffix } of kinds) {
    const file = made("out/dist", suffix);
    if (file === undefined) throw new StepFailed(`electron-builder made no ${kind}`);
    rows.push(row(`${nameOf(target)} ${kind}`, "built", "with Electron", file));
  }
  const updateKey = process.env["STARMESH_UPDATE_KEY"];
  if (updateKey) signUpdates(updateKey, join(ROOT, "out/dist"));
  // Both processors' would have one name; the release recipe makes one file of the two.
  const updates = join(OUTPUT, "latest-mac.yml");
  if (existsSync(updates)) renameSync(updates, join(OUTPUT, `latest-mac-${target.arch}.yml`));
  writeSums();
  return rows;
}

/**
 * @param {Target} target
 * @param {boolean} inspect
 * @returns {Promise<Row>}
 */
async function headless(target, inspect) {
  const name = `${nameOf(target)} for servers`;
  const { file, lacks } = await progress.step(name, () => makeHeadless(target));
  if (lacks.length > 0) throw new StepFailed(`${lacks.join(" and ")} is missing: npm run build makes it`);
  if (!inspect) return row(name, "built", "with Node", file);
  return inspected(
    name,
    file,
    await progress.step(`${name}: a look`, () => inspectArchive(file, "bin/starmesh")),
  );
}

/**
 * @param {string} archive
 * @returns {Promise<Row>}
 */
function container(archive) {
  return looked("container", () => inspectContainer(archive));
}

/**
 * What is no package of its own.
 * @param {string} name
 * @param {() => Promise<Inspection>} inspect
 * @returns {Promise<Row>}
 */
async function looked(name, inspect) {
  const look = await progress.step(`${name}: a look`, inspect);
  return "ran" in look ? row(name, "checked only", look.ran) : row(name, "not here", look.not);
}

/**
 * @param {Target} target
 * @param {import("./dist/desktop.mjs").Inside} inside
 * @returns {Promise<Row[]>}
 */
async function desktop(target, inside) {
  const output = inside === "electron" ? "out/dist" : "out/dist/stand-in";
  const wintun = target.platform === "win32" ? await layWintun(target.arch) : null;
  const rows = [];
  for (const { kind, suffix, needs, inspect } of KINDS[target.platform] ?? []) {
    const name = `${nameOf(target)} ${kind}`;
    if (kind === "nsis") {
      rows.push(await installer(name));
      continue;
    }
    if (inspect === undefined) {
      rows.push(row(name, "checked only", NOT_HERE[kind] ?? "the schema fits; made with --release"));
      continue;
    }
    if (needs !== undefined && !find(needs)) {
      rows.push(row(name, "not here", `${needs} is not installed`));
      continue;
    }
    const { lacks, failed } = await progress.step(name, () =>
      makeDesktop(target, [kind], { inside, output }),
    );
    const file = made(output, suffix);
    if (failed !== null || file === undefined) throw new StepFailed(`${name} failed:\n${failed}`);
    const without = [...lacks, ...(wintun === null ? [] : ["wintun.dll"])];
    const look = await progress.step(`${name}: a look`, () => inspect(file));
    const result = inspected(name, file, look);
    rows.push(
      without.length > 0 ? { ...result, detail: `${result.detail}; without ${without.join(", ")}` } : result,
    );
  }
  if (wintun !== null) process.stdout.write(`${wintun}\n`);
  return rows;
}

/**
 * @param {string} name
 * @returns {Promise<Row>}
 */
async function installer(name) {
  const look = await progress.step(`${name}: a look`, checkInstaller);
  return "ran" in look ? row(name, "checked only", look.ran) : row(name, "not here", look.not);
}

/**
 * @param {string} name
 * @param {string} file
 * @param {Inspection} look
 */
function inspected(name, file, look) {
  return "ran" in look ? row(name, "built and run", look.ran, file) : row(name, "built", look.not, file);
}

/**
 * @param {string} name
 * @param {import("./dist/report.mjs").Outcome} outcome
 * @param {string} detail
 * @param {string} [file]
 * @returns {Row}
 */
function row(name, outcome, detail, file) {
  return file === undefined ? { name, outcome, detail } : { name, outcome, detail, file };
}

/**
 * @param {string} folder
 * @param {string} suffix
 */
function made(folder, suffix) {
  const path = join(ROOT, folder);
  if (!existsSync(path)) return undefined;
  const name = readdirSync(path).find(
    (each) => each.startsWith("starmesh-desktop-") && each.endsWith(suffix),
  );
  return name === undefined ? undefined : join(path, name);
}

/** One line a package, as `sha256sum --check` reads it. */
function writeSums() {
  const names = readdirSync(OUTPUT).filter((name) => /\.(deb|rpm|AppImage|gz|zip|exe|dmg)$/.test(name));
  const lines = names.sort().map((name) => {
    const hash = createHash("sha256").update(readFileSync(join(OUTPUT, name)));
    return `${hash.digest("hex")}  ${name}\n`;
  });
  writeFileSync(join(OUTPUT, `SHA256SUMS-${nameOf(thisMachine())}`), lines.join(""));
}

/** @type {Target} */
const WINDOWS = { platform: "win32", arch: "x64" };

const STAND_IN =
  "Where Electron is not on this machine, Node stands in its place: out/dist/stand-in is for looking at, not for release.";

/** @type {Readonly<Record<string, string>>} */
const NOT_HERE = {
  AppImage: "the schema fits; the AppImage runtime is not here, a release has it",
};

/** What only its own system can make. @type {readonly { platform: string, name: string, detail: string }[]} */
const CHECKED = ["arm64", "x64"].flatMap((arch) =>
  ["dmg", "zip"].map((kind) => ({
    platform: "darwin",
    name: `macos-${arch} ${kind}`,
    detail: "the schema fits; only macOS makes it, in the release recipe",
  })),
);

await main();
