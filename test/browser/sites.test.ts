/** What a network leads to and who may reach whom: routes, devices with the WireGuard app, names, rules. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goTo, lacking, launchChromium, openPanel } from "./panel.ts";

let browser: Browser;

describe.skipIf(lacking !== null)("the pages of a network", () => {
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  it("lead to one another by the keyboard alone", async () => {
    const panel = await openPanel(browser);
    const { page, engine } = panel;
    await goTo(page, `#/networks/${engine.world.find("home-lab").id}`);
    for (const [tab, heading] of [
      ["Routes", "Networks behind members"],
      ["Other devices", "Devices let in so far"],
      ["Names", "Another name"],
      ["Rules", "Who may reach whom"],
      ["Overview", "Issuer key"],
    ] as const) {
      await page.getByRole("link", { name: tab, exact: true }).focus();
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: heading }).waitFor();
      await expect
        .poll(() => page.getByRole("link", { name: tab, exact: true }).getAttribute("aria-current"))
        .toBe("page");
    }
    await panel.close();
  });

  it("[E15] [P28] name a LAN that has the network's addresses, and give the network others after a look at who gets which", async () => {
    const panel = await openPanel(browser);
    const { page, engine, complaints } = panel;
    const network = engine.world.find("home-lab");
    network.routes.overlaps = [
      {
        network: network.name,
        kind: "range",
        wanted: network.range,
        local: "10.42.7.0/24",
        interface: "eth1",
        advice: "starmesh network renumber",
        map: null,
        move: "10.60.0.0/16",
      },
    ];
    engine.world.changed();
    await goTo(page, `#/networks/${network.id}/routes`);
    await page.getByRole("button", { name: "Give the network other addresses" }).focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Other addresses for home-lab" });
    await expect.poll(() => dialog.getByLabel("New addresses").inputValue()).toBe("10.60.0.0/16");
    await page.keyboard.press("Enter");
    await dialog
      .getByRole("list", { name: "Who gets which address" })
      .getByText("becomes 10.60.")
      .first()
      .waitFor();
    await dialog.getByRole("button", { name: "Change the addresses" }).click();
    await dialog.waitFor({ state: "detached" });
    await expect.poll(() => network.routes.overlaps.length).toBe(0);
    expect(complaints).toEqual([]);
    await panel.close();
  });

  it("[C21] [P29] [P18] show who leads to a local network and why, and lead to another one", async () => {
    const panel = await openPanel(browser);
    const { page, engine } = panel;
    const network = engine.world.find("home-lab");
    await goTo(page, `#/networks/${network.id}/routes`);
    const line = page.locator(".route-line");
    await line.getByText("192.168.50.0/24", { exact: true }).waitFor();
    await line.getByText("answers quickest").waitFor();
    expect(await line.locator(".route-gateway").count()).toBe(2);

    const take = page.getByRole("switch", { name: "Take 192.168.50.0/24 on this machine" });
    await expect.poll(() => take.isChecked()).toBe(true);
    await press(page, take);
    await expect.poll(() => network.routes.acceptance.prefixes).toEqual(["192.168.50.0/24"]);
    await expect.poll(() => take.isChecked()).toBe(false);

    await page.getByLabel("Addresses").fill("192.168.1.0/24");
    await page.getByLabel("Known to others as").fill("10.9.1.0/24");
    await page.getByRole("button", { name: "Lead there" }).click();
    const own = page.getByRole("list", { name: "What this machine leads to" });
    await own.getByText("192.168.1.0/24").waitFor();
    await own.getByText("known as 10.9.1.0/24").waitFor();

    const firewalls = page.getByRole("list", { name: "Firewall of this machine" });
    await firewalls
      .getByRole("listitem")
      .filter({ hasText: "ip filter FORWARD" })
      .getByText("let through")
      .waitFor();
    await press(page, page.getByRole("switch", { name: "Let it through there" }));
    await firewalls.getByText("dropped").waitFor();
    await own.getByRole("button", { name: "Take back 192.168.1.0/24" }).click();
    await page.getByText("Taking back 192.168.1.0/24").waitFor();
    await page.reload();
    await expect.poll(() => network.routes.own.length).toBe(0);

    await page.getByLabel("Addresses").fill("192.168.1");
    await page.getByRole("button", { name: "Lead there" }).click();
    await page.getByRole("alert").waitFor();
    await panel.close();
  });

  it("[Z05] [Z26] lead to the internet through a member, and say what happens while it is silent", async () => {
    const panel = await openPanel(browser);
    const { page, engine } = panel;
    const network = engine.world.find("home-lab");
    await goTo(page, `#/networks/${network.id}/routes`);
    const through = page.getByRole("combobox", { name: "Through" });
    await through.selectOption("atlas");
    await page.getByText("Everything goes through atlas now.").waitFor();
    await page.getByText("Nothing gets out", { exact: true }).click();
    await expect
      .poll(async () => (await engine.handlers["exit.read"]({})).chosen)
      .toMatchObject({ member: "atlas", killSwitch: "strict", lan: true });
    await page.getByRole("button", { name: "Send curl through atlas again" }).click();
    await page.getByRole("button", { name: "Send curl through atlas again" }).waitFor({ state: "detached" });
    expect((await engine.handlers["exit.read"]({})).outside).toMatchObject([{ program: "steam" }]);
    await through.selectOption("");
    await expect.poll(async () => (await engine.handlers["exit.read"]({})).chosen).toBeNull();
    await panel.close();
  });

  it("[Z14] let hosts of a LAN without Starmesh use the network", async () => {
    const panel = await openPanel(browser);
    const { page, engine } = panel;
    const network = engine.world.find("home-lab");
    await goTo(page, `#/networks/${network.id}/routes`);
    await page.getByLabel("Their LAN").fill("192.168.7.0/24");
    await page.getByRole("button", { name: "Let them in" }).click();
    await press(page, page.getByRole("switch", { name: "Members reach them at ports that they use" }));
    await expect.poll(() => network.routes.shared).toEqual({ prefixes: ["192.168.7.0/24"], fullCone: true });
    await page.getByRole("button", { name: "End it" }).click();
    await page.getByText("Shutting these hosts out").waitFor();
    await page.reload();
    await expect.poll(() => network.routes.shared).toBeNull();
    await panel.close();
  });

  it("[Z13] open a port of this machine that leads to a member, and close it", async () => {
    const panel = await openPanel(browser);
    const { page, engine } = panel;
    await goTo(page, `#/networks/${engine.world.find("home-lab").id}/routes`);
    await page.getByLabel("Port here").fill("8080");
    await page.getByLabel("Leads to").fill("10.31.0");
    await page.getByText("A member’s ADDRESS:PORT").waitFor();
    await page.getByLabel("Leads to").fill("10.31.0.3:80");
    await page.getByRole("button", { name: "Open", exact: true }).click();
    const list = page.getByRole("list", { name: "Ports that lead to members" });
    await list.getByText("0.0.0.0:8080").waitFor();
    await list.getByRole("button", { name: "Close 0.0.0.0:8080" }).click();
    await page.getByText("Closing 0.0.0.0:8080").waitFor();
    await page.reload();
    await expect.poll(() => list.count()).toBe(0);
    await panel.close();
  });

  it("[C26] pass broadcasts on where an administrator wants it, and this machine may stay out", async () => {
    const panel = await openPanel(browser);
    const { page, engine } = panel;
    const network = engine.world.find("home-lab");
    await goTo(page, `#/networks/${network.id}`);
    await press(page, page.getByRole("switch", { name: "Pass broadcasts on between members of home-lab" }));
    await page.getByText("UDP ports: 5,353").or(page.getByText("UDP ports: 5353")).waitFor();
    await press(page, page.getByRole("switch", { name: "This machine takes part" }));
    await expect.poll(() => network.broadcast).toMatchObject({ on: true, take: false });
    await panel.close();
  });

  it("[Z27] [Z02] let a device with the WireGuard app in, and shut it out", async () => {
    const panel = await openPanel(browser);
    const { page, engine } = panel;
    await goTo(page, `#/networks/${engine.world.find("home-lab").id}/clients`);
    await page.getByLabel("Name of the device").fill("tablet");
    await page.getByRole("button", { name: "Make a profile" }).click();
    await page.getByRole("img", { name: "The profile of tablet as a QR code" }).waitFor();
    const list = page.getByRole("list", { name: "Devices with the WireGuard app" });
    await list.getByText("tablet").waitFor();
    await page.getByRole("button", { name: "Shut out tablet" }).click();
    await page.getByText("tablet is being shut out").waitFor();
    // What waits is done when the page goes.
    await page.reload();
    await expect.poll(() => list.getByText("tablet").count()).toBe(0);
    await panel.close();
  });

  it("[Z38] show every name, and take names by hand", async () => {
    const panel = await openPanel(browser);
    const { page, engine } = panel;
    await goTo(page, `#/networks/${engine.world.find("home-lab").id}/names`);
    await page.getByText("mei-laptop.home-lab.mesh").waitFor();
    await page.getByLabel("Name", { exact: true }).fill("printer");
    await page.getByLabel("Address or name").fill("192.168.50.9");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByText("printer.home-lab.mesh").waitFor();
    await page.getByRole("button", { name: "Remove printer.home-lab.mesh" }).click();
    await page.getByText("Removing the name printer.home-lab.mesh").waitFor();
    await page.reload();
    await page.getByText("mei-laptop.home-lab.mesh").waitFor();
    await page.getByText("printer.home-lab.mesh").waitFor({ state: "detached" });
    await panel.close();
  });

  it("[Z25] [W04] [W20] change the rules, say first what that does, and ask them", async () => {
    const panel = await openPanel(browser);
    const { page, engine } = panel;
    await goTo(page, `#/networks/${engine.world.find("home-lab").id}/rules`);
    const text = page.getByRole("textbox", { name: "Rules in YAML" });
    await text.fill("default: none\nrules:\n  - {from: any, to: mei-laptop, ports: tcp:22}\n");
    await page.getByRole("button", { name: "What would change?" }).click();
    const changes = page.getByRole("list", { name: "What it would change" });
    await changes.getByText("loses").first().waitFor();

    await page.getByRole("combobox", { name: "From" }).fill("backup");
    await page.getByRole("combobox", { name: "To" }).fill("mei-laptop");
    await page.getByLabel("Service").fill("tcp:22");
    await page.getByRole("button", { name: "Check" }).click();
    await page.getByRole("status").getByText("Let in", { exact: true }).waitFor();
    await page.getByLabel("Service").fill("tcp:80");
    await page.getByRole("button", { name: "Check" }).click();
    await page.getByRole("status").getByText("Refused", { exact: true }).waitFor();

    await page.getByRole("button", { name: "Set for all members" }).click();
    await page.getByText("The rules are set for all members").waitFor();
    // What cuts this machine off is on trial until somebody keeps it.
    await page.getByRole("button", { name: "Keep them" }).click();
    await expect.poll(() => page.getByRole("button", { name: "Keep them" }).count()).toBe(0);

    await text.fill("default: perhaps\n");
    await page.getByRole("button", { name: "What would change?" }).click();
    await page
      .getByRole("alert")
      .filter({ hasText: "perhaps" })
      .or(page.getByRole("alert").filter({ hasText: "write all or none" }))
      .waitFor();
    await panel.close();
  });
});

async function press(page: Page, what: { focus(): Promise<void> }): Promise<void> {
  await what.focus();
  await page.keyboard.press("Space");
}
