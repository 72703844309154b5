/** Where newer versions are found: electron-updater, with a signature of our own that has to fit first. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { app } from "electron";
import type { BelievedUpdate } from "./update-signature.ts";
import { believedUpdate } from "./update-signature.ts";

/** A place that knows of newer versions. */
export interface UpdateFeed {
  /** The version that is newer than this one; null: there is none. Rejects where it cannot be asked or believed. */
  newer(): Promise<BelievedUpdate | null>;
  /** Takes in the version that was found. */
  load(onPercent: (percent: number) => void): Promise<void>;
  /** What was taken in runs when the app ends anyhow. */
  installAtQuit(): void;
  /** Ends the app and starts what was taken in. */
  restart(): void;
}

/** Why this copy asks nobody: it has no feed and no key to check one by, or a package manager looks after it. */
export type NoFeed = "source" | "system";

/** The feed that this copy was built with: packaging lays it and the key beside the app. */
export function builtFeed(): (() => Promise<UpdateFeed>) | NoFeed {
  const { resourcesPath, execPath, platform, env: environment } = process;
  if (!app.isPackaged || !existsSync(join(resourcesPath, "app-update.yml"))) return "source";
  if (existsSync(join(resourcesPath, "package-type"))) return "system";
  const key = join(resourcesPath, keyFile);
  if (!existsSync(key)) return "source";
  // What was only unpacked cannot be replaced by an installer.
  if (platform === "linux" && environment["APPIMAGE"] === undefined) return "source";
  if (platform === "win32" && !existsSync(join(dirname(execPath), "Uninstall Starmesh.exe"))) return "source";
  return () => openFeed(readFileSync(key, "utf8"));
}

async function openFeed(key: string): Promise<UpdateFeed> {
  const { autoUpdater } = await import("electron-updater");
  autoUpdater.autoDownload = false;
  autoUpdater.autoInstallOnAppQuit = false;
  autoUpdater.allowDowngrade = false;
  // Its packages are outside of what is signed.
  autoUpdater.disableWebInstaller = true;
  autoUpdater.logger = null;
  return {
    async newer() {
      const result = await autoUpdater.checkForUpdates();
      if (result?.isUpdateAvailable !== true) return null;
      const update = believedUpdate(result.updateInfo, key);
      if (update === null) throw new Error("its signature does not fit");
      return update;
    },
    async load(onPercent) {
      const tell = ({ percent }: { readonly percent: number }) => onPercent(percent);
      autoUpdater.on("download-progress", tell);
      try {
        await autoUpdater.downloadUpdate();
      } finally {
        autoUpdater.off("download-progress", tell);
      }
    },
    installAtQuit() {
      autoUpdater.autoInstallOnAppQuit = true;
    },
    restart() {
      autoUpdater.quitAndInstall(true, true);
    },
  };
}

/** Public half of the key that versions are signed with. */
const keyFile = "update-key.pem";
