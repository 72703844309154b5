/** The tray: what its icon and menu show of a state, and what its items do. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { EngineState } from "../../src-main/shell/engine-link.ts";
import { pictureName } from "../../src-main/shell/tray.ts";
import { moodOf, moods, trayMenu } from "../../src-main/shell/tray-menu.ts";
import { wordsFor } from "../../src-main/shell/words.ts";
import { createFakeEngine } from "../fakes/engine.ts";
import { closeDesk, FakeAccess, menuItem, openDesk, until } from "./desk.ts";
import type { FakeMenuItem } from "./fake-electron.ts";
import { clipboard, resetElectron, Tray } from "./fake-electron.ts";

type Running = Extract<EngineState, { kind: "running" }>;

let access: FakeAccess;

beforeEach(() => {
  resetElectron();
  access = new FakeAccess(true);
});
afterEach(() => closeDesk(access));

test("each network has a switch of its own", async () => {
  await openDesk(access, "/pages");
  await until(() => menuItem("studio")?.checked === true);
  menuItem("studio")?.click?.();
  await until(() => menuItem("studio")?.checked === false);
  expect(menuItem("home-lab")?.checked).toBe(true);
  expect(theTray().tip).toBe("Starmesh: Connected: home-lab");
});

test("this computer's addresses are copied, one for each network", async () => {
  await openDesk(access, "/pages");
  await until(() => menuItem("Copy my address") !== undefined);
  const { networks } = await access.fake.handlers["status.read"]({});
  const items = menuItem("Copy my address")?.submenu ?? [];
  expect(items.map((item) => item.label)).toEqual(
    networks.map(({ address, name }) => `${address} (${name})`),
  );
  items[1]?.click?.();
  expect(clipboard.text).toBe(networks[1]?.address);
});

test("the addresses of other devices are copied; those that are away, and of many the last, are left to the window", async () => {
  await openDesk(access, "/pages");
  await until(() => menuItem("Copy a device's address") !== undefined);
  const { peers } = await access.fake.handlers["status.read"]({});
  const [item] = menuItem("Copy a device's address")?.submenu ?? [];
  item?.click?.();
  expect(peers.map(({ address }) => address)).toContain(clipboard.text);

  const state = await running();
  const [peer] = state.status.peers;
  if (peer === undefined) throw new Error("the fake has peers");
  const numbered = (state: typeof peer.state) => (_: unknown, index: number) => ({
    ...peer,
    state,
    name: `peer-${String(index).padStart(2, "0")}`,
  });
  const many = Array.from({ length: 22 }, numbered("idle"));
  const away = Array.from({ length: 5 }, numbered("offline"));
  const devicesOf = (peers: Running["status"]["peers"]) => {
    const menu = trayMenu(
      { engine: { ...state, status: { ...state.status, peers } }, update: null },
      wordsFor("en"),
      nothing,
    );
    const found = menu.find(({ label }) => label === "Copy a device's address");
    if (found === undefined) return null;
    return Array.isArray(found.submenu) ? found.submenu.map(({ label }) => label) : [];
  };
  expect(devicesOf(away)).toBeNull();
  const listed = devicesOf([...away, ...many]) ?? [];
  expect(listed).toHaveLength(21);
  expect([listed[0], listed.at(-1)]).toEqual([
    expect.stringContaining("peer-00 (home-lab): "),
    "All devices…",
  ]);
});

test("the way to the internet is chosen and given up, as strictly as before", async () => {
  const { handlers } = access.fake;
  const [offer] = (await handlers["exit.read"]({})).offers;
  const member = offer?.member ?? "";
  const choose = () =>
    handlers["exit.set"]({ member, killSwitch: "strict", lan: false, only: [], except: [] });
  await choose();
  await openDesk(access, "/pages");
  await until(() => menuItem(`To the internet through ${member}`) !== undefined);
  choice("As usual").click?.();
  await until(() => menuItem("Way to the internet") !== undefined);
  expect((await handlers["exit.read"]({})).chosen).toBeNull();

  await choose();
  choice(member).click?.();
  await until(() => menuItem(`To the internet through ${member}`) !== undefined);
  expect((await handlers["exit.read"]({})).chosen).toMatchObject({
    member,
    killSwitch: "strict",
    lan: false,
  });
});

test("the menu is replaced only when what it shows has changed", async () => {
  await openDesk(access, "/pages");
  await until(() => menuItem("Disconnect") !== undefined);
  const tray = theTray();
  const before = tray.menus;
  let heard = 0;
  const follower = access.fake.handlers["status.watch"]({}, new AbortController().signal);
  for (let each = 0; each < 5; each++) access.fake.world.changed();
  for await (const _status of follower) if (++heard === 2) break;
  expect(tray.menus).toBe(before);
});

test("[E07] the icon tells what goes on, by shape, on every system and in every size of its set", () => {
  const folder = fileURLToPath(new URL("../../resources/icons/tray/", import.meta.url));
  const sizes = {
    linux: { "": 48 },
    win32: { "": 16, "@1.25x": 20, "@1.5x": 24, "@2x": 32, "@3x": 48 },
    darwin: { "": 16, "@2x": 32 },
  } as const;
  for (const platform of ["linux", "win32", "darwin"] as const) {
    for (const [size, side] of Object.entries(sizes[platform])) {
      const pictures = moods.map((mood) =>
        readFileSync(folder + pictureName(mood, platform).replace(".png", `${size}.png`)),
      );
      for (const picture of pictures)
        expect([picture.readUInt32BE(16), picture.readUInt32BE(20)]).toEqual([side, side]);
      expect(new Set(pictures.map((picture) => picture.toString("base64"))).size).toBe(moods.length);
    }
  }
});

test.each<[string, (state: Running) => EngineState, ReturnType<typeof moodOf>]>([
  ["all is well", (state) => state, "on"],
  ["it starts", () => ({ kind: "starting" }), "connecting"],
  ["it was stopped", () => ({ kind: "stopped", why: null }), "off"],
  ["it cannot start", () => ({ kind: "stopped", why: "no room" }), "problem"],
  ["no network is connected", (state) => withNetworks(state, "off"), "off"],
  ["no router and no peer answers", (state) => withoutPeers(withNetworks(state, "offline")), "connecting"],
  ["no router answers, but peers do", (state) => withNetworks(state, "offline"), "on"],
  ["a network refuses", (state) => withNetworks(state, "refused"), "problem"],
  ["rights are missing", (state) => limited(state), "problem"],
  ["rights are missing, and nothing is connected", (state) => limited(withNetworks(state, "off")), "off"],
  ["the way out failed", (state) => ({ ...state, exit: failedExit }), "problem"],
])("its mood when %s", async (_when, change, mood) => {
  expect(moodOf(change(await running()))).toBe(mood);
});

test("many networks move one level down, and long lines are cut", async () => {
  const state = await running();
  const [network] = state.status.networks;
  if (network === undefined) throw new Error("the fake has networks");
  const networks = Array.from({ length: 9 }, (_, index) => ({
    ...network,
    id: `${index}`,
    name: `n${index}`,
  }));
  const many: Running = { ...state, status: { ...state.status, networks } };
  const items = trayMenu({ engine: limited(many), update: "1.2.3" }, wordsFor("zh-CN"), nothing);
  expect(items.find((item) => item.label === "网络")?.submenu).toHaveLength(9);
  expect(items.find((item) => item.label === "重新启动以更新到 1.2.3")).toBeDefined();
  for (const { label = "" } of items.slice(1)) expect(label.length).toBeLessThanOrEqual(80);
});

async function running(): Promise<Running> {
  const fake = createFakeEngine({ peers: 3, start: "running" });
  const state = {
    kind: "running",
    status: await fake.handlers["status.read"]({}),
    exit: await fake.handlers["exit.read"]({}),
    hosted: true,
  } as const;
  fake.stop();
  return state;
}

function withNetworks(state: Running, as: "off" | "offline" | "refused"): Running {
  const networks = state.status.networks.map((network) => ({ ...network, state: as }));
  return { ...state, status: { ...state.status, networks } };
}

function withoutPeers(state: Running): Running {
  return { ...state, status: { ...state.status, peers: [] } };
}

function limited(state: Running): Running {
  const node = { ...state.status.node, limited: `No right ${"at all ".repeat(20)}` };
  return { ...state, status: { ...state.status, node } };
}

function theTray(): Tray {
  const tray = Tray.all.at(-1);
  if (tray === undefined) throw new Error("there is no icon");
  return tray;
}

/** An item of the menu of ways to the internet. */
function choice(label: string): FakeMenuItem {
  const ways = theTray().menu.find((item) => item.submenu?.some((each) => each.label === "As usual"));
  const item = ways?.submenu?.find((each) => each.label === label);
  if (item === undefined) throw new Error(`no way “${label}”`);
  return item;
}

const failedExit = {
  state: "failed",
  chosen: null,
  reason: "no table",
  outside: [],
  offers: [],
} as const satisfies Partial<Running["exit"]>;

const nothing = new Proxy({} as Parameters<typeof trayMenu>[2], { get: () => () => undefined });
