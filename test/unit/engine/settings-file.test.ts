import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SettingsFile } from "../../../src-main/engine/settings-file.ts";
import { settingsChange, usualSettings } from "../../../src-shared/settings.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "starmesh-settings-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

it("[Z25] a change leaves alone what it does not name, now and after a start with none", () => {
  const wish = { inbound: false, transport: "tls", proxy: "direct", dns: false, mtu: 1300 } as const;
  new SettingsFile(folder).keep(settingsChange.parse(wish));
  const again = new SettingsFile(folder);
  again.keep(settingsChange.parse({}));
  again.keep(settingsChange.parse({ port: 7800 }));
  expect(again.current).toEqual({ ...usualSettings, ...wish, port: 7800 });
  expect(new SettingsFile(folder).current).toEqual(again.current);
});
