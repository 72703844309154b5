/** Notifications: what is worth one, what it says, and where a click leads. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { EngineState } from "../../src-main/shell/engine-link.ts";
import { Notices } from "../../src-main/shell/notices.ts";
import type { PeerStatus, Status } from "../../src-shared/status.ts";
import { createFakeEngine } from "../fakes/engine.ts";
import { closeDesk, FakeAccess, menuItem, openDesk, pageShell, theWindow, until } from "./desk.ts";
import { app, Notification, resetElectron } from "./fake-electron.ts";

let status: Status;

beforeEach(async () => {
  resetElectron();
  const fake = createFakeEngine({ peers: 3, start: "running" });
  status = asking(await fake.handlers["status.read"]({}));
  fake.stop();
});

test("whoever asks to join is told once, also when it asked before", () => {
  const notices = new Notices();
  const waits = asking(status, "tablet");
  expect(kindsOf(notices.hear(running(waits), 0))).toEqual(["asked tablet"]);
  expect(notices.hear(running(waits), 1000)).toEqual([]);
  expect(kindsOf(notices.hear(running(asking(status, "tablet", "phone")), 2000))).toEqual(["asked phone"]);
});

test("whoever joins is told, but not who was there when the network came up, nor whom the user let in", () => {
  const notices = new Notices();
  const without = { ...status, peers: [] };
  expect(kindsOf(notices.hear(running(without), 0))).toEqual([]);
  expect(kindsOf(notices.hear(running(status), 1000))).toEqual([]);
  const minute = 60_000;
  expect(kindsOf(notices.hear(running(joining(status, "tv")), minute))).toEqual(["joined tv"]);
  expect(notices.hear(running(joining(status, "tv")), minute + 1)).toEqual([]);
  notices.hear(running(asking(joining(status, "tv"), "tablet")), minute + 2);
  expect(notices.hear(running(joining(status, "tv", "tablet")), minute + 3)).toEqual([]);
});

test("an engine that was away tells nothing of what happened meanwhile", () => {
  const notices = new Notices();
  notices.hear(running(status), 0);
  notices.hear({ kind: "stopped", why: null }, 50_000);
  expect(notices.hear(running(joining(status, "tv")), 100_000)).toEqual([]);
});

test("what is wrong is told once it stays so, and again when it comes back", () => {
  const notices = new Notices();
  const wrong = running({ ...status, node: { ...status.node, limited: "No right." } });
  expect(notices.hear(wrong, 0)).toEqual([]);
  expect(notices.hear(wrong, 5000)).toEqual([]);
  expect(notices.hear(wrong, 10_000)).toEqual([{ kind: "problem", text: "No right." }]);
  expect(notices.hear(wrong, 20_000)).toEqual([]);
  notices.hear(running(status), 30_000);
  notices.hear(wrong, 40_000);
  expect(notices.hear(wrong, 50_000)).toHaveLength(1);
});

let access: FakeAccess;
afterEach(async () => {
  if (app.listenerCount("will-quit") > 0) await closeDesk(access);
});

test("a click opens the network that it is about; who looks at the window, or wants none, gets none", async () => {
  access = new FakeAccess(true);
  const { world } = access.fake;
  const studio = world.find("studio");
  const waiting = studio.peers.filter((peer) => !peer.approved);
  expect(waiting.length).toBeGreaterThan(0);
  await openDesk(access, "/pages");
  await until(() => menuItem("Disconnect") !== undefined && Notification.all.length === 1);
  const [first] = Notification.all;
  expect(first?.options.title).toMatch(/wants? to join studio$/);
  first?.emit("click", {});
  expect(theWindow().loaded.at(-1)).toBe(`app://starmesh/index.html#/networks/${studio.id}`);

  // The next one to wait is told of, unless the user looks at the window, or wants no notifications.
  const [peer] = waiting;
  const asksAgain = async () => {
    for (const approved of [true, false]) {
      if (peer !== undefined) peer.approved = approved;
      const { heard } = await nextStatus(access);
      expect(heard.networks.find(({ name }) => name === "studio")?.waiting).toHaveLength(
        waiting.length - (approved ? 1 : 0),
      );
    }
  };
  theWindow().focused = true;
  await asksAgain();
  expect(Notification.all).toHaveLength(1);
  theWindow().focused = false;
  await pageShell().change({ notifications: false });
  await asksAgain();
  expect(Notification.all).toHaveLength(1);
  await pageShell().change({ notifications: true });
  await asksAgain();
  await until(() => Notification.all.length === 2);
});

/** Has the engine tell everybody, and waits until it was heard. */
async function nextStatus({ fake }: FakeAccess): Promise<{ readonly heard: Status }> {
  fake.world.changed();
  const heard = await fake.handlers["status.read"]({});
  // Those who watch hear by the same turns of the loop; the shell is told before a page that was asked after it.
  for (let turns = 0; turns < 20; turns++) await nextTurn();
  return { heard };
}

function running(now: Status): EngineState {
  return { kind: "running", status: now, exit: null, hosted: false };
}

function asking(now: Status, ...names: readonly string[]): Status {
  const networks = now.networks.map((network, index) => ({
    ...network,
    waiting: index === 0 ? [...names] : [],
  }));
  return { ...now, networks };
}

function joining(now: Status, ...names: readonly string[]): Status {
  const [peer] = now.peers;
  if (peer === undefined) throw new Error("the fake has peers");
  const newcomers = names.map((name): PeerStatus => ({ ...peer, name, publicKey: `key of ${name}` }));
  const networks = now.networks.map((network) => ({ ...network, waiting: [] }));
  return { ...now, networks, peers: [...now.peers, ...newcomers] };
}

function kindsOf(notices: ReturnType<Notices["hear"]>): readonly string[] {
  return notices.map((notice) =>
    notice.kind === "problem" ? notice.text : `${notice.kind} ${notice.names.join()}`,
  );
}
