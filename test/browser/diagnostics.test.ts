/** The pages for whoever looks for a cause: latency side by side, the network check, the log, the report. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { report } from "../../src-shared/report.ts";
import { goTo, lacking, launchChromium, openPanel } from "./panel.ts";

let browser: Browser;

describe.skipIf(lacking !== null)("the pages that look for a cause", () => {
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  it("[E07] compare peers live and over a day, with the cause of each path and its changes", async () => {
    const panel = await openPanel(browser, { hash: "#/latency" });
    const { page } = panel;
    const table = page.getByRole("table");
    const peers = page.getByRole("combobox", { name: "Peers" });
    await peers.fill("mei");
    await page.getByRole("option", { name: "mei-laptop" }).click();
    const row = table.getByRole("row", { name: /mei-laptop/ });
    await row.getByText("via nas").waitFor();
    await row.getByText("Packets go through nas").waitFor();
    await page
      .getByRole("img", { name: /mei-laptop over time/ })
      .locator("canvas")
      .waitFor();
    await page.keyboard.press("Escape");

    await page.getByRole("radiogroup").getByText("Day").click();
    await page
      .getByRole("img", { name: /Loss of .*mei-laptop/ })
      .locator("canvas")
      .waitFor();
    await page.getByRole("list", { name: "What changed, and why" }).getByText("mei-laptop").first().waitFor();
    await expect.poll(() => row.getByRole("cell").nth(2).textContent()).toMatch(/\d ms/);
    await panel.close();
  });

  it("[C10] check the network, show the log as it grows, and save a report without names", async () => {
    const panel = await openPanel(browser, { hash: "#/diagnostics" });
    const { page, engine } = panel;
    await page.getByRole("button", { name: "Check", exact: true }).click();
    await page.getByText("The NAT keeps one outer port: direct paths are likely.").waitFor();

    const log = page.getByRole("log");
    await log.getByText("router started").waitFor();
    engine.world.tail.add("2026-11-01T12:00:00.000Z relay demoted relay=nas");
    await log.getByText("relay demoted relay=nas").waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    engine.world.tail.add("2026-11-01T12:00:01.000Z names failed error=late");
    await page.getByRole("searchbox").fill("relay");
    expect(await log.getByRole("listitem").count()).toBe(2);
    await page.getByRole("searchbox").fill("late");
    await page.getByText("No line fits.").waitFor();
    await page.getByRole("button", { name: "Go on" }).click();
    await log.getByText("names failed").waitFor();

    await page.getByText("1 minute", { exact: true }).click();
    await page.getByRole("button", { name: "Make a report" }).click();
    await page.getByText("Every step is written down: ").waitFor();
    await expect.poll(() => engine.world.trace.lines().length, { timeout: 60_000 }).toBeGreaterThan(1);
    await page.getByRole("button", { name: "Make the report now" }).click();
    const shown = page.getByRole("textbox", { name: "The report" });
    await shown.waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Save as a file" }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/^starmesh-report-[\dT-]+\.json\.gz$/);
    const saved = gunzipSync(readFileSync(await download.path())).toString();
    expect(saved).toBe(await shown.inputValue());
    const told = report.parse(JSON.parse(saved));
    expect(told.disguised).toBe(true);
    expect(told.trace.length).toBeGreaterThan(1);
    expect(engine.world.trace.isOn).toBe(false);
    expect(saved).not.toContain("mei-laptop");
    await goTo(page, "#/");
    await panel.close();
  });
});
