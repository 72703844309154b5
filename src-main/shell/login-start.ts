/** Starting with the user's session: the system's list on Windows and macOS, a file of the autostart folder on Linux. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { posix } from "node:path";
import { app } from "electron";
import type { EntryFile } from "./desktop-entry.ts";
import { absolute, execLine, iconName, lastingProgram } from "./desktop-entry.ts";

/** The option with which the system starts the app at login: no window opens. */
export const backgroundOption = "--background";

/** How this copy of the app starts at login; null for one that is not installed, which has no lasting place. */
export function loginStart(): EntryFile | null {
  if (!app.isPackaged) return null;
  if (process.platform !== "linux") return listedStart;
  const config = absolute(process.env["XDG_CONFIG_HOME"]) ?? posix.join(app.getPath("home"), ".config");
  const start = autostartFile(posix.join(config, "autostart", "starmesh.desktop"), lastingProgram());
  // This copy may have another place or name than when that was switched on.
  if (start.isOn) start.change(true);
  return start;
}

/** A file of the autostart folder (Desktop Application Autostart Specification). */
export function autostartFile(path: string, program: string): EntryFile {
  return {
    get isOn() {
      return existsSync(path);
    },
    change(on) {
      try {
        if (!on) rmSync(path, { force: true });
        else {
          mkdirSync(posix.dirname(path), { recursive: true });
          writeFileSync(path, startText(program));
        }
        return true;
      } catch {
        return false;
      }
    },
  };
}

function startText(program: string): string {
  return [
    "[Desktop Entry]",
    "Type=Application",
    "Name=Starmesh",
    execLine(program, backgroundOption),
    `Icon=${iconName}`,
    "Terminal=false",
    "X-GNOME-Autostart-enabled=true",
    "",
  ].join("\n");
}

const listedStart: EntryFile = {
  get isOn() {
    return app.getLoginItemSettings({ args: [backgroundOption] }).openAtLogin;
  },
  change(on) {
    app.setLoginItemSettings({ openAtLogin: on, args: [backgroundOption] });
    return app.getLoginItemSettings({ args: [backgroundOption] }).openAtLogin === on;
  },
};
