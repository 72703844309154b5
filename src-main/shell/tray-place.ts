/** Whether this desktop has a place for tray icons: on Linux not all do, and a program is told nothing. */
import { execFile } from "node:child_process";

/**
 * True where a tray icon is seen. On Linux: somebody on the session's bus owns the name under which icons are taken in
 * (StatusNotifierItem specification).
 */
export async function hasTray(platform: NodeJS.Platform = process.platform): Promise<boolean> {
  if (platform !== "linux") return true;
  // One of these is part of every desktop.
  for (const [program, ...args] of questions) {
    const answer = await ask(program, args);
    if (answer !== null) return /\btrue\b/.test(answer);
  }
  return false;
}

/** What a program answers on standard output; null where it is absent, fails, or does not answer in time. */
function ask(program: string, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(program, [...args], { timeout: patienceMillis }, (error, output) =>
      resolve(error === null ? output : null),
    );
  });
}

const watcher = "org.kde.StatusNotifierWatcher";
const bus = "org.freedesktop.DBus";
const questions = [
  [
    "gdbus",
    "call",
    "--session",
    "-d",
    bus,
    "-o",
    "/org/freedesktop/DBus",
    "-m",
    `${bus}.NameHasOwner`,
    watcher,
  ],
  [
    "dbus-send",
    "--session",
    "--print-reply",
    `--dest=${bus}`,
    "/org/freedesktop/DBus",
    `${bus}.NameHasOwner`,
    `string:${watcher}`,
  ],
  ["busctl", "--user", "call", bus, "/org/freedesktop/DBus", bus, "NameHasOwner", "s", watcher],
] as const;

const patienceMillis = 3000;
