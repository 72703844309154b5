/** Starting with the user's session: the system's list on Windows and macOS, a file of the autostart folder on Linux. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { posix } from "node:path";
import { app } from "electron";

/** The option with which the system starts the app at login: no window opens. */
export const backgroundOption = "--background";

/** Starting at login, on or off. */
export interface LoginStart {
  readonly isOn: boolean;
  /** False where the system refused. */
  change(on: boolean): boolean;
}

/** How this copy of the app starts at login; null for one that is not installed, which has no lasting place. */
export function loginStart(): LoginStart | null {
  if (!app.isPackaged) return null;
  if (process.platform !== "linux") return listedStart;
  const { APPIMAGE: image, XDG_CONFIG_HOME: configured } = process.env;
  // An image runs from a folder that is gone afterwards; a relative folder is invalid (XDG Base Directory Specification).
  const program = image ?? process.execPath;
  const config = configured?.startsWith("/") ? configured : posix.join(app.getPath("home"), ".config");
  return autostartFile(posix.join(config, "autostart", "starmesh.desktop"), program);
}

/** A file of the autostart folder (Desktop Application Autostart Specification). */
export function autostartFile(path: string, program: string): LoginStart {
  return {
    get isOn() {
      return existsSync(path);
    },
    change(on) {
      try {
        if (!on) rmSync(path, { force: true });
        else {
          mkdirSync(posix.dirname(path), { recursive: true });
          writeFileSync(path, entryOf(program));
        }
        return true;
      } catch {
        return false;
      }
    },
  };
}

/** The entry's text; the program is quoted as the Desktop Entry Specification's “Exec” wants it. */
function entryOf(program: string): string {
  // Once for the quotes, once more for the backslashes that every value of the file doubles; “%” begins a field.
  const quoted = program
    .replace(/["`$\\]/g, "\\$&")
    .replaceAll("\\", "\\\\")
    .replaceAll("%", "%%");
  return [
    "[Desktop Entry]",
    "Type=Application",
    "Name=Starmesh",
    `Exec="${quoted}" ${backgroundOption}`,
    "Icon=starmesh",
    "Terminal=false",
    "X-GNOME-Autostart-enabled=true",
    "",
  ].join("\n");
}

const listedStart: LoginStart = {
  get isOn() {
    return app.getLoginItemSettings({ args: [backgroundOption] }).openAtLogin;
  },
  change(on) {
    app.setLoginItemSettings({ openAtLogin: on, args: [backgroundOption] });
    return app.getLoginItemSettings({ args: [backgroundOption] }).openAtLogin === on;
  },
};
