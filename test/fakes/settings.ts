/** Settings of the fake engine. */
import type { Handlers } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { Settings, SettingsStatus } from "../../src-shared/settings.ts";
import { settings, usualSettings } from "../../src-shared/settings.ts";

/** Answers of the noun “settings”, kept in memory. */
export function settingsHandlers(): Pick<Handlers, "settings.read" | "settings.change"> {
  let current: Settings = usualSettings;
  const interfaces = [
    { name: "eth0", addresses: ["192.168.1.5", "2001:db8::5"] },
    { name: "wlan0", addresses: ["10.0.7.12"] },
  ];
  const read = (): SettingsStatus => ({ settings: current, port: current.port ?? 7743, interfaces });
  return {
    "settings.read": async () => read(),
    "settings.change": async (change) => {
      const { bind } = change;
      const isThere = interfaces.some(
        ({ name, addresses }) => name === bind || addresses.includes(bind ?? ""),
      );
      if (bind != null && !isThere) throw new AppError("no-interface", { name: bind, list: "eth0, wlan0" });
      current = settings.parse({ ...current, ...change });
      return read();
    },
  };
}
