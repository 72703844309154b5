import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chromiumPath, lacking } from "../browser/panel.ts";
import type { Host } from "./host.ts";
import { Install } from "./install.ts";
import { Lab } from "./lab.ts";
import { ping } from "./traffic.ts";

let lab: Lab;
let browser: Browser | null = null;

beforeAll(() => {
  lab = new Lab();
});

afterAll(async () => {
  await browser?.close();
  await lab.close();
});

describe.skipIf(lacking !== null)("the panel of a real engine", () => {
  it("[C05 C15 Z07 Z28] creates a network, and shows who joined with its invite and how it is reached", async () => {
    const home = new Install(lab, lab.publicHost("home"));
    const office = new Install(lab, lab.publicHost("office"));
    await Promise.all([home.start(), office.start()]);
    const [panel] = await home.engine.says(/http:\/\/127\.0\.0\.1:\d+\/#token=\S+/);
    browser = await chromiumIn(home.host);
    const page = await browser.newPage({ locale: "en", viewport: { width: 1280, height: 860 } });
    await page.goto(panel);

    await page.getByRole("link", { name: "Create a network" }).click();
    await page.getByRole("textbox", { name: /name/i }).first().fill("family");
    await page.keyboard.press("Enter");
    const line = page.getByText(/starmesh:\/\/join\/1\//).first();
    await line.waitFor();
    const [invite = ""] = /starmesh:\/\/join\/1\/[\w-]+/.exec((await line.textContent()) ?? "") ?? [];

    await office.ok("join", invite);
    const { address } = await home.online("family");
    await office.online("family");
    expect((await ping(office.host, address, { count: 3 })).received).toBe(3);
    await page.getByRole("link", { name: "Home", exact: true }).click();
    const peers = page.getByRole("main");
    await peers.getByText("office").first().waitFor();
    await peers
      .getByText(/direct/i)
      .first()
      .waitFor();
    await peers.getByText(/\d ms/).first().waitFor();

    await page.getByRole("link", { name: "Graph", exact: true }).click();
    await page.getByRole("img", { name: /Picture of family: 2 machines, 1 direct links/ }).waitFor();
    await page.getByRole("button", { name: /office/ }).click();
    await page.getByRole("link", { name: "office" }).click();
    await page.getByText(/^(Packets go straight to office|office is on the same local network)/).waitFor();
    await page.getByRole("radiogroup", { name: "How far back" }).getByText("Hour", { exact: true }).click();
    const changes = page.getByRole("list", { name: "What changed, and why" });
    await changes
      .getByText(/^Direct: office/)
      .first()
      .waitFor();

    await page.getByRole("link", { name: "Router", exact: true }).click();
    await page.getByText("starmesh://router/1/").first().waitFor();
  });
});

/** A browser that is on the host, as its user would be. */
function chromiumIn(host: Host): Promise<Browser> {
  const starter = join(lab.folder, "chromium.sh");
  writeFileSync(starter, `#!/bin/sh\nexec ip netns exec ${host.namespace} ${chromiumPath} "$@"\n`);
  chmodSync(starter, 0o755);
  return chromium.launch({
    executablePath: starter,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--disable-background-networking",
      "--disable-sync",
    ],
  });
}
