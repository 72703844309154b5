/** The panel as people handle it: languages and colours, keys alone, a thousand peers, narrow screens. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { openedHere } from "./opened.ts";
import { goTo, lacking } from "./panel.ts";

function clipboardOf(page: Page): Promise<string> {
  return page.evaluate(() => navigator.clipboard.readText());
}

describe.skipIf(lacking !== null)("the panel, whoever uses it", () => {
  const open = openedHere();

  it("speaks English and Chinese, and keeps language and colours", async () => {
    const { page } = await open({ hash: "#/settings" });
    await page.getByText("简体中文").click();
    await page.getByRole("heading", { name: "设置" }).waitFor();
    expect(await page.locator("html").getAttribute("lang")).toBe("zh-CN");
    await page.getByText("深色").click();
    await page.reload();
    await page.getByRole("heading", { name: "设置" }).waitFor();
    expect(await page.locator("html").getAttribute("data-mantine-color-scheme")).toBe("dark");
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(background).toBe("rgb(18, 21, 29)");
  });

  it("takes language and colours from the system", async () => {
    const { page } = await open({ locale: "zh-CN", colorScheme: "dark" });
    await page.getByRole("link", { name: "网络", exact: true }).waitFor();
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe(
      "rgb(18, 21, 29)",
    );
  });

  it("can be used with the keyboard alone, from the first page to the copied invite", async () => {
    const { page } = await open({ start: "empty" });
    const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");
    const tabTo = async (text: string) => {
      for (let presses = 0; presses < 30; presses++) {
        await page.keyboard.press("Tab");
        if ((await focused()) === text) return;
      }
      throw new Error(`no Tab leads to ${text}`);
    };
    await tabTo("Skip to the page");
    await page.keyboard.press("Enter");
    await tabTo("Create a network");
    const outline = await page.evaluate(() => {
      const { outlineStyle, boxShadow } = getComputedStyle(document.activeElement ?? document.body);
      return outlineStyle !== "none" || boxShadow !== "none";
    });
    expect(outline).toBe(true);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Create a network" }).waitFor();
    await page.keyboard.type("home");
    await page.keyboard.press("Enter");
    const invite = await page.getByRole("textbox", { name: "The invite" }).inputValue();
    await tabTo("Copy the invite");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Copied" }).waitFor();
    expect(await clipboardOf(page)).toBe(invite);
  });

  it("goes to every page by a key, and lists the keys", async () => {
    const { page } = await open();
    await page.keyboard.press("Alt+Digit4");
    await page.getByRole("heading", { name: "Graph", level: 1 }).waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).getByText("Diagnostics").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    // Whoever presses it by accident switches it off, and F1 stays.
    await page.keyboard.press("F1");
    await page.getByRole("switch", { name: "Keys that work alone" }).focus();
    await page.keyboard.press("Space");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("?");
    await page.keyboard.press("Alt+Digit1");
    await page.getByRole("table").waitFor();
    expect(await page.getByRole("dialog").count()).toBe(0);
    await page.keyboard.press("Control+k");
    await page.keyboard.type("a?");
    expect(await page.getByRole("searchbox", { name: "Search peers" }).inputValue()).toBe("a?");
  });

  it("stays light with 1,000 peers: few rows exist, all can be reached, an update costs little", async () => {
    const { page, context, engine } = await open({ peers: 1000 });
    const rows = page.locator(".peer-line");
    await rows.first().waitFor();
    expect(await rows.count()).toBeLessThan(60);
    expect(await page.getByRole("table").getAttribute("aria-rowcount")).toBe("1003");

    await page.getByText("Name", { exact: true }).first().click();
    await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
    await page.getByRole("link", { name: "workbench" }).waitFor();
    expect(await rows.count()).toBeLessThan(60);

    await page.getByRole("searchbox").fill("node-0777");
    await page.getByRole("link", { name: "node-0777" }).waitFor();
    expect(await rows.count()).toBe(1);
    await page.getByRole("searchbox").fill("");
    await page.getByRole("link", { name: "build-01" }).waitFor();

    const session = await context.newCDPSession(page);
    // Of the processor, not of the clock: other programs run beside this.
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
    const busySeconds = async () => {
      const { metrics } = await session.send("Performance.getMetrics");
      return metrics.find(({ name }) => name === "TaskDuration")?.value ?? 0;
    };
    await page.evaluate(() => window.scrollTo(0, 0));
    const atlas = engine.world.find("home-lab").peers.find(({ name }) => name === "atlas");
    if (atlas === undefined) throw new Error("the fake has an atlas");
    const before = await busySeconds();
    for (let update = 1; update <= updates; update++) {
      // The fake's own latencies wander: one that was overtaken is set again.
      await expect
        .poll(() => {
          atlas.latencyMs = 300 + update;
          engine.world.changed();
          return page.getByText(`${300 + update} ms`).isVisible();
        })
        .toBe(true);
    }
    // One status a second comes: this leaves more than half of the time free on a slow, busy machine.
    expect(((await busySeconds()) - before) / updates).toBeLessThan(0.4);
  });

  it("lists have one Tab stop: arrows, Home and End go on from there, through 1,000 rows", async () => {
    const { page } = await open({ peers: 1000 });
    const name = () =>
      page.evaluate(() => document.activeElement?.closest("tr")?.querySelector("a")?.textContent ?? "");
    const place = () =>
      page.evaluate(() => document.activeElement?.closest("tr")?.getAttribute("aria-rowindex") ?? "");
    await page.getByText("Name", { exact: true }).first().click();
    await page.locator(".peer-line").first().waitFor();
    expect(await page.locator(".peer-line [tabindex='0']").count()).toBe(1);
    await page.locator(".peer-line a").first().focus();
    const first = await name();
    await page.keyboard.press("ArrowDown");
    expect(await place()).toBe("3");
    await page.keyboard.press("ArrowRight");
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toContain("Copy");
    await page.keyboard.press("End");
    await expect.poll(place).toBe("1003");
    expect(await page.locator(".peer-line [tabindex='0']").count()).toBe(1);
    await page.keyboard.press("Home");
    await expect.poll(place).toBe("2");
    expect(await name()).toBe(first);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: first }).waitFor();
  });

  it.each(["en", "zh-CN"])("fits a narrow screen on every page: %s", async (locale) => {
    const { page, engine } = await open({ viewport: { width: 390, height: 844 }, locale });
    const { id } = engine.world.find("home-lab");
    const hashes = [
      "",
      "networks",
      "create",
      "join",
      "latency",
      "graph",
      "router",
      "diagnostics",
      "settings",
      `networks/${id}`,
      `networks/${id}/peers/nas`,
    ];
    for (const hash of hashes) {
      await goTo(page, `#/${hash}`);
      await page.getByRole("heading", { level: 1 }).waitFor();
      const excess = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(excess, `page ${hash}`).toBeLessThanOrEqual(0);
    }
  });
});

const updates = 10;
