import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { OpenPanel, PanelOptions } from "./panel.ts";
import { goTo, lacking, launchChromium, openPanel } from "./panel.ts";
import { bridgedPage, endBridge } from "./window.ts";

if (lacking !== null) process.stderr.write(`The panel's tests are skipped: ${lacking}.\n`);

let browser: Browser;
const opened: OpenPanel[] = [];

/** A panel that is closed after the test. */
async function open(options: PanelOptions = {}): Promise<OpenPanel> {
  const panel = await openPanel(browser, options);
  opened.push(panel);
  return panel;
}

function clipboardOf(page: Page): Promise<string> {
  return page.evaluate(() => navigator.clipboard.readText());
}

async function createNetwork(page: Page, name: string): Promise<string> {
  await page.getByRole("link", { name: "Create a network" }).click();
  await page.getByRole("textbox", { name: "Name of the network" }).fill(name);
  await page.getByRole("button", { name: "Create a network" }).click();
  const invite = page.getByRole("textbox", { name: "The invite" });
  await invite.waitFor();
  return invite.inputValue();
}

describe.skipIf(lacking !== null)("the panel", () => {
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    for (const panel of opened.splice(0)) await panel.close();
  });

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

  it("[C15] creates a network with nothing but a name, and shows its invite with a QR code", async () => {
    const { page } = await open({ start: "empty" });
    await page.getByRole("heading", { name: "Your machines, one network" }).waitFor();
    const invite = await createNetwork(page, "home");
    expect(invite).toMatch(/^starmesh:\/\/join\/1\/[\w-]+$/);
    await page.getByText("For 50 machines").waitFor();

    const code = page.getByRole("img", { name: "The invite as a QR code" });
    await code.locator("path").waitFor();
    const picture = await code.screenshot();

    await page.getByRole("button", { name: "Copy the invite" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    expect(await clipboardOf(page)).toBe(invite);

    await page.getByRole("link", { name: "Open home" }).click();
    await page.getByRole("heading", { name: "home connected" }).waitFor();

    // Somebody else takes a picture of it.
    await goTo(page, "#/join");
    await page
      .getByLabel("Choose a picture or a file")
      .setInputFiles({ name: "invite.png", mimeType: "image/png", buffer: picture });
    await expect.poll(() => page.getByRole("textbox", { name: "Invite" }).inputValue()).toBe(invite);
  });

  it("creates with options: range, approval, name of this machine; and explains a wrong range", async () => {
    const { page, engine } = await open({ start: "empty", hash: "#/create" });
    await page.getByRole("textbox", { name: "Name of the network" }).fill("lab");
    await page.getByRole("button", { name: "More options" }).click();
    await page.getByRole("switch", { name: "Ask me before anybody gets in" }).click();
    await page.getByRole("textbox", { name: "Name of this machine" }).fill("desk");
    const range = page.getByRole("textbox", { name: "Address range" });
    await range.fill("8.8.8.0/24");
    await page.getByRole("button", { name: "Create a network" }).click();
    await page.getByRole("alert").getByText("“8.8.8.0/24” is no usable address range").waitFor();
    await range.fill("10.20.0.0/16");
    await page.getByRole("button", { name: "Create a network" }).click();
    await page.getByRole("heading", { name: "lab is ready" }).waitFor();
    expect(engine.world.find("lab")).toMatchObject({ range: "10.20.0.0/16", approve: true, ownName: "desk" });
  });

  it("creates a network that is kept by a secret, and shows what the others need", async () => {
    const { page } = await open({ start: "empty", hash: "#/create" });
    await page.getByRole("textbox", { name: "Name of the network" }).fill("club");
    await page.getByRole("button", { name: "More options" }).click();
    await page.getByText("By shared secret").click();
    await page.getByRole("button", { name: "Create a network" }).click();
    await page.getByRole("heading", { name: "club is ready" }).waitFor();
    const secret = await page.getByRole("textbox", { name: "Secret" }).inputValue();
    expect(secret.length).toBeGreaterThanOrEqual(8);
    await page.getByText(`starmesh join club --secret ${secret}`).waitFor();
  });

  it("[C05] joins by one pasted line, step by step, and waits where approval is asked", async () => {
    const { page, engine } = await open({ start: "empty" });
    await page.getByRole("link", { name: "Join a network" }).click();
    const invite = engine.foreignInvite("office", { approve: true });
    // Mail programs break long lines.
    const broken = `${invite.slice(0, 60)}\n  ${invite.slice(60)}\n`;
    await page.getByRole("textbox", { name: "Invite" }).fill(broken);
    await page.getByText("An invite from 198.51.100.7:7743").waitFor();
    await page.getByRole("button", { name: "Join", exact: true }).click();
    await page.getByText("Looking for the router").waitFor();
    await page.getByRole("heading", { name: "Asked to join office" }).waitFor();
    await page.getByText("Approve this machine on atlas").waitFor();
    await page.getByRole("link", { name: "Show peers" }).click();
    await page.getByRole("status").getByText("Waiting for approval").waitFor();

    engine.world.find("office").state = "online";
    engine.world.changed();
    await page.getByRole("status").getByText("Connected").waitFor();
  });

  it("joins by name and secret", async () => {
    const { page } = await open({ start: "empty", hash: "#/join" });
    await page.getByText("Name and secret").click();
    await page.getByRole("textbox", { name: "Name of the network" }).fill("club");
    await page.getByRole("textbox", { name: "Secret" }).fill("wrong");
    await page.getByRole("textbox", { name: "Router" }).fill("192.0.2.1");
    await page.getByRole("button", { name: "Join", exact: true }).click();
    await page.getByRole("alert").getByText("Wrong secret for club.").waitFor();
    await page.getByRole("textbox", { name: "Secret" }).fill("correct horse");
    await page.getByRole("button", { name: "Join", exact: true }).click();
    await page.getByRole("heading", { name: "This machine is in club" }).waitFor();
  });

  it("warns of a garbled or expired invite before it is used, and offers a way round an overlap", async () => {
    const { page, engine } = await open({ start: "empty", hash: "#/join" });
    const field = page.getByRole("textbox", { name: "Invite" });
    await field.fill(engine.foreignInvite("office").slice(0, -4));
    await page.getByText("This is not a whole Starmesh link").waitFor();
    await field.fill(engine.foreignInvite("office", { expiresSeconds: -7200 }));
    await page.getByText("This invite ended 2 hours ago").waitFor();
    await field.fill(engine.foreignInvite("crowded"));
    await page.getByRole("button", { name: "Join", exact: true }).click();
    await page.getByRole("alert").getByText("overlaps 192.168.1.0/24").waitFor();
    await page.getByRole("checkbox", { name: "Join anyway" }).click();
    await page.getByRole("button", { name: "Join", exact: true }).click();
    await page.getByRole("heading", { name: "This machine is in crowded" }).waitFor();
    await page.getByText("no route to the network is set").waitFor();
  });

  it("invites, approves, removes and makes administrators", async () => {
    const { page, engine } = await open();
    await page.getByRole("main").getByRole("link", { name: "studio", exact: true }).click();
    await page.getByRole("button", { name: "Make an invite" }).click();
    expect(await page.getByRole("textbox", { name: "The invite" }).inputValue()).toContain(
      "starmesh://join/1/",
    );

    const waiting = page.getByRole("list", { name: "Waiting for approval" });
    await waiting.getByText("ines").waitFor();
    await page.getByRole("button", { name: "Approve ines" }).click();
    await waiting.waitFor({ state: "detached" });

    // A click that lands while the list moves closes the menu again; a person clicks once more, and so does this.
    const choose = async (name: string, item: string) => {
      const entry = page.getByRole("menuitem", { name: item });
      for (let tries = 1; ; tries++) {
        await page.getByRole("button", { name: `Change ${name}` }).click();
        try {
          return await entry.click({ timeout: 3000 });
        } catch (error) {
          if (tries === 5) throw error;
        }
      }
    };
    const member = (name: string) => engine.world.find("studio").peers.find((peer) => peer.name === name);
    await choose("render-2", "Make administrator");
    await page.getByText("Making render-2 an administrator").waitFor();
    expect(member("render-2")?.admin).toBe(false);
    await choose("ines", "Remove");
    await page.getByText("Removing ines").waitFor();
    const undo = page.getByRole("region", { name: "About to be done" });
    await undo.getByRole("button", { name: "Undo" }).last().click();
    await page.getByText("Removing ines").waitFor({ state: "detached" });
    await page.mouse.move(5, 5);
    await undo.getByRole("button").waitFor({ state: "detached" });
    await expect.poll(() => member("render-2")?.admin, { timeout: 60_000 }).toBe(true);
    expect(member("ines")).toBeDefined();

    await choose("ines", "Remove");
    await page.reload();
    await page.getByText("render-2").first().waitFor();
    await page.getByRole("link", { name: "ines" }).waitFor({ state: "detached" });
    expect(member("ines")).toBeUndefined();
  });

  it("leaves a network a moment later, or at once when the page goes", async () => {
    const { page, engine } = await open({ hash: "#/networks" });
    await page.getByRole("main").getByRole("link", { name: "studio", exact: true }).click();
    await page.getByRole("button", { name: "Leave" }).click();
    await page.getByRole("heading", { name: "Networks", exact: true }).waitFor();
    await page.getByText("Leaving studio").waitFor();
    expect(engine.world.networks).toHaveLength(2);
    await page.reload();
    await expect
      .poll(() => engine.world.networks.map(({ name }) => name), { timeout: 60_000 })
      .toEqual(["home-lab"]);
  });

  it("connects and disconnects all networks and single ones, and says so in words", async () => {
    const { page, engine } = await open();
    const all = page.getByRole("switch", { name: "Connect all networks" });
    const words = page.getByRole("status");
    await words.getByText("Connected").waitFor();
    await all.click();
    await words.getByText("Disconnected").waitFor();
    expect(engine.world.networks.map(({ state }) => state)).toEqual(["off", "off"]);
    await page.getByRole("listitem").filter({ hasText: "studio" }).locator(".mantine-Switch-track").click();
    await words.getByText("Connected to 1 of 2 networks").waitFor();
    expect(await all.getAttribute("aria-checked")).toBe("true");
    await page.getByRole("switch", { name: "Connect home-lab" }).focus();
    await page.keyboard.press("Space");
    await words.getByText("Connected", { exact: true }).waitFor();
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

  it("takes language and colours from the system", async () => {
    const { page } = await open({ locale: "zh-CN", colorScheme: "dark" });
    await page.getByRole("link", { name: "网络", exact: true }).waitFor();
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe(
      "rgb(18, 21, 29)",
    );
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

  it("comes back by itself when the engine was away", async () => {
    const { page, stopServer, restart } = await open();
    await page.getByText("nas").first().waitFor();
    await stopServer();
    await page.getByRole("alert").getByText("No connection to Starmesh.").waitFor();
    await page.getByText("nas").first().waitFor();
    await restart();
    await page.getByRole("alert").waitFor({ state: "detached" });
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
    await session.send("Performance.enable");
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

  it("[C30] networks stand in the order that was chosen, by keys alone, and start as was chosen", async () => {
    const { page, engine } = await open({ hash: "#/networks" });
    const names = () => engine.world.networks.map(({ name }) => name);
    await page.getByRole("button", { name: "Move studio up" }).focus();
    await page.keyboard.press("Enter");
    await expect.poll(names).toEqual(["studio", "home-lab"]);
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.getAttribute("aria-label")))
      .toBe("Move studio down");
    await page.keyboard.press("Enter");
    await expect.poll(names).toEqual(["home-lab", "studio"]);
    await page.getByRole("combobox", { name: "studio, when Starmesh starts" }).selectOption("up");
    await expect.poll(() => engine.world.find("studio").start).toBe("up");
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
    await endBridge(page);
    await page.getByRole("alert").getByText("No connection to Starmesh.").waitFor();
  });
});

const updates = 10;
