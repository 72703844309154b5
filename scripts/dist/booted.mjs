// @ts-check
/**
 * A scratch copy of this machine in which its own systemd runs as the first process: services, sockets, the message bus and
 * polkit are the real ones. It has no network but its own, and is gone with the script that runs in it.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { find, run } from "../command.mjs";
import { canScratch, isLeft } from "./scratch.mjs";

/** @typedef {import("./scratch.mjs").Ended} Ended */

/** Whether this machine can make one: what a scratch copy takes, and systemd with the message bus. */
export function canBoot() {
  return (
    canScratch() && existsSync(SYSTEMD) && find("dbus-daemon") !== undefined && find("setpriv") !== undefined
  );
}

/**
 * Runs a shell script there as a service, as root. `$1` in it is the file.
 * @param {string} script
 * @param {string} file
 * @returns {Promise<Ended>}
 */
export async function inBooted(script, file) {
  const folder = mkdtempSync(join(tmpdir(), "starmesh-booted-"));
  try {
    writeFileSync(join(folder, "script"), script);
    writeFileSync(join(folder, "inspect.service"), SERVICE);
    writeFileSync(join(folder, "inner"), INNER);
    const flags = ["--mount", "--fork", "--kill-child", "--propagation", "private"];
    await run("unshare", [...flags, "sh", "-euc", OUTER, "booted", folder, file], { priority: 5 });
    const left = readIfThere(join(folder, "left")).split("\n").filter(isLeft);
    const code = readIfThere(join(folder, "code")).trim();
    return {
      code: code === "" ? 1 : Number(code),
      output: readIfThere(join(folder, "said")),
      left: [...new Set(left)].sort(),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} path */
function readIfThere(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

const SYSTEMD = "/usr/lib/systemd/systemd";

/** What the copy is booted for. */
const SERVICE = `[Unit]
Description=The script of a scratch copy
Requires=dbus.socket
After=basic.target dbus.socket systemd-logind.service systemd-resolved.service
DefaultDependencies=yes
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
Environment=HOME=/tmp/home
ExecStart=/bin/sh -c "sh -eu /outside/script /outside/package >/outside/said 2>&1; echo $$? >/outside/code"
ExecStopPost=/bin/sh -c "test -e /outside/code || echo 1 >/outside/code"
`;

/**
 * Changes go to memory that lies over the machine's own files; control groups go below one of our own. What a copy that was
 * killed has left of these is taken away first.
 */
const OUTER = `
folder=$1
mkdir "$folder/memory" "$folder/groups"
mount -t tmpfs booted "$folder/memory" -o size=4g
cp "$2" "$folder/package"
mount -t cgroup2 groups "$folder/groups"
rmdir "$folder"/groups/starmesh-booted-*/*/* "$folder"/groups/starmesh-booted-*/* "$folder"/groups/starmesh-booted-* 2>/dev/null || true
group=$folder/groups/starmesh-booted-$$
mkdir "$group"
cd "$folder/memory"
mkdir upper work root
mount -t overlay booted -o lowerdir=/,upperdir=upper,workdir=work root
sh -c 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' within "$group" unshare --cgroup --mount --net --pid --uts --ipc --fork --kill-child --propagation private sh -eu "$folder/inner" "$folder" || true
find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
(cd upper && find . ! -type d ! -type c -printf '%P\\n') >"$folder/left"
`;

/**
 * The first process of the copy. Devices, and the kernel's settings but for those of its own network, are out of its reach, and
 * so are the rights by which a machine would be changed beyond its copy.
 */
const INNER = `
folder=$1
cd "$folder/memory/root"
mount -t proc proc proc
mount -t sysfs -o ro sys sys
mount -t cgroup2 groups sys/fs/cgroup
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount --bind proc/sys/net proc/sys/net
mount -o remount,bind,rw proc/sys/net
mount -t tmpfs dev dev -o mode=755
for device in null zero full random urandom tty; do touch dev/$device; mount --bind /dev/$device dev/$device; done
mkdir dev/net dev/pts dev/shm
if [ -e /dev/net/tun ]; then touch dev/net/tun; mount --bind /dev/net/tun dev/net/tun; fi
mount -t devpts pts dev/pts -o newinstance,ptmxmode=0666,mode=620
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs run run -o mode=755
mount -t tmpfs tmp tmp -o mode=1777
mkdir -p tmp/home outside
mount --bind "$folder" outside
mkdir -p run/systemd/system
cp outside/inspect.service run/systemd/system/
# They would speak with the machine's own devices and clock, or wait for them.
for unit in systemd-udevd.service systemd-udev-trigger.service systemd-modules-load.service systemd-timesyncd.service systemd-networkd.service; do
  ln -s /dev/null run/systemd/system/$unit
done
hostname scratch
ip link set lo up
mkdir -p run/old
pivot_root . run/old
exec env -i container=scratch PATH=/usr/sbin:/usr/bin:/sbin:/bin setpriv --bounding-set -sys_module,-sys_time,-sys_rawio,-syslog,-mknod \\
  sh -c 'umount -l /run/old; exec ${SYSTEMD} --unit=inspect.service' <dev/null >/outside/console 2>&1
`;
