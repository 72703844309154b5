/** The switch by which an administrator masks a network, on its page. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goTo, lacking, launchChromium, openPanel } from "./panel.ts";

let browser: Browser;

describe.skipIf(lacking !== null)("the mask of a network", () => {
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  it("[C02] is switched on and off by an administrator, and by nobody else", async () => {
    const panel = await openPanel(browser);
    const { page, engine } = panel;
    const network = engine.world.find("studio");
    await goTo(page, `#/networks/${network.id}`);
    const mask = page.getByRole("switch", { name: "Mask what members of studio send" });
    expect(await mask.isChecked()).toBe(false);
    for (const on of [true, false]) {
      await expect.poll(() => mask.isEnabled()).toBe(true);
      await mask.focus();
      await page.keyboard.press("Space");
      await expect.poll(() => network.mask).toBe(on);
      await expect.poll(() => mask.isChecked()).toBe(on);
    }
    network.admin = false;
    engine.world.changed();
    await page.getByText("An administrator switches it for all members.").first().waitFor();
    expect(await mask.isDisabled()).toBe(true);
    await panel.close();
  });
});
