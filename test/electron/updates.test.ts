/** Updates: asked for when wished, believed when signed, run when the user says so. */
import { generateKeyPairSync, sign } from "node:crypto";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { UpdateFeed } from "../../src-main/shell/update-feed.ts";
import { builtFeed } from "../../src-main/shell/update-feed.ts";
import type { BelievedUpdate, DescribedUpdate } from "../../src-main/shell/update-signature.ts";
import {
  believedUpdate,
  describedUpdate,
  isSigned,
  signedText,
} from "../../src-main/shell/update-signature.ts";
import { Updates } from "../../src-main/shell/updates.ts";
import type { ShellStatus } from "../../src-shared/api/bridge.ts";
import { closeDesk, FakeAccess, menuItem, openDesk, pageShell, until } from "./desk.ts";
import { app, dialog, Notification, resetElectron } from "./fake-electron.ts";

/** A feed that knows of one version. */
class FakeFeed implements UpdateFeed {
  version: string | null = "1.2.3";
  asked = 0;
  loads = 0;
  restarts = 0;
  atQuit = false;

  async newer(): Promise<BelievedUpdate | null> {
    this.asked++;
    return this.version === null ? null : { version: this.version, notes: "- Faster." };
  }

  async load(onPercent: (percent: number) => void): Promise<void> {
    this.loads++;
    onPercent(41.7);
  }

  installAtQuit(): void {
    this.atQuit = true;
  }

  restart(): void {
    this.restarts++;
  }
}

let access: FakeAccess;
let feed: FakeFeed;

beforeEach(() => {
  resetElectron();
  access = new FakeAccess(true);
  feed = new FakeFeed();
});
afterEach(async () => {
  if (app.listenerCount("will-quit") > 0) await closeDesk(access);
});

test("a newer version is found, taken in, and run once the user agrees; each step says what it does", async () => {
  await openDesk(access, "/pages", { feed });
  const shell = pageShell();
  const heard: ShellStatus[] = [];
  shell.onStatus((status) => heard.push(status));
  expect((await shell.read()).updates.state).toEqual({ kind: "current", checkedAt: null });
  expect((await shell.checkForUpdate()).updates.state).toEqual({
    kind: "found",
    version: "1.2.3",
    notes: "- Faster.",
  });
  expect(feed.loads).toBe(0);
  expect((await shell.installUpdate()).updates.state).toEqual({
    kind: "ready",
    version: "1.2.3",
    notes: "- Faster.",
  });
  expect(heard.map(({ updates }) => updates.state)).toContainEqual({
    kind: "loading",
    version: "1.2.3",
    notes: "- Faster.",
    percent: 42,
  });
  expect(feed.atQuit).toBe(true);
  expect(Notification.all.map(({ options }) => options.title)).toContain("Starmesh 1.2.3 is ready");

  dialog.response = 1;
  await shell.installUpdate();
  expect(feed.restarts).toBe(0);
  dialog.response = 0;
  await until(() => menuItem("Restart to update to 1.2.3") !== undefined);
  menuItem("Restart to update to 1.2.3")?.click?.();
  await until(() => feed.restarts === 1);
  expect(dialog.questions).toContain("Restart Starmesh to run version 1.2.3?");
});

test("where nothing is newer, and where the feed fails, that is said", async () => {
  await openDesk(access, "/pages", { feed });
  const shell = pageShell();
  feed.version = null;
  expect((await shell.checkForUpdate()).updates.state).toMatchObject({ kind: "current" });
  feed.newer = () => Promise.reject(new Error("its signature does not fit\nmore"));
  expect((await shell.checkForUpdate()).updates.state).toEqual({
    kind: "failed",
    detail: "its signature does not fit",
  });
});

test("the switch decides whether anything is asked for by itself", () => {
  const timers: number[] = [];
  const real = globalThis.setTimeout;
  let automatic = true;
  const updates = new Updates({
    feed: async () => feed,
    automatic: () => automatic,
    onState: () => undefined,
    log: () => undefined,
  });
  globalThis.setTimeout = ((_call: () => void, milliseconds: number) => {
    timers.push(milliseconds);
    return { unref: () => undefined };
  }) as unknown as typeof setTimeout;
  try {
    updates.follow();
    automatic = false;
    updates.follow();
  } finally {
    globalThis.setTimeout = real;
  }
  expect(timers).toEqual([300_000]);
  expect(feed.asked).toBe(0);
});

test("a copy without a feed asks nobody, and says why", async () => {
  expect(builtFeed()).toBe("source");
  await openDesk(access, "/pages");
  const shell = pageShell();
  await shell.checkForUpdate();
  expect((await shell.installUpdate()).updates).toEqual({
    automatic: true,
    state: { kind: "none", why: "source" },
  });
  expect((await shell.change({ automaticUpdates: false })).updates.automatic).toBe(false);
});

test("a description counts if the holder of the key signed every word of it", () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = publicKey.export({ type: "spki", format: "pem" }).toString();
  const signed = (update: DescribedUpdate): DescribedUpdate => ({
    ...update,
    signature: sign(null, Buffer.from(signedText(update)), privateKey).toString("base64"),
  });
  const files = [
    { url: "a.exe", sha512: "aa" },
    { url: "b.zip", sha512: "bb" },
  ];
  const update = signed({ version: "1.2.3", files });
  expect(isSigned(update, key)).toBe(true);
  expect(isSigned({ ...update, files: [...files].reverse() }, key)).toBe(true);
  const other = generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }).toString();
  const changes: readonly DescribedUpdate[] = [
    { ...update, version: "1.2.4" },
    { ...update, files: files.slice(1) },
    { ...update, files: [{ url: "a.exe", sha512: "ab" }, ...files.slice(1)] },
    { ...update, files: [{ url: "c.exe", sha512: "aa" }, ...files.slice(1)] },
    { version: "1.2.3", files },
  ];
  for (const changed of changes) expect(isSigned(changed, key)).toBe(false);
  for (const wrong of [other, "no key"]) expect(isSigned(update, wrong)).toBe(false);
});

test("what is new in a version is told as it was signed; what somebody else added is left out", () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = publicKey.export({ type: "spki", format: "pem" }).toString();
  const signed = (update: DescribedUpdate) => ({
    ...update,
    signature: sign(null, Buffer.from(signedText(update)), privateKey).toString("base64"),
  });
  const version = "1.2.3";
  const plain = signed({ version, files: [{ url: "a.exe", sha512: "aa" }] });
  const told = signed({ version, files: plain.files, releaseNotes: "- Faster.\n- Smaller." });
  expect(believedUpdate(told, key)).toEqual({ version, notes: "- Faster.\n- Smaller." });
  expect(believedUpdate({ ...plain, releaseNotes: "<p>Call this number</p>" }, key)).toEqual({
    version,
    notes: null,
  });
  expect(believedUpdate({ ...plain, releaseNotes: [{ version, note: "x" }] }, key)).toEqual({
    version,
    notes: null,
  });
  expect(believedUpdate({ ...told, releaseNotes: "- Other." }, key)).toBeNull();
  // Notes cannot be made of files, nor files of notes.
  const merged = { url: "a.exe\n\n- Faster.\n- Smaller.", sha512: "aa" };
  expect(believedUpdate({ ...told, files: [merged], releaseNotes: undefined }, key)).toBeNull();
});

test("what a feed says is refused or understood, whatever it is", () => {
  fc.assert(
    fc.property(fc.anything(), (said) => {
      const update = describedUpdate.safeParse(said).data;
      if (update !== undefined) expect(isSigned(update, "no key")).toBe(false);
    }),
    { seed: 7 },
  );
});
