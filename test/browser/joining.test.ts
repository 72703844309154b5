/** Networks in the panel: how they are made, joined, peopled, left and put in order. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { openedHere } from "./opened.ts";
import { goTo, lacking } from "./panel.ts";

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

describe.skipIf(lacking !== null)("the panel, where networks begin and end", () => {
  const open = openedHere();

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
});
