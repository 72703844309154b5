/** The panel in Chromium with a fake engine: who gets in, what it shows of this machine, what it says when something is wrong. */
import { describe, expect, it } from "vitest";
import { openedHere } from "./opened.ts";
import { goTo, lacking } from "./panel.ts";
import { bridgedPage, endBridge } from "./window.ts";

if (lacking !== null) process.stderr.write(`The panel's tests are skipped: ${lacking}.\n`);

describe.skipIf(lacking !== null)("the panel", () => {
  const open = openedHere();

  it("tells a stranger how to get in, and lets a link in once", async () => {
    const { page, server } = await open({ stranger: true });
    await page.getByRole("heading", { name: "Open the panel with a link" }).waitFor();
    await page.getByText("starmesh panel").waitFor();
    const { url } = server.panelLink();
    await page.goto(url);
    await page.reload();
    await page.getByRole("navigation").waitFor();
    expect(new URL(page.url()).hash).toBe("#/");

    await page.context().clearCookies();
    await page.goto("about:blank");
    await page.goto(url);
    await page.getByRole("alert").getByText("used already").waitFor();
  });

  it("[Z28] makes the same install a router with one switch, shows its port and link, and warns where it serves the LAN only", async () => {
    const { page, engine } = await open({ start: "empty", hash: "#/router" });
    const act = page.getByRole("switch", { name: "Act as a router" });
    await act.focus();
    await page.keyboard.press("Space");
    await page.getByText("starmesh://router/1/").waitFor();
    await page.getByText("7743", { exact: true }).waitFor();
    await page.getByText("Works only on this LAN").waitFor();

    await page.getByRole("textbox", { name: "Public address" }).fill("203.0.113.5, vpn.example.org");
    await page.getByRole("button", { name: "Apply" }).click();
    await page.getByText("vpn.example.org:7743").waitFor();
    await page.getByText("Works only on this LAN").waitFor({ state: "detached" });

    await page.getByRole("textbox", { name: "Port" }).fill("7780");
    await page.getByRole("button", { name: "Apply" }).click();
    await page.getByRole("alert").getByText("Port 7780 is in use").waitFor();

    const before = engine.world.router.token;
    await page.getByRole("button", { name: "New link" }).click();
    await page.getByText("Replacing the link").waitFor();
    await page.reload();
    await expect.poll(() => engine.world.router.token, { timeout: 60_000 }).toBe(before + 1);
  });

  it("says what ends with a router that hosts networks, and that this router can admit members", async () => {
    const { page, engine } = await open({ hash: "#/router" });
    await page.getByText("This router can admit members itself").waitFor();
    await page.getByText("12 of 13 online").waitFor();
    await page.getByRole("switch", { name: "Act as a router" }).focus();
    await page.keyboard.press("Space");
    await page.getByText("Members of home-lab cannot find each other here").waitFor();
    await page.getByText("Networks hosted here").waitFor({ state: "detached" });
    expect(engine.world.router.on).toBe(false);
  });

  it("shows a peer's path, what was tried, what was decided, and pings it", async () => {
    const { page } = await open();
    await page.getByRole("searchbox", { name: "Search peers" }).fill("mei");
    await page.getByRole("link", { name: "mei-laptop" }).click();
    await page.getByRole("list", { name: "The way to it" }).getByText("nas").waitFor();
    await page.getByText("Relayed through nas: none of the 2 other addresses").first().waitFor();
    await page.getByRole("cell", { name: "in use" }).waitFor();
    await page.getByText("Session with mei-laptop").waitFor();
    await page.getByRole("button", { name: "Ping" }).click();
    await page.getByText(/Answer [2-9] after \d/).waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.locator(".chart canvas").waitFor();
  });

  it("changes how this machine is reached, and explains what cannot be", async () => {
    const { page, engine } = await open({ hash: "#/settings" });
    const settings = async () => (await engine.handlers["settings.read"]({})).settings;
    const mapping = page.getByRole("switch", { name: "Ask the internet router to let connections in" });
    await mapping.focus();
    await page.keyboard.press("Space");
    await expect.poll(async () => (await settings()).portMapping).toBe(false);
    await page.getByRole("switch", { name: "Find neighbours on the local network" }).focus();
    await page.keyboard.press("Space");
    await expect.poll(async () => (await settings()).lanDiscovery).toBe(false);

    await page.getByRole("combobox", { name: "Use only" }).click();
    await page.getByRole("option", { name: "10.0.7.12", exact: true }).click();
    await expect.poll(async () => (await settings()).bind).toBe("10.0.7.12");

    const declared = page.getByRole("textbox", { name: "Addresses where a port is forwarded" });
    await declared.fill("not an address");
    await page.getByRole("button", { name: "Apply the addresses" }).click();
    await page.getByText("Write each as HOST or HOST:PORT").waitFor();
    await declared.fill("203.0.113.5:7743, home.example.org:9000");
    await page.keyboard.press("Enter");
    await expect
      .poll(async () => (await settings()).declared)
      .toEqual(["203.0.113.5:7743", "home.example.org:9000"]);
  });

  it.each([
    ["en", "Port 7743 is in use by another program."],
    ["zh-CN", "端口 7743 正被其他程序占用。"],
  ])("tells an error in the reader's language: %s", async (locale, text) => {
    const { page } = await open({ start: "empty", hash: "#/create", locale });
    await page.getByRole("textbox").first().fill("fail.port-in-use");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText(text).waitFor();
  });

  it("comes back by itself when the engine was away", async () => {
    const { page, stopServer, restart } = await open();
    await page.getByText("nas").first().waitFor();
    await stopServer();
    await page.getByRole("alert").getByText("No connection to Starmesh.").waitFor();
    await page.getByText("nas").first().waitFor();
    await restart();
    await page.getByRole("alert").waitFor({ state: "detached" });
  });

  it("asks for the right to change the network where it lacks", async () => {
    const { page } = await open({ limited: true });
    await page.getByText("may not change this machine’s network yet").waitFor();
    await page.getByRole("button", { name: "Give the right" }).click();
    await page.getByText("may not change this machine’s network yet").waitFor({ state: "detached" });
  });

  it("breaks no rule of the content security policy on any page, and names everything that can be pressed", async () => {
    const { page, complaints, engine } = await open();
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
      const tree = await page.locator("body").ariaSnapshot();
      expect(tree, hash).not.toMatch(/^\s*- (button|link|switch|textbox|combobox|radio|menuitem)(:| \[|$)/m);
    }
    expect(complaints).toEqual([]);
  });

  it("runs in the window too, over the bridge, without any log-in", async () => {
    const panel = await open({ stranger: true });
    const page = await bridgedPage(panel);
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await page.goto(panel.server.panel ?? "");
    await page.getByRole("status").getByText("Connected").waitFor();
    expect(asked).not.toContain("/login");
    await goTo(page, "#/settings");
    const login = page.getByRole("switch", { name: "Start when I log in" });
    await login.focus();
    await page.keyboard.press("Space");
    await expect.poll(() => login.isChecked()).toBe(true);
    await page.getByText("Version 0.2.0 is available.").waitFor();
    await page.getByText("What is new in 0.2.0").waitFor();
    await page.getByRole("listitem").getByText("The panel lists who is online.").waitFor();
    await endBridge(page);
    await page.getByRole("alert").getByText("No connection to Starmesh.").waitFor();
  });
});
