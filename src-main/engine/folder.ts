/** The state folder: which one, where its socket is, and that it is ours to write. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  realpathSync,
  statSync,
} from "node:fs";
import { join, posix, resolve, win32 } from "node:path";
import { AppError } from "../../src-shared/errors.ts";

/** What the choice of a folder depends on. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Numeric user; null on Windows. */
  readonly uid: number | null;
}

/** A user to whom sudo's caller is known: the local socket is given to them. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Where a system-wide engine, run by root or as a service, keeps its state. */
export function systemFolder(machine: Machine): string {
  switch (machine.platform) {
    case "win32":
      return win32.join(variable(machine, "ProgramData") ?? "C:\\ProgramData", "Starmesh");
    case "darwin":
      return "/Library/Application Support/Starmesh";
    default:
      return "/var/lib/starmesh";
  }
}

/** Where this user's own engine keeps its state: the system's for root, else the user's data folder. */
export function ownFolder(machine: Machine): string {
  if (machine.uid === 0) return systemFolder(machine);
  switch (machine.platform) {
    case "win32":
      return win32.join(
        variable(machine, "LOCALAPPDATA") ?? win32.join(machine.home, "AppData", "Local"),
        "Starmesh",
      );
    case "darwin":
      return posix.join(machine.home, "Library", "Application Support", "Starmesh");
    default: {
      // A relative XDG_DATA_HOME is invalid and to be ignored (XDG Base Directory Specification).
      const data = variable(machine, "XDG_DATA_HOME");
      const base = data?.startsWith("/") ? data : posix.join(machine.home, ".local", "share");
      return posix.join(base, "starmesh");
    }
  }
}

/** Who called sudo, when this process runs under it. */
export function sudoCaller(machine: Machine): Owner | null {
  if (machine.uid !== 0) return null;
  const uid = Number(variable(machine, "SUDO_UID"));
  const gid = Number(variable(machine, "SUDO_GID"));
  return Number.isInteger(uid) && uid > 0 && Number.isInteger(gid) && gid >= 0 ? { uid, gid } : null;
}

/**
 * Path of the local socket (Windows: name of the pipe) of the engine on this folder. The same for everybody who asks,
 * whatever user or environment they have.
 */
export function socketOf(folder: string, platform: NodeJS.Platform = process.platform): string {
  const whole = existsSync(folder) ? realpathSync(folder) : resolve(folder);
  const name = createHash("sha256").update(whole).digest("hex").slice(0, 24);
  if (platform === "win32") return `\\\\.\\pipe\\starmesh-${name}`;
  const inside = posix.join(whole, "starmesh.sock");
  if (Buffer.byteLength(inside) <= longestSocketBytes) return inside;
  const uid = existsSync(whole) ? statSync(whole).uid : (process.getuid?.() ?? 0);
  return posix.join(uid === 0 && existsSync("/run") ? "/run" : "/tmp", `starmesh-${uid}`, `${name}.sock`);
}

/**
 * Makes the state folder (0700; 0711 under sudo, so that the caller reaches the socket in it) and, where the socket
 * lies elsewhere, its 0700 folder. Folders that exist keep their mode.
 * @throws AppError `state-not-writable`
 */
export function prepareFolder(folder: string, caller: Owner | null = null): void {
  try {
    makeFolder(folder, caller);
    const stats = statSync(folder);
    if (!stats.isDirectory()) throw new Error("it is not a folder");
    if (process.platform === "win32") return;
    if ((stats.mode & 0o002) !== 0) throw new Error("all users of this machine may write to it");
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    const socketFolder = posix.dirname(socketOf(folder));
    if (socketFolder !== realpathSync(folder)) prepareSocketFolder(socketFolder, caller);
  } catch (error) {
    throw new AppError("state-not-writable", { folder, detail: reason(error) });
  }
}

/** Somebody else may have made a folder of that name in a place where everybody can. */
function prepareSocketFolder(folder: string, caller: Owner | null): void {
  makeFolder(folder, caller);
  const stats = lstatSync(folder);
  if (!stats.isDirectory() || stats.uid !== process.getuid?.() || (stats.mode & 0o066) !== 0) {
    throw new Error(`${folder}, where its socket belongs, is another user's`);
  }
}

function makeFolder(folder: string, caller: Owner | null): void {
  if (!existsSync(folder)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (process.platform === "win32") keepToOwner(folder);
  }
  if (caller === null || process.platform === "win32") return;
  const stats = lstatSync(folder);
  // Searched by name only: what lies in it is 0600 or the caller's own.
  if (stats.uid === 0 && (stats.mode & 0o777) === 0o700) chmodSync(folder, 0o711);
}

/** Windows knows no modes: whoever made it, the system and administrators, and nobody by inheritance. */
function keepToOwner(folder: string): void {
  const grants = ownerOnly.flatMap((who) => ["/grant:r", `*${who}:(OI)(CI)F`]);
  execFileSync(
    join(process.env["SystemRoot"] ?? "C:\\Windows", "System32", "icacls.exe"),
    [folder, "/inheritance:r", ...grants],
    {
      stdio: "ignore",
      windowsHide: true,
    },
  );
}

function variable(machine: Machine, name: string): string | undefined {
  const value = machine.environment[name];
  return value === "" ? undefined : value;
}

/** A system error in the user's words. */
function reason(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return reasons[code] ?? (error instanceof Error ? error.message : String(error));
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the disk is read-only",
  ENOSPC: "the disk is full",
  ENOTDIR: "part of its path is a file",
  EEXIST: "it is not a folder",
  ELOOP: "its path has too many links",
  ENAMETOOLONG: "its path is too long",
};

/** Rights of the owner, the system, administrators (well-known SIDs). */
const ownerOnly = ["S-1-3-4", "S-1-5-18", "S-1-5-32-544"];
/** Longer paths of sockets are cut silently by Node. */
const longestSocketBytes = 100;
