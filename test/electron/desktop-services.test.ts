/** What the desktop is asked outside of Electron: whether it takes in icons, and to start the app with the session. */
import type { ChildProcess } from "node:child_process";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { entryOf } from "../../src-main/shell/desktop-entry.ts";
import { autostartFile } from "../../src-main/shell/login-start.ts";
import { hasTray } from "../../src-main/shell/tray-place.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "starmesh-desktop-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const hasBus = process.platform === "linux" && spawnSync("dbus-daemon", ["--version"]).status === 0;

describe.skipIf(!hasBus)("a session with a bus", () => {
  const { env } = process;
  let bus: ChildProcess | null = null;

  beforeEach(async () => {
    bus = spawn("dbus-daemon", [
      "--session",
      "--nofork",
      "--print-address=1",
      `--address=unix:dir=${folder}`,
    ]);
    const address = await new Promise<string>((resolve) =>
      bus?.stdout?.once("data", (data) => resolve(String(data))),
    );
    process.env = { ...env, DBUS_SESSION_BUS_ADDRESS: address.trim() };
  });
  afterEach(() => {
    process.env = env;
    bus?.kill();
  });

  test("icons have a place once somebody takes them in", async () => {
    expect(await hasTray("linux")).toBe(false);
    const owner = await own("org.kde.StatusNotifierWatcher");
    expect(await hasTray("linux")).toBe(true);
    owner.destroy();
    await expect.poll(() => hasTray("linux")).toBe(false);
  });

  test.skipIf(spawnSync("dbus-send", ["--version"]).error !== undefined)(
    "a desktop that has another program to ask by is asked by that",
    async () => {
      const only = join(folder, "programs");
      mkdirSync(only);
      const path = execFileSync("sh", ["-c", "command -v dbus-send"], { encoding: "utf8" }).trim();
      writeFileSync(join(only, "dbus-send"), `#!/bin/sh\nexec ${path} "$@"\n`, { mode: 0o755 });
      process.env = { ...process.env, PATH: only };
      const owner = await own("org.kde.StatusNotifierWatcher");
      expect(await hasTray("linux")).toBe(true);
      owner.destroy();
    },
  );
});

test("without a bus no icon is seen on Linux; elsewhere it always is", async () => {
  const { env } = process;
  process.env = {
    ...env,
    DBUS_SESSION_BUS_ADDRESS: `unix:path=${join(folder, "absent")}`,
    XDG_RUNTIME_DIR: folder,
  };
  try {
    expect(await hasTray("linux")).toBe(false);
  } finally {
    process.env = env;
  }
  expect(await hasTray("win32")).toBe(true);
  expect(await hasTray("darwin")).toBe(true);
});

test("[Z33] starting with the session is a file that programs of the desktop understand, whatever the path", () => {
  const path = join(folder, "autostart", "starmesh.desktop");
  // What has a meaning of its own in such a file, or in a shell.
  const start = autostartFile(path, '/opt/Star mesh/100%/$HOME`x`"q"\\b/starmesh');
  expect(start.isOn).toBe(false);
  expect(start.change(true)).toBe(true);
  expect(start.isOn).toBe(true);
  const line = /^Exec=(.*)$/m.exec(readFileSync(path, "utf8"))?.[1] ?? "";
  expect(argumentsOf(line)).toEqual(['/opt/Star mesh/100%/$HOME`x`"q"\\b/starmesh', "--background"]);
  if (spawnSync("desktop-file-validate", ["--version"]).error === undefined) {
    expect(spawnSync("desktop-file-validate", [path], { encoding: "utf8" }).stdout).toBe("");
  }
  expect(start.change(false)).toBe(true);
  expect(start.isOn).toBe(false);
  writeFileSync(join(folder, "file"), "");
  expect(autostartFile(join(folder, "file", "x.desktop"), "/x").change(true)).toBe(false);
});

test("an image among the desktop's programs is opened by our links, whatever its path, and leaves nothing", () => {
  const applications = join(folder, "applications");
  const icon = join(import.meta.dirname, "../../resources/icons/starmesh.png");
  const program = join(folder, "Star mesh $x.AppImage");
  writeFileSync(program, "", { mode: 0o755 });
  const entry = entryOf({ program, icon, data: folder });
  expect(entry.isOn).toBe(false);
  expect(entry.change(true)).toBe(true);
  expect(entry.isOn).toBe(true);
  const path = join(applications, "starmesh-desktop.desktop");
  const line = /^Exec=(.*)$/m.exec(readFileSync(path, "utf8"))?.[1] ?? "";
  expect(argumentsOf(line.replace("%u", "starmesh://x"))).toEqual([program, "--", "starmesh://x"]);
  if (spawnSync("desktop-file-validate", ["--version"]).error === undefined) {
    expect(spawnSync("desktop-file-validate", [path], { encoding: "utf8" }).stdout).toBe("");
  }
  const asks = ["gio", "update-desktop-database"].every(
    (name) => spawnSync(name, ["--version"]).error === undefined,
  );
  if (asks) expect(openerOfLinks()).toContain("starmesh-desktop.desktop");
  expect(entry.change(false)).toBe(true);
  expect(entry.isOn).toBe(false);
  if (asks) expect(openerOfLinks()).not.toContain("starmesh-desktop.desktop");
  const left = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  // The desktop's own list, of nothing now.
  const others = left.map(({ name }) => name).filter((name) => name !== "mimeinfo.cache");
  expect(others).toEqual(["Star mesh $x.AppImage"]);
  writeFileSync(join(folder, "file"), "");
  expect(entryOf({ program, icon, data: join(folder, "file") }).change(true)).toBe(false);
});

/** Who opens our links, as a desktop answers whose programs lie in the test's folder alone. */
function openerOfLinks(): string {
  const env = { ...process.env, XDG_DATA_HOME: folder, XDG_DATA_DIRS: folder, XDG_CONFIG_HOME: folder };
  const { stdout } = spawnSync("gio", ["mime", "x-scheme-handler/starmesh"], { env, encoding: "utf8" });
  return stdout;
}

/** As the Desktop Entry Specification reads a value of the key “Exec”. */
function argumentsOf(value: string): readonly string[] {
  const text = value.replaceAll("\\\\", "\\");
  return [...text.matchAll(/"((?:\\.|[^"\\])*)"|([^\s"]+)/g)].map(([, quoted, plain]) =>
    (quoted?.replace(/\\(.)/g, "$1") ?? plain ?? "").replaceAll("%%", "%"),
  );
}

/** Takes a name on the session's bus, until the socket is closed. */
async function own(name: string): Promise<Socket> {
  const path = /path=([^,]+)/.exec(process.env["DBUS_SESSION_BUS_ADDRESS"] ?? "")?.[1] ?? "";
  const socket = connect(path);
  const uid = Buffer.from(String(process.getuid?.() ?? 0)).toString("hex");
  socket.write(`\0AUTH EXTERNAL ${uid}\r\n`);
  await heard(socket, "OK ");
  socket.write("BEGIN\r\n");
  socket.write(methodCall(1, "Hello", Buffer.alloc(0), ""));
  socket.write(
    methodCall(
      2,
      "RequestName",
      Buffer.concat([text(name), Buffer.alloc(padding(5 + name.length, 4)), number(0)]),
      "su",
    ),
  );
  await heard(socket, "NameAcquired", name);
  return socket;
}

/** Waits until all of these words have been said. */
function heard(socket: Socket, ...words: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    const hear = (data: Buffer) => {
      said += data.toString("latin1");
      if (!words.every((word) => said.includes(word))) return;
      socket.off("data", hear);
      resolve();
    };
    socket.on("data", hear);
    socket.once("error", reject);
  });
}

/** A call to the bus itself (D-Bus Specification, “Message Format”), little-endian. */
function methodCall(serial: number, member: string, body: Buffer, signature: string): Buffer {
  const fields = [
    field(1, "o", text("/org/freedesktop/DBus")),
    field(2, "s", text("org.freedesktop.DBus")),
    field(3, "s", text(member)),
    field(6, "s", text("org.freedesktop.DBus")),
    ...(signature === ""
      ? []
      : [field(8, "g", Buffer.from([signature.length, ...Buffer.from(`${signature}\0`)]))]),
  ];
  const array = fields.reduce((all, each) =>
    Buffer.concat([all, Buffer.alloc(padding(all.length, 8)), each]),
  );
  const head = Buffer.concat([
    Buffer.from([0x6c, 1, 0, 1]),
    number(body.length),
    number(serial),
    number(array.length),
    array,
  ]);
  return Buffer.concat([head, Buffer.alloc(padding(head.length, 8)), body]);
}

function field(code: number, type: string, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([code, 1, ...Buffer.from(`${type}\0`)]), value]);
}

function text(value: string): Buffer {
  return Buffer.concat([number(value.length), Buffer.from(`${value}\0`)]);
}

function number(value: number): Buffer {
  const four = Buffer.alloc(4);
  four.writeUInt32LE(value);
  return four;
}

function padding(length: number, unit: number): number {
  return (unit - (length % unit)) % unit;
}
