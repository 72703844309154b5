// @ts-check
/** `npm start -- ARGS`: set-up, then `starmesh ARGS` in this very process; alone, a node with its panel. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runHere } from "./command.mjs";
import { ROOT } from "./root.mjs";
import { lacks, setUpOrExit } from "./setup.mjs";

/** @type {Readonly<Record<string, string>>} */
const BINARIES = { win32: "electron.exe", darwin: "Electron.app/Contents/MacOS/Electron" };

const args = process.argv.slice(2);
await setUpOrExit();

const electron = args.length === 0 ? electronBinary() : undefined;
if (electron && hasDisplay() && process.getuid?.() !== 0) {
  process.exitCode = await runHere(electron, [ROOT]);
} else {
  if (args.length === 0) for (const line of lacks()) process.stderr.write(`${line}\n`);
  const cli = join(ROOT, "out", "cli.js");
  process.argv = [process.execPath, cli, ...(args.length === 0 ? ["up", "--foreground"] : args)];
  await import(pathToFileURL(cli).href);
}

/** Electron's package comes without its binary; where a person or a mirror has put one, this is its path. */
function electronBinary() {
  const dist = process.env["ELECTRON_OVERRIDE_DIST_PATH"] ?? join(ROOT, "node_modules/electron/dist");
  const named = join(ROOT, "node_modules/electron/path.txt");
  const name = existsSync(named) ? readFileSync(named, "utf8") : (BINARIES[process.platform] ?? "electron");
  return existsSync(join(dist, name)) ? join(dist, name) : undefined;
}

function hasDisplay() {
  if (process.platform !== "linux") return true;
  return Boolean(process.env["DISPLAY"] || process.env["WAYLAND_DISPLAY"]);
}
