/** The app among the programs of a Linux desktop, for a copy that no package put there: found in menus, opened by our links. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { posix } from "node:path";
import { app } from "electron";

/** A file by which the desktop knows the app, there or not. */
export interface EntryFile {
  readonly isOn: boolean;
  /** False where the system refused. */
  change(on: boolean): boolean;
}

/** What becomes an entry of the desktop's programs. */
export interface OwnProgram {
  readonly program: string;
  /** A picture of 512 × 512 pixels. */
  readonly icon: string;
  /** Folder of what belongs to the user alone (XDG Base Directory Specification). */
  readonly data: string;
}

/**
 * How the desktop knows this copy of the app; null where that is not the app's to say: on other systems, for a copy built
 * from source, and where a package did it.
 * @param icon see `OwnProgram`
 */
export function ownEntry(icon: string): EntryFile | null {
  if (!app.isPackaged || process.platform !== "linux") return null;
  const { XDG_DATA_DIRS: shared, XDG_DATA_HOME: configured } = process.env;
  const folders = (shared || "/usr/local/share:/usr/share").split(":");
  if (folders.some((folder) => existsSync(posix.join(folder, "applications", entryName)))) return null;
  const data = absolute(configured) ?? posix.join(app.getPath("home"), ".local", "share");
  return entryOf({ program: lastingProgram(), icon, data });
}

/** The file that starts this copy. An image runs from a folder that is gone afterwards. */
export function lastingProgram(): string {
  return process.env["APPIMAGE"] ?? process.execPath;
}

/** A folder that a variable names; null for none, and for a relative one, which is invalid. */
export function absolute(folder: string | undefined): string | null {
  return folder?.startsWith("/") ? folder : null;
}

/** The entry, with its icon, in the user's own folder. */
export function entryOf({ program, icon, data }: OwnProgram): EntryFile {
  const applications = posix.join(data, "applications");
  const path = posix.join(applications, entryName);
  const picture = posix.join(data, "icons/hicolor/512x512/apps", `${iconName}.png`);
  return {
    get isOn() {
      return existsSync(path);
    },
    change(on) {
      try {
        if (on) {
          for (const file of [path, picture]) mkdirSync(posix.dirname(file), { recursive: true });
          writeFileSync(picture, readFileSync(icon));
          writeFileSync(path, programText(program));
        } else for (const file of [path, picture]) rmSync(file, { force: true });
        tellDesktop(applications);
        return true;
      } catch {
        return false;
      }
    },
  };
}

/** The line that starts a program, quoted as the Desktop Entry Specification's “Exec” wants it. */
export function execLine(program: string, rest: string): string {
  // Once for the quotes, once more for the backslashes that every value of the file doubles; “%” begins a field.
  const quoted = program
    .replace(/["`$\\]/g, "\\$&")
    .replaceAll("\\", "\\\\")
    .replaceAll("%", "%%");
  return `Exec="${quoted}" ${rest}`;
}

function programText(program: string): string {
  return [
    "[Desktop Entry]",
    "Type=Application",
    "Name=Starmesh",
    "Comment=Any set of computers as one private network",
    "Comment[zh_CN]=把任意几台电脑连成一个专用网络",
    // Where the image was thrown away its entry is not shown.
    `TryExec=${program.replaceAll("\\", "\\\\")}`,
    // A link is the one argument; behind the two dashes nothing is taken for an option.
    execLine(program, "-- %u"),
    `Icon=${iconName}`,
    "Terminal=false",
    "Categories=Network;",
    "Keywords=vpn;mesh;network;wireguard;",
    "StartupWMClass=Starmesh",
    "StartupNotify=true",
    "MimeType=x-scheme-handler/starmesh;",
    "",
  ].join("\n");
}

/** Desktops read from a list who opens what; those without this program read the entries themselves. */
function tellDesktop(applications: string): void {
  spawnSync("update-desktop-database", ["-q", applications], { stdio: "ignore", timeout: 10_000 });
}

/** As packages name theirs, and as the window names itself to the desktop. */
const entryName = "starmesh-desktop.desktop";
/** Of the icon, in every size. */
export const iconName = "starmesh-desktop";
