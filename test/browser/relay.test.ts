/** The switch by which a machine relays for other members, on its network's page. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goTo, lacking, launchChromium, openPanel } from "./panel.ts";

let browser: Browser;

describe.skipIf(lacking !== null)("relaying for others", () => {
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  it("[C12] [C16] is switched on and off, and takes a cost within its bounds", async () => {
    const panel = await openPanel(browser);
    const { page, engine } = panel;
    const network = engine.world.find("studio");
    await goTo(page, `#/networks/${network.id}`);
    const relay = page.getByRole("switch", { name: "Relay for the members of studio" });
    expect(await relay.isChecked()).toBe(false);
    await relay.focus();
    await page.keyboard.press("Space");
    const cost = page.getByRole("textbox", { name: "Cost in milliseconds" });
    await cost.waitFor();
    expect(network.relay).toEqual({ on: true, cost: 5 });
    const apply = page
      .getByRole("region", { name: "Relay for others" })
      .getByRole("button", { name: "Apply" });
    await cost.fill("1001");
    await page.getByText("A whole number from 1 to 1000").waitFor();
    expect(await apply.isDisabled()).toBe(true);
    await cost.fill("40");
    await apply.click();
    await expect.poll(() => network.relay).toEqual({ on: true, cost: 40 });
    await relay.focus();
    await page.keyboard.press("Space");
    await cost.waitFor({ state: "detached" });
    expect(network.relay.on).toBe(false);
    await panel.close();
  });
});
