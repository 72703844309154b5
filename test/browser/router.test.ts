/** The router's page: transports with their switches and places, what a file fixes, and port planes. */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { OpenPanel, PanelOptions } from "./panel.ts";
import { goTo, lacking, launchChromium, openPanel } from "./panel.ts";

let browser: Browser;
let panel: OpenPanel | null = null;

async function open(options: PanelOptions = {}): Promise<OpenPanel> {
  panel = await openPanel(browser, { hash: "#/router", ...options });
  return panel;
}

function row(page: Page, name: string) {
  return page
    .getByRole("listitem")
    .filter({ has: page.getByRole("switch", { name: `Take ${name}`, exact: true }) });
}

describe.skipIf(lacking !== null)("the router's page", () => {
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterEach(async () => {
    await panel?.close();
    panel = null;
  });
  afterAll(() => browser?.close());

  it("[P09] switches each transport by the keyboard, and says how it stands", async () => {
    const { page, engine } = await open();
    const wss = page.getByRole("switch", { name: "Take WSS", exact: true });
    await wss.waitFor();
    for (const name of ["UDP", "TCP", "KCP", "QUIC", "TLS", "WSS"])
      await row(page, name)
        .getByText(/^Listens at .*:774[34]$/)
        .waitFor();
    await wss.focus();
    await page.keyboard.press("Space");
    await row(page, "WSS").getByText("Off", { exact: true }).waitFor();
    expect(engine.world.router.wish).toEqual({ transports: { wss: { enable: false } } });
    await wss.focus();
    await page.keyboard.press("Space");
    await row(page, "WSS")
      .getByText(/^Listens at/)
      .waitFor();
  });

  it("[P10] [P11] takes a place and a certificate for a transport, refuses what is none, and tells a busy port", async () => {
    const { page, engine } = await open();
    await page.getByRole("button", { name: "Change WSS" }).click();
    const place = page.getByRole("textbox", { name: "Address and port" });
    const apply = row(page, "WSS").getByRole("button", { name: "Apply" });
    await place.fill("example.org:443");
    await page.getByText("ADDRESS:PORT, for example").waitFor();
    expect(await apply.isDisabled()).toBe(true);
    await place.fill("0.0.0.0:7790");
    await page.getByRole("textbox", { name: "Certificate file" }).fill("/etc/wss.pem");
    await page.getByText("Certificate and key belong together.").waitFor();
    expect(await apply.isDisabled()).toBe(true);
    await page.getByRole("textbox", { name: "Key file" }).fill("/etc/wss.key");
    await apply.click();
    await row(page, "WSS").getByText("Port busy: another program has 0.0.0.0:7790").waitFor();
    expect(engine.world.router.wish).toEqual({
      transports: {
        wss: { listen: "0.0.0.0:7790", cert: "/etc/wss.pem", key: "/etc/wss.key", path: "/link" },
      },
    });
  });

  it("[P11] takes a certificate for kcp as for those over TLS, and none for plain UDP and TCP", async () => {
    const { page, engine } = await open();
    for (const name of ["UDP", "TCP"]) {
      await page.getByRole("button", { name: `Change ${name}` }).click();
      await page.getByRole("textbox", { name: "Address and port" }).waitFor();
      expect(await page.getByRole("textbox", { name: "Certificate file" }).count(), name).toBe(0);
    }
    await page.getByRole("button", { name: "Change KCP" }).click();
    await page.getByRole("textbox", { name: "Certificate file" }).fill("/etc/kcp.pem");
    await page.getByRole("textbox", { name: "Key file" }).fill("/etc/kcp.key");
    await row(page, "KCP").getByRole("button", { name: "Apply" }).click();
    await expect
      .poll(() => engine.world.router.wish)
      .toEqual({ transports: { kcp: { cert: "/etc/kcp.pem", key: "/etc/kcp.key" } } });
  });

  it("[W18] has members elsewhere try its ports, by the keyboard, and says what to do about those not reached", async () => {
    const { page, engine } = await open({ locale: "zh-CN", colorScheme: "dark" });
    Object.assign(engine.world.router, { publicHosts: ["203.0.113.5"] });
    engine.world.changed();
    const card = page.getByRole("region", { name: "外部可达性" });
    await card.getByRole("button", { name: "检查" }).focus();
    await page.keyboard.press("Enter");
    await card.getByText("UDP 203.0.113.5:7743：office, cabin 从外部无法到达。").waitFor();
    const lines = await card.getByRole("listitem").allInnerTexts();
    expect(lines[0]).toContain("请在本机防火墙上放行 UDP 端口 7743");
    expect(lines[1]).toBe("office, cabin 能从外部到达 TCP 203.0.113.5:7743。");
    Object.assign(engine.world.router, { publicHosts: [] });
    engine.world.changed();
    await card.getByRole("button", { name: "再次检查" }).click();
    await card.getByText("此路由器的所有地址都是私有的").waitFor();
  });

  it("[P10] names the file with which the router was started, and leaves to it what it sets", async () => {
    const { page, engine } = await open({ hash: "#/" });
    Object.assign(engine.world.router, {
      wish: { transports: { udp: { enable: false }, wss: { path: "/chat" } } },
      file: { path: "/etc/starmesh/router.yaml", fixed: ["transports.udp.enable", "transports.wss.path"] },
    });
    engine.world.changed();
    await goTo(page, "#/router");
    await page.getByText("started with /etc/starmesh/router.yaml").waitFor();
    expect(await page.getByRole("switch", { name: "Take UDP", exact: true }).isDisabled()).toBe(true);
    expect(await page.getByRole("switch", { name: "Take TLS", exact: true }).isDisabled()).toBe(false);
    await page.getByRole("button", { name: "Change WSS" }).click();
    expect(await page.getByRole("textbox", { name: "Path" }).isDisabled()).toBe(true);
    expect(await page.getByRole("textbox", { name: "Path" }).inputValue()).toBe("/chat");
  });

  it("[E10] [E11] offers a range of ports, lists busy ones, and shows how to join", async () => {
    const { page, engine } = await open();
    const planes = page.getByRole("region", { name: "Port planes" });
    await planes.getByRole("switch", { name: "Offer a range of ports" }).focus();
    await page.keyboard.press("Space");
    await planes.getByRole("textbox", { name: "First port" }).fill("65000");
    await planes.getByRole("textbox", { name: "How many" }).fill("1000");
    await planes.getByText("Ports from 1 to 65535").waitFor();
    await planes.getByRole("textbox", { name: "First port" }).fill("8000");
    await planes.getByRole("textbox", { name: "Token" }).fill("correct-horse");
    await planes.getByRole("button", { name: "Apply" }).click();
    await planes.getByText("999 of 1,000").waitFor();
    await planes.getByText("8003", { exact: true }).waitFor();
    await planes.getByText(/starmesh join \S+:8000 --secret correct-horse/).waitFor();
    await planes.getByText("Port 8000").waitFor();
    expect(engine.world.router.wish.planes).toEqual({ bind: 8000, nums: 1000, token: "correct-horse" });
    await planes.getByRole("switch", { name: "Offer a range of ports" }).focus();
    await page.keyboard.press("Space");
    await planes.getByText("999 of 1,000").waitFor({ state: "detached" });
    expect(engine.world.router.wish.planes).toBeUndefined();
  });

  it("[E16] joins the network of a port by HOST:PORT and the token alone", async () => {
    const { page, engine } = await open({ hash: "#/join" });
    await page.getByText("Name and secret").click();
    await page.getByRole("textbox", { name: "Name of the network" }).fill("home");
    await page.getByRole("textbox", { name: "Secret" }).fill("correct-horse");
    await page.getByRole("button", { name: "Join", exact: true }).click();
    await page.getByText("Write the router’s address.").waitFor();
    await page.getByRole("textbox", { name: "Name of the network" }).fill("vpn.example.org:8000");
    await page.getByRole("button", { name: "Join", exact: true }).click();
    await page.getByRole("heading", { level: 1, name: /port-8000/ }).waitFor();
    expect(engine.world.find("port-8000").secret).toBe("correct-horse");
  });

  it("[P09] in Chinese, dark and on a narrow screen nothing is cut off", async () => {
    const { page } = await open({
      locale: "zh-CN",
      colorScheme: "dark",
      viewport: { width: 390, height: 860 },
    });
    await page.getByText("传输方式").waitFor();
    await page.getByRole("button", { name: "更改 WSS" }).click();
    await page.getByText("证书文件").waitFor();
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
  });
});
