// @ts-check
/** A scratch copy of this machine, gone with the command that runs in it: a package may be installed there and looked at. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { find, run } from "../command.mjs";

/** How a script in the scratch copy ended, what it printed, and what it left there that was not there before.
 * @typedef {{ code: number, output: string, left: readonly string[] }} Ended */

/** Whether this machine can make one: Linux, as root. */
export function canScratch() {
  return process.platform === "linux" && process.getuid?.() === 0 && find("unshare") !== undefined;
}

/**
 * Runs a shell script as root in a copy of this machine that has no network, and whose changes are thrown away. `$1` in
 * it is the file.
 * @param {string} script
 * @param {string} file
 * @returns {Promise<Ended>}
 */
export async function inScratch(script, file) {
  const folder = mkdtempSync(join(tmpdir(), "starmesh-scratch-"));
  try {
    writeFileSync(join(folder, "script"), script);
    const flags = [
      "--mount",
      "--net",
      "--pid",
      "--uts",
      "--fork",
      "--kill-child",
      "--propagation",
      "private",
    ];
    const args = [...flags, "sh", "-euc", AROUND, "scratch", folder, file];
    const { code, output } = await run("unshare", args, { priority: 5 });
    const list = join(folder, "left");
    const left = existsSync(list) ? readFileSync(list, "utf8").split("\n").filter(isLeft) : [];
    return { code, output, left: [...new Set(left)].sort() };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * What systems themselves write when any package comes or goes.
 * @param {string} path
 */
export function isLeft(path) {
  return path !== "" && !KEPT_BY_SYSTEM.some((pattern) => pattern.test(path));
}

const KEPT_BY_SYSTEM = [
  /^(var\/lib\/(dpkg|rpm)|var\/log|var\/cache|run|tmp|root\/\.rpmdb)(\/|$)/,
  /^usr\/share\/(applications\/mimeinfo\.cache|icons\/hicolor\/icon-theme\.cache|mime\/.*)$/,
  /^etc\/(ld\.so\.cache|resolv\.conf|hostname|machine-id)$/,
  // Written anew when a user comes or goes; who is left in them is looked for by name.
  /^etc\/((passwd|shadow|group|gshadow|subuid|subgid)-?|\.pwd\.lock)$/,
];

/** Changes go to memory that lies over the machine's own files; after the script, the names of what it made or changed. */
const AROUND = `
folder=$1
mkdir "$folder/memory"
mount -t tmpfs scratch "$folder/memory" -o size=4g
cd "$folder/memory"
mkdir upper work root
mount -t overlay scratch -o lowerdir=/,upperdir=upper,workdir=work root
mount --rbind /dev root/dev
mount -t proc proc root/proc
mount -t tmpfs run root/run
mount -t tmpfs tmp root/tmp
mkdir root/tmp/home
cp "$folder/script" root/tmp/script
cp "$2" "root/tmp/package"
ip link set lo up
code=0
HOME=/tmp/home chroot root sh -eu /tmp/script /tmp/package || code=$?
(cd upper && find . ! -type d ! -type c -printf '%P\\n') >"$folder/left"
exit $code
`;
