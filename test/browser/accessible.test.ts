/** Every page, in both colour schemes and on a wide and a narrow screen, under the rules of WCAG 2.2 A and AA. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goTo, lacking, launchChromium, openPanel } from "./panel.ts";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let browser: Browser;

describe.skipIf(lacking !== null)("every page", () => {
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  it.each([
    ["light", 1280, "en"],
    ["dark", 1280, "zh-CN"],
    ["light", 390, "zh-CN"],
    ["dark", 390, "en"],
  ] as const)("can be used by everybody: %s, %d pixels wide, %s", async (colorScheme, width, locale) => {
    const panel = await openPanel(browser, {
      colorScheme,
      locale,
      viewport: { width, height: 860 },
      reducedMotion: "reduce",
    });
    const { page, engine } = panel;
    const { id } = engine.world.find("home-lab");
    const pages = [
      "#/",
      "#/networks",
      "#/create",
      "#/join",
      "#/latency",
      "#/graph",
      "#/router",
      "#/diagnostics",
      "#/settings",
      `#/networks/${id}`,
      `#/networks/${engine.world.find("studio").id}`,
      ...["routes", "clients", "names", "rules"].map((part) => `#/networks/${id}/${part}`),
      `#/networks/${id}/peers/mei-laptop`,
      `#/networks/${id}/peers/backup`,
      "#/networks/none",
    ];
    const found: string[] = [];
    for (const hash of pages) {
      await goTo(page, hash);
      await page.getByRole("heading", { level: 1 }).waitFor();
      if (hash === "#/graph") await page.locator(".graph-node").nth(3).click();
      if (hash.endsWith("mei-laptop")) {
        await page.getByRole("radiogroup").locator("label").nth(2).click();
        await page.locator(".chart canvas").nth(2).waitFor();
      }
      found.push(...(await violationsOn(page)).map((each) => `${hash} ${each}`));
    }
    await panel.close();
    expect(found).toEqual([]);
  });

  it("is so before anything runs, too", async () => {
    for (const options of [{ start: "empty" }, { stranger: true }] as const) {
      const panel = await openPanel(browser, options);
      await panel.page.getByRole("heading").first().waitFor();
      expect(await violationsOn(panel.page)).toEqual([]);
      await panel.close();
    }
  });
});

async function violationsOn(page: Page): Promise<readonly string[]> {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() =>
    (window as unknown as { axe: { run(options: object): Promise<AxeResults> } }).axe.run({
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }),
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, any, all }) => `${id} ${target.join(" ")} ${[...any, ...all][0]?.message ?? ""}`),
  );
}
