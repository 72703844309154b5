// @ts-check
/** Wine, with its own files apart from those of the person who runs this. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { find, run } from "../command.mjs";
import { ROOT } from "../root.mjs";

/** Where Windows' drive C: lies. */
export const DRIVE = join(ROOT, "out/wine/drive_c");

/** Whether it is installed. */
export function hasWine() {
  return find("wine") !== undefined;
}

/**
 * Runs a program of Windows' and waits until it and all that it started have ended.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 */
export async function runUnderWine(program, args, { cwd = ROOT, env = {} } = {}) {
  const prefix = join(ROOT, "out/wine");
  mkdirSync(prefix, { recursive: true });
  const around = { WINEPREFIX: prefix, WINEDEBUG: "-all", ...env };
  const ended = await run("wine", [program, ...args], { cwd, env: around, priority: 5 });
  await run("wineserver", ["-w"], { env: around });
  return ended;
}
