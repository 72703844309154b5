/** Calls about what the user may set for this install. */
import type { Handlers } from "../../src-shared/api/contract.ts";
import type { SettingsStatus } from "../../src-shared/settings.ts";
import { chooseable } from "../engine/binding.ts";
import type { Install } from "./install.ts";

/** Answers of the noun “settings”. */
export function settingsHandlers({ engine }: Install): Pick<Handlers, "settings.read" | "settings.change"> {
  const read = (): SettingsStatus => ({
    settings: { ...engine.settings },
    port: engine.port === 0 ? null : engine.port,
    interfaces: chooseable(engine.system).map(({ name, addresses }) => ({ name, addresses: [...addresses] })),
  });
  return {
    "settings.read": async () => read(),
    "settings.change": async (change) => {
      await engine.changeSettings(change);
      return read();
    },
  };
}
