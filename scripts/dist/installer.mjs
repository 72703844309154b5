// @ts-check
/** What we add to electron-builder's Windows installer: compiled, and run under Wine, with none of electron-builder's around it. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { find, run } from "../command.mjs";
import { ROOT } from "../root.mjs";
import { DRIVE, hasWine, runUnderWine } from "./wine.mjs";

/** @typedef {import("./inspect.mjs").Inspection} Inspection */

/**
 * Compiles resources/windows/installer.nsh into a small installer; where Wine is, installs and uninstalls with it.
 * @returns {Promise<Inspection>}
 */
export async function checkInstaller() {
  if (!find("makensis"))
    return { not: "makensis is not installed; only Windows makes it, in the release recipe" };
  const folder = join(ROOT, "out/installer-check");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const payload = join(folder, "starmesh.cmd");
  // Stands for the command line and writes down what it is called with.
  writeFileSync(payload, "@echo %* >> C:\\starmesh-calls.txt\r\n");
  const installer = join(folder, "installer.exe");
  const resources = join(ROOT, "resources/windows");
  const defines = { OUTPUT: installer, PAYLOAD: payload, INCLUDED: join(resources, "installer.nsh") };
  const { code, output } = await run("makensis", [
    ...["-V2", "-WX", "-NOCD", "-INPUTCHARSET", "UTF8"],
    ...Object.entries(defines).map(([name, value]) => `-D${name}=${value}`),
    join(resources, "installer-check.nsi"),
  ]);
  if (code !== 0) return { not: `installer.nsh does not compile: ${output.trim().split("\n").at(-1)}` };
  if (!hasWine()) return { ran: "the schema fits; our part of the installer compiles" };
  const wrong = await runBoth(installer);
  if (wrong !== null) return { not: `our part of the installer under Wine: ${wrong}` };
  return {
    ran: "the schema fits; our part installs and uninstalls under Wine; only Windows makes the whole",
  };
}

/**
 * @param {string} installer
 * @returns {Promise<string | null>} what is wrong
 */
async function runBoth(installer) {
  const calls = join(DRIVE, "starmesh-calls.txt");
  rmSync(calls, { force: true });
  await runUnderWine(installer, ["/S"]);
  const uninstaller = join(DRIVE, "StarmeshCheck/uninstall.exe");
  if (!existsSync(uninstaller)) return "nothing is installed";
  if (!startsAtLogin()) return "it does not start at login when that is chosen";
  if (!opensLinks()) return "it does not open links of invites";
  await runUnderWine(uninstaller, ["/S"]);
  const called = existsSync(calls) ? readFileSync(calls, "utf8").split(/\s*\r?\n/) : [];
  if (called[0] !== "stop") return "it does not end the engine first";
  if (startsAtLogin()) return "removed, it still starts at login";
  if (opensLinks()) return "removed, it still opens links";
  return existsSync(join(DRIVE, "StarmeshCheck")) ? "removed, it leaves files" : null;
}

function startsAtLogin() {
  return registered().includes('"io.starmesh.desktop"=');
}

function opensLinks() {
  return /\[Software\\\\Classes\\\\starmesh\\\\shell\\\\open\\\\command\]/.test(registered());
}

/** The registry as Wine keeps it, of the user and of the machine. */
function registered() {
  return ["user", "system"].map((name) => readFileSync(join(DRIVE, `../${name}.reg`), "utf8")).join("\n");
}
