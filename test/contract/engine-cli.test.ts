/** The engines that commands start, find and end: in the background, in the foreground, without a folder given. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readHolder } from "../../src-main/engine/lock.ts";
import { AppError } from "../../src-shared/errors.ts";
import { createFakeEngine } from "../fakes/engine.ts";
import type { CommandLine } from "./command-line.ts";
import { buildCommandLine, inProcess } from "./command-line.ts";
import { openLocal } from "./pipes.ts";

let line: CommandLine;
beforeAll(async () => {
  line = await buildCommandLine();
});
afterAll(() => line.close());

const on = (state: string, ...args: string[]) => line.run(["--state", state, ...args]);

describe("the engine in the background", () => {
  it("[P27 E23] is started by up, outlives the command and ends with stop", async () => {
    const state = line.state("background");
    const up = await on(state, "up");
    expect(up).toMatchObject({ code: 0, stdout: "Starmesh runs; this machine is in no network yet.\n" });
    expect(up.stderr).toContain(`Make one: starmesh --state ${state} network create NAME\n`);
    const holder = readHolder(state);
    expect(holder).not.toBeNull();
    expect(statSync(state).mode & 0o777).toBe(0o700);
    expect(await on(state, "up")).toMatchObject({ code: 0 });
    expect(readHolder(state)).toEqual(holder);
    expect(await on(state, "stop")).toMatchObject({ code: 0, stdout: "Stopped.\n" });
    expect(readHolder(state)).toBeNull();
    expect(await on(state, "stop")).toMatchObject({
      code: 0,
      stdout: "",
      stderr: "Starmesh does not run here: nothing to stop.\n",
    });
    expect(await on(state, "up")).toMatchObject({ code: 0 });
  });

  it("is started once by commands that come at the same time", async () => {
    const state = line.state("together");
    const both = await Promise.all([on(state, "up"), on(state, "up"), on(state, "up")]);
    expect(both.map(({ code, stderr }) => ({ code, failed: /already/.test(stderr) }))).toEqual(
      both.map(() => ({ code: 0, failed: false })),
    );
  });

  it("starts again after it was killed", async () => {
    const state = line.state("killed");
    await on(state, "up");
    process.kill(readHolder(state)?.pid ?? 0, "SIGKILL");
    expect(await on(state, "status")).toMatchObject({
      code: 1,
      stderr: `${new AppError("not-running").message}\n`,
    });
    expect(await on(state, "up")).toMatchObject({ code: 0 });
    expect(await on(state, "status")).toMatchObject({ code: 0 });
  });

  it("says in its own line why it does not start", async () => {
    const failed = await line.run(["--state", line.state("fails"), "up"], { fake: "fails" });
    expect(failed).toMatchObject({
      code: 1,
      stderr: `${new AppError("port-in-use", { port: 7743 }).message}\n`,
    });
    const broken = await line.run(["--state", line.state("breaks"), "network", "create", "x"], {
      fake: "breaks",
    });
    expect(broken.code).toBe(1);
    expect(broken.stderr).toMatch(/^Something went wrong inside Starmesh: .*logs has more\.\n$/);
  });

  it("says where packets cannot flow", async () => {
    const limited = await line.run(["--state", line.state("limited"), "up"], { fake: "limited" });
    expect(limited.code).toBe(0);
    expect(limited.stderr.split("\n")[0]).toBe(new AppError("no-privilege").message);
  });

  it("does not start in a folder that is none", async () => {
    const state = line.state("file");
    mkdirSync(join(state, ".."), { recursive: true });
    writeFileSync(state, "");
    const failed = await on(state, "up");
    expect(failed).toMatchObject({
      code: 1,
      stderr: `The state folder ${state} cannot be written: it is not a folder. Choose another with --state.\n`,
    });
  });

  it("is found by a path that is too long for a socket", async () => {
    const state = line.state(`long/${"x".repeat(120)}`);
    expect(await on(state, "up")).toMatchObject({ code: 0 });
    expect(existsSync(join(state, "starmesh.sock"))).toBe(false);
    expect(await on(state, "status")).toMatchObject({ code: 0 });
  });
});

describe("the engine in the foreground", () => {
  it("[Z28] router prints its link, its panel and its networks, and ends on Ctrl-C", async () => {
    const state = line.state("router");
    const args = [
      "router",
      "--listen",
      "0.0.0.0:9999",
      "--public",
      "a.example",
      "--public",
      "b.example",
      "--panel",
      "127.0.0.1:0",
      "--new-token",
      "--config",
      "r.json",
      "--debug",
    ];
    const router = line.start(["--state", state, ...args]);
    const said = await router.says(/Stop it with Ctrl-C\.\n/);
    expect(said).toMatch(/^Router {4}\S+\n {10}starmesh:\/\/router\/1\/[\w-]+\n/);
    expect(said).toMatch(/\nPanel {5}http:\/\/127\.0\.0\.1:\d+\/#token=[0-9a-f]{32}\n/);
    expect(said).toMatch(/\nNetworks {2}none yet\. Make one: starmesh --state \S+ network create NAME\n/);
    expect(JSON.parse(readFileSync(join(state, "options.json"), "utf8"))).toMatchObject({
      state,
      foreground: true,
      router: {
        wish: { listen: "0.0.0.0:9999", public: ["a.example", "b.example"] },
        newToken: true,
        config: "r.json",
      },
      panel: "127.0.0.1:0",
      debug: true,
    });

    const second = await on(state, "up", "--foreground");
    expect(second).toMatchObject({
      code: 1,
      stdout: "",
      stderr: `${new AppError("already-running", { pid: router.process.pid ?? 0 }).message}\n`,
    });
    expect(await on(state, "router")).toMatchObject({ code: 1, stderr: second.stderr });
    router.process.kill("SIGINT");
    expect(await router.ended).toMatchObject({ code: 0 });
  });

  it("[P09 P10 P11 E11] router takes transports, certificates and a range of ports", async () => {
    const state = line.state("ports");
    const words =
      "router --panel off --cert a.pem --key b.pem --store sqlite:r.db --transport udp=off --transport tcp=0.0.0.0:8443 --transport wss=on --bind 8000 --nums 1000 --token correct-horse";
    const router = line.start(["--state", state, ...words.split(" ")]);
    await router.says(/Stop it with Ctrl-C\.\n/);
    expect(JSON.parse(readFileSync(join(state, "options.json"), "utf8")).router).toEqual({
      wish: {
        cert: "a.pem",
        key: "b.pem",
        store: "sqlite:r.db",
        transports: {
          udp: { enable: false },
          tcp: { enable: true, listen: "0.0.0.0:8443" },
          wss: { enable: true },
        },
        planes: { bind: 8000, nums: 1000, token: "correct-horse" },
      },
    });
    router.process.kill("SIGINT");
    expect(await router.ended).toMatchObject({ code: 0 });
  });

  it.each([
    ["--transport ftp=on", "--transport: write NAME=on, NAME=off or NAME=ADDRESS:PORT with one of udp, tcp"],
    ["--transport udp", "--transport: write NAME=on, NAME=off or NAME=ADDRESS:PORT with one of udp, tcp"],
    ["--transport udp=443", "--transport: write ADDRESS:PORT, for example 0.0.0.0:443 or [::]:443."],
    ["--listen 443", "--listen: write ADDRESS:PORT, for example 0.0.0.0:443 or [::]:443."],
    ["--public no/host", "--public: write HOST or HOST:PORT, for example vpn.example.org."],
    ["--bind x", "--bind: write a port, 1 to 65535."],
    ["--bind 8000 --nums 0", "--nums: write how many ports, 1 to 4096."],
    ["--bind 8000 --token short", "--token: write a token of 8 characters or more."],
    ["--nums 3", "--nums and --token go with --bind, the first port."],
  ])("[P10 E11] router %s says what to write", async (words, message) => {
    const failed = await on(line.state("none"), "router", ...words.split(" "));
    expect(failed).toMatchObject({ code: 2, stdout: "" });
    expect(failed.stderr).toContain(message);
  });

  it("up --foreground --panel off opens none, and ends with stop", async () => {
    const state = line.state("plain");
    const up = line.start(["up", "--foreground", "--panel", "off", "--state", state, "home-lab"], {
      fake: "limited",
    });
    const said = await up.says(/Stop it with Ctrl-C\.\n/);
    expect(said).toContain(new AppError("no-privilege").message);
    expect(said).not.toMatch(/Panel|Router/);
    expect(JSON.parse(readFileSync(join(state, "options.json"), "utf8"))).toMatchObject({
      panel: false,
      networks: ["home-lab"],
      debug: false,
    });
    expect(await on(state, "stop")).toMatchObject({ code: 0 });
    expect(await up.ended).toMatchObject({ code: 0 });
  });

  it("ends with the engine's line and status when that does not start", async () => {
    const failed = await line.run(["--state", line.state("no"), "up", "--foreground"], { fake: "fails" });
    expect(failed).toMatchObject({
      code: 1,
      stdout: "",
      stderr: `${new AppError("port-in-use", { port: 7743 }).message}\n`,
    });
  });
});

describe("the engine that is meant without --state", () => {
  it.skipIf(existsSync("/var/lib/starmesh/starmesh.sock"))("is the user's own", async () => {
    const home = line.state("home");
    const folder = join(home, ".local/share/starmesh");
    mkdirSync(folder, { recursive: true });
    const engine = createFakeEngine();
    const local = await openLocal({
      handlers: engine.handlers,
      panel: false,
      socketPath: join(folder, "starmesh.sock"),
    });
    const machine = { platform: "linux", environment: {}, home, uid: 4321 } as const;
    expect(await inProcess(["networks", "--json"], machine)).toMatchObject({ code: 0 });
    await local.close();
    engine.stop();
    expect(await inProcess(["networks"], machine)).toMatchObject({ code: 1 });
  });

  it.skipIf(!canPlaySystem())(
    "is a system engine that runs, for whom sudo started it, and nobody else",
    async () => {
      // A machine of its own, as far as /var/lib, processes and users go; it ends with its first process.
      const script = `
      set -e
      mount -t tmpfs none /var/lib
      cli="$0 $1"
      SUDO_UID=4321 SUDO_GID=4321 $cli up
      stat -c '%a %u' /var/lib/starmesh /var/lib/starmesh/starmesh.sock
      setpriv --reuid 4321 --regid 4321 --clear-groups $cli networks
      setpriv --reuid 4322 --regid 4322 --clear-groups $cli networks || echo "status $?"
      $cli stop`;
      const child = spawn(
        "unshare",
        ["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, process.execPath, line.program],
        { env: { PATH: process.env["PATH"], HOME: "/nonexistent", STARMESH_FAKE: "running" } },
      );
      let said = "";
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += String(text)));
      await once(child, "close");
      const lines = said.split("\n");
      expect(lines).toContain("711 0");
      expect(lines).toContain("600 4321");
      expect(lines.filter((each) => /^home-lab /.test(each))).toHaveLength(1);
      expect(lines).toContain(new AppError("not-yours", { folder: "/var/lib/starmesh" }).message);
      expect(lines).toContain("status 1");
      expect(lines).toContain("Stopped.");
    },
  );
});

/** Whether this is root with the tools for a machine of its own, whose users can read the built program. */
function canPlaySystem(): boolean {
  if (process.getuid?.() !== 0) return false;
  const tried = spawnSync("unshare", [
    "--mount",
    "setpriv",
    "--reuid",
    "4321",
    "--clear-groups",
    "test",
    "-r",
    thisFile,
  ]);
  return tried.status === 0;
}

const thisFile = fileURLToPath(import.meta.url);
