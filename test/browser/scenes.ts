/** What the pages can show, and how one gets there; in either language. */
import type { Page } from "playwright-core";
import type { Words } from "../../src-renderer/words/words.ts";
import type { FakeEngine } from "../fakes/engine.ts";
import type { OpenPanel, PanelOptions } from "./panel.ts";

/** How a reader has set the pages. */
export interface Look {
  readonly locale: "en" | "zh-CN";
  readonly colorScheme: "light" | "dark";
  /** Pixels. */
  readonly width: number;
}

export interface Scene {
  readonly name: string;
  readonly options?: PanelOptions;
  readonly hash?: (engine: FakeEngine) => string;
  /** In the desktop app's window. */
  readonly inWindow?: boolean;
  /** Only what is in view, as where something lies over the page. */
  readonly viewOnly?: boolean;
  readonly act?: (stage: Stage) => Promise<void>;
}

interface Stage {
  readonly panel: OpenPanel;
  readonly page: Page;
  readonly say: Words["say"];
}

const inLab = (rest: string) => (engine: FakeEngine) =>
  `#/networks/${engine.world.find("home-lab").id}${rest}`;
const inStudio = (engine: FakeEngine) => `#/networks/${engine.world.find("studio").id}`;
const at = (hash: string) => () => hash;
const empty = { start: "empty" } as const;

const press = async ({ page }: Stage, name: string) =>
  page.getByRole("main").getByRole("button", { name, exact: true }).first().click();
const fill = async ({ page }: Stage, name: string, text: string) =>
  page.getByRole("textbox", { name, exact: true }).fill(text);
const inviteShown = ({ page, say }: Stage) =>
  page
    .getByRole("img", { name: say("invite.qr") })
    .locator("path")
    .waitFor();

const wholePages: readonly Scene[] = [
  { name: "home" },
  { name: "home-1000", options: { peers: 1000 }, viewOnly: true },
  { name: "networks", hash: at("#/networks") },
  {
    name: "networks-dragged",
    viewOnly: true,
    hash: at("#/networks"),
    act: async ({ page }) => {
      const to = await page.locator(".grip").first().boundingBox();
      await page.locator(".grip").last().hover();
      await page.mouse.down();
      await page.mouse.move((to?.x ?? 0) + 40, (to?.y ?? 0) + 60, { steps: 3 });
      await page.locator(".dragged").waitFor();
    },
  },
  { name: "latency", hash: at("#/latency") },
  { name: "graph", hash: at("#/graph") },
  { name: "router", hash: at("#/router") },
  { name: "diagnostics", hash: at("#/diagnostics") },
  { name: "settings", hash: at("#/settings") },
  { name: "settings-window", hash: at("#/settings"), inWindow: true },
  { name: "network", hash: inLab("") },
  { name: "network-waiting", hash: inStudio },
  { name: "routes", hash: inLab("/routes") },
  {
    name: "routes-own",
    hash: inLab("/routes"),
    act: async (stage) => {
      await fill(stage, stage.say("routes.prefix"), "192.168.7.0/24");
      await press(stage, stage.say("routes.advertise"));
      await stage.page.getByText(stage.say("firewall.title")).first().waitFor();
    },
  },
  { name: "clients", hash: inLab("/clients") },
  { name: "names", hash: inLab("/names") },
  { name: "rules", hash: inLab("/rules") },
  { name: "peer-direct", hash: inLab("/peers/atlas") },
  { name: "peer-relayed", hash: inLab("/peers/mei-laptop") },
  { name: "peer-offline", hash: inLab("/peers/backup") },
  { name: "gone", hash: at("#/networks/none") },
];

const firstRun: readonly Scene[] = [
  { name: "first", options: empty },
  { name: "first-limited", options: { ...empty, limited: true } },
  { name: "first-networks", options: empty, hash: at("#/networks") },
  { name: "first-latency", options: empty, hash: at("#/latency") },
  { name: "first-graph", options: empty, hash: at("#/graph") },
  { name: "first-router", options: empty, hash: at("#/router") },
  { name: "first-create", options: empty, hash: at("#/create") },
  {
    name: "first-create-more",
    options: empty,
    hash: at("#/create"),
    act: async (stage) => press(stage, stage.say("more")),
  },
  {
    name: "first-create-wrong",
    options: empty,
    hash: at("#/create"),
    act: async (stage) => {
      await fill(stage, stage.say("create.name"), "fail.port-in-use");
      await stage.page.keyboard.press("Enter");
      await stage.page.getByRole("alert").waitFor();
    },
  },
  {
    name: "first-created",
    options: empty,
    hash: at("#/create"),
    act: async (stage) => {
      await fill(stage, stage.say("create.name"), "home");
      await stage.page.keyboard.press("Enter");
      await inviteShown(stage);
    },
  },
  {
    name: "first-created-secret",
    options: empty,
    hash: at("#/create"),
    act: async (stage) => {
      await fill(stage, stage.say("create.name"), "club");
      await press(stage, stage.say("more"));
      await stage.page.getByText(stage.say("create.way.secret"), { exact: true }).click();
      await press(stage, stage.say("create.title"));
      await stage.page.getByRole("heading", { name: stage.say("create.done", { name: "club" }) }).waitFor();
    },
  },
  { name: "first-join", options: empty, hash: at("#/join") },
  {
    name: "first-join-invite",
    options: empty,
    hash: at("#/join"),
    act: async (stage) => fill(stage, stage.say("join.invite"), stage.panel.engine.foreignInvite("office")),
  },
  {
    name: "first-join-wrong",
    options: empty,
    hash: at("#/join"),
    act: async (stage) => {
      await fill(stage, stage.say("join.invite"), stage.panel.engine.foreignInvite("crowded"));
      await press(stage, stage.say("join.action"));
      await stage.page.getByRole("alert").waitFor();
    },
  },
  {
    name: "first-join-secret",
    options: empty,
    hash: at("#/join"),
    act: async (stage) => {
      await stage.page.getByText(stage.say("join.way.secret"), { exact: true }).click();
      await press(stage, stage.say("join.action"));
    },
  },
  {
    name: "first-joined-waits",
    options: empty,
    hash: at("#/join"),
    act: async (stage) => {
      const invite = stage.panel.engine.foreignInvite("office", { approve: true });
      await fill(stage, stage.say("join.invite"), invite);
      await press(stage, stage.say("join.action"));
      await stage.page.getByRole("link", { name: stage.say("joined.home") }).waitFor();
    },
  },
  {
    name: "first-home-waits",
    options: empty,
    hash: at("#/join"),
    act: async (stage) => {
      const invite = stage.panel.engine.foreignInvite("office", { approve: true });
      await fill(stage, stage.say("join.invite"), invite);
      await press(stage, stage.say("join.action"));
      await stage.page.getByRole("link", { name: stage.say("joined.home") }).click();
      await stage.page.getByRole("status").first().waitFor();
    },
  },
  {
    name: "first-home-alone",
    options: empty,
    hash: at("#/create"),
    act: async (stage) => {
      await fill(stage, stage.say("create.name"), "home");
      await stage.page.keyboard.press("Enter");
      await stage.page.getByRole("img", { name: stage.say("invite.qr") }).waitFor();
      await stage.page.evaluate(() => {
        window.location.hash = "#/";
      });
      await stage.page.getByText(stage.say("alone.title")).waitFor();
    },
  },
];

const states: readonly Scene[] = [
  {
    name: "login",
    options: { stranger: true },
    act: async ({ page }) => page.getByRole("heading").waitFor(),
  },
  { name: "home-limited", options: { limited: true } },
  {
    name: "home-off",
    act: async ({ page, say }) => {
      await page.getByRole("switch", { name: say("hero.switchAll") }).click();
      await page.getByText(say("state.off"), { exact: true }).waitFor();
    },
  },
  {
    name: "home-router-away",
    act: async ({ panel, page, say }) => {
      for (const network of panel.engine.world.networks) network.state = "offline";
      panel.engine.world.changed();
      await page.getByText(say("state.reaching")).waitFor();
    },
  },
  {
    name: "home-refused",
    act: async ({ panel, page, say }) => {
      for (const network of panel.engine.world.networks) network.state = "refused";
      panel.engine.world.changed();
      await page.getByText(say("state.refused")).first().waitFor();
    },
  },
  {
    name: "home-lost",
    act: async ({ panel, page, say }) => {
      await panel.stopServer();
      await page.getByText(say("lost.title")).waitFor();
    },
  },
  {
    name: "home-nothing-found",
    act: async ({ page, say }) => {
      await page.getByRole("searchbox").fill("nobody");
      await page.getByText(say("peers.none")).waitFor();
    },
  },
  {
    name: "keys",
    viewOnly: true,
    act: async ({ page }) => {
      await page.keyboard.press("F1");
      await page.getByRole("dialog").waitFor();
    },
  },
  {
    name: "stop",
    viewOnly: true,
    hash: at("#/settings"),
    act: async (stage) => {
      await press(stage, stage.say("stop.action"));
      await stage.page.getByRole("dialog").waitFor();
    },
  },
  {
    name: "delete",
    viewOnly: true,
    hash: inStudio,
    act: async (stage) => {
      await press(stage, stage.say("delete.action"));
      await stage.page.getByRole("dialog").waitFor();
    },
  },
  {
    name: "invite",
    hash: inStudio,
    act: async (stage) => {
      await press(stage, stage.say("invite.make"));
      await inviteShown(stage);
    },
  },
  {
    name: "member-menu",
    viewOnly: true,
    hash: inStudio,
    act: async ({ page, say }) => {
      await page.getByRole("button", { name: say("member.menu", { name: "render-2" }) }).click();
      await page.getByRole("menu").waitFor();
    },
  },
  {
    name: "undo",
    viewOnly: true,
    hash: inStudio,
    act: async ({ page, say }) => {
      await page.getByRole("button", { name: say("leave.action"), exact: true }).click();
      await page.getByText(say("undo.action")).waitFor();
    },
  },
  {
    name: "key",
    hash: inStudio,
    act: async (stage) => {
      await press(stage, stage.say("key.export"));
      await stage.page.getByText(stage.say("key.warning")).waitFor();
    },
  },
  {
    name: "scan",
    viewOnly: true,
    hash: at("#/join"),
    act: async (stage) => {
      await press(stage, stage.say("join.scan"));
      await stage.page.getByText(stage.say("join.scan.denied")).waitFor();
    },
  },
  {
    name: "checked",
    hash: at("#/diagnostics"),
    act: async (stage) => {
      await press(stage, stage.say("check.run"));
      await stage.page.getByText(stage.say("check.details")).click();
    },
  },
  {
    name: "report",
    hash: at("#/diagnostics"),
    act: async (stage) => {
      await press(stage, stage.say("report.make"));
      await stage.page.getByRole("textbox", { name: stage.say("report.text") }).waitFor();
    },
  },
  {
    name: "report-collecting",
    hash: at("#/diagnostics"),
    act: async (stage) => {
      await stage.page.locator("[aria-labelledby=report-collect] label").nth(1).click();
      await press(stage, stage.say("report.make"));
      await stage.page.getByRole("button", { name: stage.say("report.collect.stop") }).waitFor();
    },
  },
  {
    name: "latency-day",
    hash: at("#/latency"),
    act: async ({ page, say }) => {
      await page.getByText(say("history.day"), { exact: true }).click();
      await page.locator(".chart canvas").nth(1).waitFor();
    },
  },
  {
    name: "peer-day",
    hash: inLab("/peers/mei-laptop"),
    act: async ({ page, say }) => {
      await page.getByText(say("history.day"), { exact: true }).click();
      await page.locator(".chart canvas").nth(2).waitFor();
    },
  },
  {
    name: "graph-selected",
    hash: at("#/graph"),
    act: async ({ page }) => {
      await page.locator(".graph-node").nth(3).click();
      await page.locator(".graph-selected").waitFor();
    },
  },
  {
    name: "graph-500",
    options: { peers: 500 },
    hash: at("#/graph"),
    viewOnly: true,
    act: async ({ page }) => page.locator('.graph[aria-busy="false"]').waitFor(),
  },
  {
    name: "client-made",
    hash: inLab("/clients"),
    act: async (stage) => {
      await fill(stage, stage.say("wireguard.name"), "my-phone");
      await stage.page.keyboard.press("Enter");
      await stage.page.getByRole("main").getByRole("img").first().waitFor();
    },
  },
];

/** Everything, in the order in which somebody would meet it. */
export const scenes: readonly Scene[] = [...firstRun, ...wholePages, ...states];
