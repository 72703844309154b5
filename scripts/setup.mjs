// @ts-check
/** Set-up: whatever `npm start` and `npm test` need, built if it is not. Works before any package is installed. */
import {
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  bundlesStep,
  cargoPath,
  dataPlaneStep,
  helperStep,
  NO_CARGO,
  packagesStep,
  pagesStep,
} from "./build.mjs";
import { runHere, StepFailed } from "./command.mjs";
import { createProgress } from "./progress.mjs";
import { ROOT } from "./root.mjs";

/** Builds what is missing or old, as `setUp` does; ends the process when it fails. */
export async function setUpOrExit() {
  if (!(await setUp())) process.exit(1);
}

/**
 * Builds what is missing or old; under sudo the outputs belong to the calling user. When it fails, says why and answers
 * false. `withTests`: what of Rust is built anyway, together with its tests.
 * @param {{ withTests?: boolean }} [options]
 */
export async function setUp({ withTests = false } = {}) {
  const caller = sudoCaller();
  if (caller) giveOutputsTo(caller);
  if (caller && statSync(ROOT).uid === caller.uid) return buildAs(caller, withTests);
  try {
    await build(withTests);
    return true;
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    process.stderr.write(`${error.message.trimEnd()}\n`);
    return false;
  } finally {
    if (caller) giveOutputsTo(caller);
  }
}

/** One line for each thing that this process lacks for carrying packets, with what works without it. */
export function lacks() {
  /** @type {string[]} */
  const lines = [];
  if (process.platform !== "linux") return lines;
  if (!mayConfigureNetworks()) {
    lines.push("not root: networks, invites and peers work, but no packets are carried (sudo npm start)");
  } else if (!existsSync("/dev/net/tun")) {
    lines.push(
      "/dev/net/tun is missing: networks, invites and peers work, but no packets are carried (modprobe tun)",
    );
  }
  return lines;
}

/** The person behind sudo. */
export function sudoCaller() {
  const uid = Number(process.env["SUDO_UID"]);
  const gid = Number(process.env["SUDO_GID"]);
  if (process.getuid?.() !== 0 || !Number.isInteger(uid) || !Number.isInteger(gid) || uid === 0)
    return undefined;
  const home = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"))
    .find((fields) => fields[2] === String(uid))?.[5];
  return { uid, gid, home: home ?? ROOT };
}

/**
 * Hands what is built to the caller, because an earlier run as root may have left it to root.
 * @param {{ uid: number, gid: number }} caller
 */
export function giveOutputsTo({ uid, gid }) {
  for (const name of OUTPUTS) {
    const path = join(ROOT, name);
    if (existsSync(path) && statSync(path).uid !== uid) give(path, uid, gid);
  }
}

/**
 * @param {{ uid: number, gid: number, home: string }} caller
 * @param {boolean} withTests
 */
async function buildAs({ uid, gid, home }, withTests) {
  /** @type {NodeJS.ProcessEnv} */
  const env = { ...process.env, HOME: home };
  for (const name of ["SUDO_UID", "SUDO_GID", "SUDO_USER", "SUDO_COMMAND"]) delete env[name];
  const args = [fileURLToPath(import.meta.url), ...(withTests ? [WITH_TESTS] : [])];
  return (await runHere(process.execPath, args, { uid, gid, env })) === 0;
}

/** @param {boolean} withTests */
async function build(withTests) {
  if (pendingSteps().length === 0) return;
  const progress = createProgress();
  const release = await lock(progress);
  try {
    /** @param {import("./build.mjs").Step | undefined} step */
    const done = async (step) => {
      if (step) await progress.step(step.name, step.build);
    };
    const packages = packagesStep();
    const dataPlane = dataPlaneStep({ withTests });
    const helper = helperStep({ withTests });
    if ((dataPlane || helper) && !cargoPath()) throw new StepFailed(NO_CARGO);
    // npm waits for the network while cargo compiles, so they run side by side; bundles and pages need the packages.
    await together(
      // The data plane itself is compiled by one core, the helper meanwhile by another.
      together(done(dataPlane), done(helper)),
      (async () => {
        await done(packages);
        for (const step of [bundlesStep(), pagesStep()]) await done(step);
      })(),
    );
  } finally {
    release();
  }
}

/**
 * Until all have ended, also where one fails.
 * @param {readonly Promise<void>[]} works
 */
async function together(...works) {
  for (const end of await Promise.allSettled(works)) if (end.status === "rejected") throw end.reason;
}

function pendingSteps() {
  return [packagesStep(), dataPlaneStep(), helperStep(), bundlesStep(), pagesStep()].filter(
    (step) => step !== undefined,
  );
}

/**
 * Keeps two set-ups from building into each other; waits for the other one, takes over from a dead one.
 * @param {import("./progress.mjs").Progress} progress
 * @returns {Promise<() => void>}
 */
async function lock(progress) {
  const path = join(ROOT, "out", "setup.lock");
  mkdirSync(join(ROOT, "out"), { recursive: true });
  for (let told = false; ; told = true) {
    try {
      writeFileSync(path, String(process.pid), { flag: "wx" });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
    const holder = Number(existsSync(path) ? readFileSync(path, "utf8") : 0);
    if (holder > 0 && !isAlive(holder)) rmSync(path, { force: true });
    else if (!told) progress.print(`… waiting for another set-up (process ${holder})`);
    await wait(200);
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function mayConfigureNetworks() {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return (BigInt(`0x${effective}`) & CAP_NET_ADMIN) !== 0n;
}

/**
 * @param {string} path
 * @param {number} uid
 * @param {number} gid
 */
function give(path, uid, gid) {
  lchownSync(path, uid, gid);
  if (!lstatSync(path).isDirectory()) return;
  for (const name of readdirSync(path)) give(join(path, name), uid, gid);
}

const OUTPUTS = [
  "node_modules",
  "out",
  "drivers/dataplane/target",
  "drivers/dataplane/starmesh-dataplane.node",
  "drivers/helper/target",
  "drivers/helper/starmesh-helper",
];
const CAP_NET_ADMIN = 1n << 12n;
const WITH_TESTS = "--with-tests";

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.exitCode = (await setUp({ withTests: process.argv.includes(WITH_TESTS) })) ? 0 : 1;
