/** How this machine gets out, on the settings page: by one transport alone, through a proxy. */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { OpenPanel, PanelOptions } from "./panel.ts";
import { lacking, launchChromium, openPanel } from "./panel.ts";

let browser: Browser;
let panel: OpenPanel | null = null;

async function open(options: PanelOptions = {}): Promise<OpenPanel> {
  panel = await openPanel(browser, { hash: "#/settings", ...options });
  return panel;
}

async function settingsOf({ engine }: OpenPanel) {
  return (await engine.handlers["settings.read"]({})).settings;
}

async function choose(page: Page, transport: string): Promise<void> {
  await page.getByRole("combobox", { name: "Send by" }).click();
  await page.getByRole("option", { name: transport, exact: true }).click();
}

describe.skipIf(lacking !== null)("how this machine gets out", () => {
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterEach(async () => {
    await panel?.close();
    panel = null;
  });
  afterAll(() => browser?.close());

  it("[P16 W23] by one transport alone, each of them, or by what serves best", async () => {
    const opened = await open();
    const { page } = opened;
    await page.getByText("A chosen transport alone is used; nothing leaves by another.").waitFor();
    for (const [name, value] of [
      ["UDP", "udp"],
      ["TCP", "tcp"],
      ["KCP", "kcp"],
      ["QUIC", "quic"],
      ["TLS", "tls"],
      ["WSS", "wss"],
      ["What serves best", null],
    ] as const) {
      await choose(page, name);
      await expect.poll(async () => (await settingsOf(opened)).transport).toBe(value);
    }
  });

  it("[P08] through a proxy, which is explained when it is none", async () => {
    const opened = await open();
    const { page } = opened;
    const proxy = page.getByRole("textbox", { name: "Proxy", exact: true });
    await proxy.fill("ftp://proxy.example.org");
    await page.getByRole("button", { name: "Apply the proxy" }).click();
    await page.getByText("Write it like http://proxy.example.org:3128").waitFor();
    expect((await settingsOf(opened)).proxy).toBe(null);
    await proxy.fill("socks5://10.0.0.1:1080");
    await page.keyboard.press("Enter");
    await expect.poll(async () => (await settingsOf(opened)).proxy).toBe("socks5://10.0.0.1:1080");
  });

  it("[P16] in Chinese, dark and on a narrow screen nothing is cut off", async () => {
    const { page } = await open({
      locale: "zh-CN",
      colorScheme: "dark",
      viewport: { width: 390, height: 860 },
    });
    await page.getByRole("combobox", { name: "发送方式" }).click();
    await page.getByRole("option", { name: "自动选择最佳" }).waitFor();
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
  });
});
