// @ts-check
/** Looks into packages that were made: installs them in a scratch copy of this machine, runs what they bring, removes them. */
import { readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { find, run } from "../command.mjs";
import { ROOT } from "../root.mjs";
import { versionHere } from "./changes.mjs";
import { canScratch, inScratch } from "./scratch.mjs";
import { hasWine, runUnderWine } from "./wine.mjs";

/** What came of it: shown to run, or why not. @typedef {{ ran: string } | { not: string }} Inspection */

/**
 * Installs a deb, and again over a running engine as an update does, runs its command line and an engine from it, removes and purges it.
 * @param {string} file
 * @returns {Promise<Inspection>}
 */
export function inspectDeb(file) {
  const install = `cp "$1" /tmp/starmesh.deb; dpkg -i --force-depends /tmp/starmesh.deb 2>/dev/null
    starmesh up >/dev/null; dpkg -i --force-depends /tmp/starmesh.deb 2>/dev/null; starmesh status >/dev/null
    if command -v desktop-file-validate >/dev/null; then desktop-file-validate /usr/share/applications/*tarmesh*; fi
    cp /usr/lib/systemd/system/starmesh@.service /tmp/starmesh@home.service
    if command -v systemd-analyze >/dev/null; then systemd-analyze verify /tmp/starmesh@home.service; fi
    if command -v systemctl >/dev/null; then systemctl --quiet enable starmesh@home; fi`;
  const remove =
    "dpkg -r --force-depends starmesh; echo removed: $(ls -d /opt/Starmesh /usr/bin/starmesh 2>/dev/null)";
  const keys = "test -d /var/lib/starmesh; dpkg -P starmesh; test ! -e /var/lib/starmesh";
  return inspectInstalled(file, { install, remove: `${remove}; ${keys}` });
}

/**
 * The same of an rpm; its keys and networks have to be removed by hand.
 * @param {string} file
 * @returns {Promise<Inspection>}
 */
export function inspectRpm(file) {
  const install = 'rpm -i --nodeps --ignorearch "$1"';
  const remove = "rpm -e starmesh; test -d /var/lib/starmesh; rm -r /var/lib/starmesh";
  return inspectInstalled(file, { install, remove });
}

/**
 * Unpacks an archive, and runs its command line and an engine from it.
 * @param {string} file
 * @param {string} command below the unpacked folder
 * @returns {Promise<Inspection>}
 */
export function inspectArchive(file, command) {
  const install = `mkdir /opt/unpacked; tar -xf "$1" -C /opt/unpacked --strip-components=1
    ln -s /opt/unpacked/${command} /usr/bin/starmesh`;
  return inspectInstalled(file, {
    install,
    remove: "rm -r /opt/unpacked /usr/bin/starmesh /var/lib/starmesh",
  });
}

/**
 * Does what the recipe of the container says, from the archive for servers, and runs its first program: it has to give up
 * root, and to bring a network up with the rights that it keeps.
 * @param {string} archive
 * @returns {Promise<Inspection>}
 */
export async function inspectContainer(archive) {
  if (!canScratch()) return { not: "not run: that takes root on Linux" };
  const folder = join(ROOT, "resources/container");
  // Written there and not copied: where the project lies may be hidden in the copy, as /tmp is.
  const script = `mkdir /opt/container; cd /opt/container
cat >/usr/local/bin/starmesh-entry <<'END OF ENTRY'
${readFileSync(join(folder, "entry.sh"), "utf8")}END OF ENTRY
chmod 755 /usr/local/bin/starmesh-entry
tar -xf "$1" -C /opt
${containerSteps(readFileSync(join(folder, "Containerfile"), "utf8"))}
starmesh-entry up --foreground >/tmp/said 2>&1 &
for turn in $(seq 100); do starmesh --state /var/lib/starmesh status >/dev/null 2>&1 && break; sleep 0.3; done
starmesh --state /var/lib/starmesh network create inspected >/dev/null
for turn in $(seq 100); do starmesh --state /var/lib/starmesh status --json >/tmp/status; grep -q '"state": *"online"' /tmp/status && break; sleep 0.3; done
grep -o '"state": *"online"' /tmp/status | head -1
echo "user: $(ps -o user= -p $(pgrep -f out/cli.js | head -1))"
echo "rights: $(sed -n 's/^CapEff:[[:space:]]*//p' /proc/$(pgrep -f out/cli.js | head -1)/status)"
starmesh --state /var/lib/starmesh stop`;
  const { code, output } = await inScratch(script, archive);
  if (code !== 0) return { not: `it failed: ${lastLine(output)}` };
  if (!/^user: starmesh$/m.test(output)) return { not: "its engine runs as root" };
  // Bits 10, 12 and 13: ports below 1024, networks, raw sockets.
  if (!/^rights: 0000000000003400$/m.test(output)) return { not: "its engine has other rights than meant" };
  if (!/"online"/.test(output)) return { not: "its engine brings no network up" };
  return { ran: "its steps in a copy of this Debian: not root, network online; no container engine is here" };
}

/**
 * The commands of the recipe, but for those that fetch packages.
 * @param {string} recipe
 */
export function containerSteps(recipe) {
  const joined = recipe.replaceAll("\\\n", " ");
  return [...joined.matchAll(/^RUN (.+)$/gm)]
    .flatMap(([, commands = ""]) => commands.split("&&"))
    .map((command) => command.trim())
    .filter((command) => !/^(apt-get|rm -rf \/var\/lib\/apt)/.test(command))
    .join("\n");
}

/**
 * Unpacks a zip for Windows and runs its command line under Wine. Whether the data plane runs there, the suite `windows` shows.
 * @param {string} file
 * @returns {Promise<Inspection>}
 */
export async function inspectZip(file) {
  const unzip = find("unzip");
  if (!hasWine() || !unzip) return { not: `not run: ${unzip ? "Wine" : "unzip"} is not installed` };
  const folder = join(dirname(file), "unpacked");
  rmSync(folder, { recursive: true, force: true });
  try {
    const unpacked = await run(unzip, ["-q", file, "-d", folder]);
    if (unpacked.code !== 0) return { not: `it cannot be unpacked: ${unpacked.output.split("\n")[0]}` };
    const said = await saidUnderWine(
      folder,
      'process.argv = [process.execPath, "starmesh", "--version"]; import("./resources/app.asar.unpacked/out/cli.js")',
    );
    if (said.text !== versionHere())
      return { not: `under Wine it says: ${lastLine(`${said.text}\n${said.output}`)}` };
    return { ran: "prints its version under Wine" };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Runs a program of JavaScript by the unpacked app's program. What it prints goes to a file: Wine has no console here.
 * @param {string} folder
 * @param {string} code
 * @returns {Promise<{ text: string, output: string }>}
 */
async function saidUnderWine(folder, code) {
  const said = join(folder, "said");
  rmSync(said, { force: true });
  const stream = "{ write: (text) => fs.appendFileSync('said', text), on() {}, isTTY: false }";
  const print = `const fs = require("node:fs"); for (const name of ["stdout", "stderr"]) Object.defineProperty(process, name, { value: ${stream} });`;
  const { output } = await runUnderWine("./Starmesh.exe", ["-e", `${print} ${code}`], {
    cwd: folder,
    env: { ELECTRON_RUN_AS_NODE: "1", NODE_SKIP_PLATFORM_CHECK: "1" },
  });
  return { text: readIfThere(said).trim(), output };
}

/**
 * @param {string} file
 * @param {{ install: string, remove: string }} steps
 * @returns {Promise<Inspection>}
 */
async function inspectInstalled(file, { install, remove }) {
  if (!canScratch()) return { not: "not run: that takes root on Linux" };
  const script = `${install}
echo "version: $(starmesh --version)"
starmesh up >/dev/null
starmesh network create inspected >/dev/null
for turn in $(seq 100); do starmesh status --json >/tmp/status; grep -q '"state": *"online"' /tmp/status && break; sleep 0.3; done
echo "network: $(grep -o '"state": *"online"' /tmp/status | head -1)"
starmesh stop >/dev/null
${remove}`;
  const { code, output, left } = await inScratch(script, file);
  if (code !== 0) return { not: `it failed: ${lastLine(output)}` };
  if (!output.includes(`version: ${versionHere()}\n`))
    return { not: `it does not tell its version: ${lastLine(output)}` };
  if (!/^network: ".*online"$/m.test(output)) return { not: "its engine brings no network up" };
  if (left.length > 0) return { not: `removed, it leaves: ${left.slice(0, 5).join(" ")}` };
  return { ran: "version, engine, network online; removed, it leaves nothing" };
}

/** @param {string} path */
function readIfThere(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** @param {string} output */
function lastLine(output) {
  return output.trim().split("\n").at(-1) ?? "";
}
