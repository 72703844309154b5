/** What an administrator does with a whole network in the panel: profiles for WireGuard, its key, its end. */
import type { Browser } from "playwright-core";
import encodeQR from "qr";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { OpenPanel } from "./panel.ts";
import { goTo, lacking, launchChromium, openPanel } from "./panel.ts";

let browser: Browser;
const opened: OpenPanel[] = [];

/** A page of a network of the fake engine; the first unless another part is named. */
async function openNetwork(name: string, part = ""): Promise<OpenPanel> {
  const panel = await openPanel(browser);
  opened.push(panel);
  await goTo(panel.page, `#/networks/${panel.engine.world.find(name).id}${part}`);
  await panel.page.getByRole("heading", { level: 1, name }).waitFor();
  return panel;
}

describe.skipIf(lacking !== null)("a network's page", () => {
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    for (const panel of opened.splice(0)) await panel.close();
  });

  it("makes a profile for a WireGuard client, as text and as a QR code", async () => {
    const { page, engine } = await openNetwork("home-lab", "/clients");
    await page.getByRole("textbox", { name: "Name of the device" }).fill("tablet");
    await page.getByRole("button", { name: "Make a profile" }).click();
    const profile = await page.getByRole("textbox", { name: "Profile of tablet" }).inputValue();
    expect(profile).toMatch(/^\[Interface\]\nPrivateKey = /);
    const drawn = await page
      .getByRole("img", { name: "The profile of tablet as a QR code" })
      .locator("path")
      .getAttribute("d");
    const dark = encodeQR(profile, "raw", { ecc: "low", border: 1 }).flat().filter(Boolean);
    expect(drawn?.match(/M/g)).toHaveLength(dark.length);
    await page.getByRole("button", { name: "Copy the profile" }).click();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(profile);
    expect(engine.world.find("home-lab").peers.some(({ name }) => name === "tablet")).toBe(true);
  });

  it("lists who is online or offline, and remembers which", async () => {
    const { page, engine } = await openNetwork("home-lab");
    await goTo(page, "#/");
    await page.getByText(/^Offline \d+$/).click();
    const rows = page.locator(".peer-line");
    await page.getByRole("link", { name: "backup" }).waitFor();
    expect(await rows.count()).toBe(1);
    await page.reload();
    await page.getByRole("link", { name: "backup" }).waitFor();
    await page.getByRole("radio", { name: "Offline 1" }).waitFor({ state: "attached" });
    for (const peer of engine.world.find("home-lab").peers) peer.way = "direct";
    engine.world.changed();
    await page.getByText("Nobody is offline").waitFor();
    await page.getByRole("button", { name: "Show all" }).click();
    await page.getByRole("link", { name: "backup" }).waitFor();
    expect(await page.getByRole("radio", { name: /^All/ }).isChecked()).toBe(true);
  });

  it("tells since when a peer is reached as it is", async () => {
    const { page, engine } = await openNetwork("home-lab");
    const peer = engine.world.find("home-lab").peers.find(({ name }) => name === "atlas");
    if (peer === undefined) throw new Error("no atlas");
    const at = new Date(Date.now() - 3.5 * 3_600_000).toISOString();
    peer.decisions = [{ at, text: "direct" }];
    await goTo(page, `#/networks/${engine.world.find("home-lab").id}/peers/atlas`);
    await page.getByText("for 3 hours", { exact: true }).waitFor();
  });

  it("explains a name that is none", async () => {
    const { page } = await openNetwork("home-lab", "/clients");
    await page.getByRole("textbox", { name: "Name of the device" }).fill("fail.name-invalid");
    await page.getByRole("button", { name: "Make a profile" }).click();
    await page.getByRole("alert").getByText("cannot be used as a name").waitFor();
  });

  it("shows the issuer key with its warning, and hides it again", async () => {
    const { page } = await openNetwork("home-lab");
    await page.getByRole("button", { name: "Show the key" }).click();
    const key = page.getByRole("textbox", { name: "Issuer key" });
    expect(await key.inputValue()).toMatch(/^starmesh-key-1-/);
    await page.getByText("can let anybody in and remove anybody").waitFor();
    await page.getByRole("button", { name: "Hide it" }).click();
    await key.waitFor({ state: "detached" });
  });

  it("takes an issuer key where this machine is no administrator", async () => {
    const { page, engine } = await openNetwork("studio");
    engine.world.find("studio").admin = false;
    engine.world.changed();
    const key = page.getByRole("textbox", { name: "Issuer key" });
    await key.fill("something else");
    await page.getByRole("button", { name: "Become administrator" }).click();
    await page.getByRole("alert").getByText("not a whole Starmesh link").waitFor();
    await key.fill("starmesh-key-1-abc");
    await page.keyboard.press("Enter");
    await page.getByText("This machine is an administrator of studio now").waitFor();
    expect(engine.world.find("studio").admin).toBe(true);
  });

  it("lists of names, routes and clients have one Tab stop, and keep the keyboard when something goes", async () => {
    const { page, engine } = await openNetwork("home-lab", "/names");
    const stops = (rows: string) => page.locator(`${rows} [tabindex="0"]`);
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? "");
    await page.locator(".name-line button").first().focus();
    expect(await stops(".name-line").count()).toBe(1);
    await page.keyboard.press("End");
    const last = page.locator(".name-line").last();
    expect(await last.locator(":focus").count()).toBe(1);
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowRight");
    expect(await page.locator(".name-line").first().locator(":focus").count()).toBe(1);

    const { id } = engine.world.find("home-lab");
    await goTo(page, `#/networks/${id}/routes`);
    const take = page.getByRole("switch", { name: /^Take .* on this machine$/ }).first();
    await take.focus();
    expect(await stops(".route-line").count()).toBe(1);
    const before = await take.isChecked();
    await page.keyboard.press("Space");
    await expect.poll(() => take.isChecked()).toBe(!before);
    expect(await focused()).toMatch(/^Take /);

    await goTo(page, `#/networks/${id}/clients`);
    await page.locator(".client-line button").first().focus();
    expect(await stops(".client-line").count()).toBe(1);
    await page
      .getByRole("button", { name: /^Shut out / })
      .first()
      .focus();
    await page.keyboard.press("Enter");
    await page.locator(".client-line.leaving").waitFor();
    await page.locator(".client-line :focus").waitFor();
  });

  it("[C30] networks are dragged to another place, and Escape leaves them where they were", async () => {
    const { page, engine } = await openNetwork("home-lab");
    await goTo(page, "#/networks");
    const names = () => engine.world.networks.map(({ name }) => name);
    const cards = page.locator(".network-card");
    const grab = async (name: string, over: string) => {
      const place = async (text: string, inside: string) => {
        const box = await cards.filter({ hasText: text }).locator(inside).boundingBox();
        if (box === null) throw new Error(`${text} is not in view`);
        return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
      };
      const [from, own, to] = [await place(name, ".grip"), await place(name, "h2"), await place(over, "h2")];
      await page.mouse.move(from.x, from.y);
      await page.mouse.down();
      await page.mouse.move(from.x + to.x - own.x, from.y + to.y - own.y, { steps: 4 });
      await page.locator(".network-card.dragged").waitFor();
    };
    await grab("studio", "home-lab");
    await page.keyboard.press("Escape");
    await page.locator(".dragged").waitFor({ state: "detached" });
    await page.mouse.up();
    expect(names()).toEqual(["home-lab", "studio"]);

    await grab("studio", "home-lab");
    await page.mouse.up();
    await expect.poll(names).toEqual(["studio", "home-lab"]);
    await expect.poll(() => cards.locator("h2").allTextContents()).toEqual(["studio", "home-lab"]);
  });

  it("deletes a network only after its name was written", async () => {
    const { page, engine } = await openNetwork("studio");
    await page.getByRole("button", { name: "Delete for everybody" }).click();
    const dialog = page.getByRole("dialog", { name: "Delete studio?" });
    const confirm = dialog.getByRole("button", { name: "Delete for everybody" });
    await dialog.getByRole("textbox", { name: "Write studio to confirm" }).fill("studi");
    expect(await confirm.isDisabled()).toBe(true);
    await page.keyboard.type("o");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Networks" }).waitFor();
    expect(engine.world.networks.map(({ name }) => name)).toEqual(["home-lab"]);
  });
});
