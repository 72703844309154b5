/** The command line where something is wrong, where help is asked for, and in pipes. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ErrorCode } from "../../src-shared/errors.ts";
import { AppError, errorKinds } from "../../src-shared/errors.ts";
import { sampleError } from "../fakes/failure.ts";
import type { CommandLine } from "./command-line.ts";
import { buildCommandLine, inProcess } from "./command-line.ts";

let line: CommandLine;
/** A state folder on which an engine with two networks runs. */
let running: string;
beforeAll(async () => {
  line = await buildCommandLine();
  running = await line.running();
});
afterAll(() => line.close());

const on = (state: string, ...args: string[]) => line.run(["--state", state, ...args]);
const here = (...args: string[]) => on(running, ...args);

describe("what went wrong", () => {
  it("is one line of the error's own words, status 1, whatever the error", async () => {
    for (const code of Object.keys(errorKinds) as ErrorCode[]) {
      const said = await inProcess(["--state", running, "network", "show", `fail:${code}`]);
      const status = code === "usage" ? 2 : 1;
      expect(said).toEqual({ code: status, stdout: "", stderr: `${sampleError(code).message}\n` });
    }
  });

  it("is not running: one line, status 1, for every command that needs an engine", async () => {
    const state = line.state("nowhere");
    for (const args of [
      ["status"],
      ["peers", "--json"],
      ["down"],
      ["leave"],
      ["invite", "x"],
      ["ping", "x"],
      ["panel"],
    ]) {
      expect(await on(state, ...args)).toEqual({
        code: 1,
        stdout: "",
        stderr: `${new AppError("not-running").message}\n`,
      });
    }
    expect(existsSync(state)).toBe(false);
  });

  it.each<readonly [readonly string[], string]>([
    [["statsu"], "Unknown command “statsu”. Did you mean: status? See: starmesh --help"],
    [["frobnicate"], "Unknown command “frobnicate”. See: starmesh --help"],
    [["status", "--jsno"], "Unknown option “--jsno”. Did you mean: --json? See: starmesh status --help"],
    [["join"], "Missing required argument “INVITE|NAME|HOST:PORT”. See: starmesh join --help"],
    [
      ["network", "craete", "x"],
      "Unknown command “craete”. Did you mean: create? See: starmesh network --help",
    ],
    [["network", "create"], "Missing required argument “NAME”. See: starmesh network create --help"],
    [
      ["path", "a", "b"],
      "Too many arguments for “path”. Expected 1 argument but got 2. See: starmesh path --help",
    ],
    [["ping", "x", "-c", "0"], "“0” is no count: write a whole number from 1."],
    [
      ["invite", "x", "--expires", "soon"],
      "“soon” is no time: write for example 30m, 24h or 7d (a minute to a year).",
    ],
    [["invite", "x", "--once", "--count", "2"], "Give --once or --count, not both."],
    [["up", "--panel", "off"], "--panel and --debug go with --foreground."],
    [
      ["join", "home"],
      "“home” is no invite. Join by name with: starmesh --state DIR join NAME --secret SECRET --router HOST",
    ],
    [["--state"], "Option “--state <DIR>” argument missing. See: starmesh --help"],
  ])("is wrong usage: %j", async (args, said) => {
    const state = line.state("usage");
    const ended = await inProcess(args.includes("--state") ? args : ["--state", state, ...args]);
    expect(ended).toEqual({ code: 2, stdout: "", stderr: `${said.replace("DIR join", `${state} join`)}\n` });
    expect(existsSync(state)).toBe(false);
  });

  it("is told by the engine: bad names and numbers are wrong usage, too", async () => {
    const ended = await here("path", "x".repeat(200));
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(/^peer: .*\n$/);
  });
});

describe("help", () => {
  it("[C15] teaches the first steps, and each command has its own", async () => {
    const { code, stdout, stderr } = await line.run(["--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("starmesh network create home    make a network; it prints an invite");
    expect(await line.run([])).toEqual({ code: 0, stdout, stderr: "" });
    const commands = [...stdout.matchAll(/^ {2}([a-z-]+)(?: |$)/gm)].map((match) => match[1] ?? "");
    expect(commands).toEqual(
      expect.arrayContaining([
        "router",
        "network",
        "invite",
        "members",
        "member",
        "join",
        "leave",
        "networks",
        "up",
        "down",
        "stop",
        "status",
        "peers",
        "path",
        "ping",
        "netcheck",
        "diary",
        "bugreport",
        "relay",
        "route",
        "exit-node",
        "name",
        "portmap",
        "wg",
        "panel",
        "service",
      ]),
    );
    // Commands of later issues are absent until they work.
    for (const later of ["expose", "apps", "connect", "proxy", "send", "import"]) {
      expect(commands).not.toContain(later);
    }
    for (const command of [
      "join",
      "router",
      "invite",
      "up",
      "network create",
      "wg add",
      "relay",
      "name add",
      "exit-node",
    ]) {
      const own = await inProcess([...command.split(" "), "--help"]);
      expect(own.code).toBe(0);
      expect(own.stdout).toContain("Examples:");
      expect(own.stdout).toContain("--state <DIR>");
    }
  });

  it("goes to standard error, status 2, where a command is not whole", async () => {
    const group = await line.run(["network"]);
    expect(group.code).toBe(2);
    expect(group.stderr).toContain("Usage: starmesh network");
    expect(await line.run(["--version"])).toEqual({ code: 0, stdout: "0.1.0\n", stderr: "" });
  });
});

describe("pipes", () => {
  it("hold no colours and no progress", async () => {
    for (const args of [["status"], ["peers"], ["netcheck"], ["up"]]) {
      const { stdout, stderr } = await here(...args);
      expect(stdout + stderr).not.toContain("\u001b");
    }
  });

  it("may be closed by the reader: | head is no failure", async () => {
    const words = [process.execPath, line.program, "--state", running];
    const child = spawn("sh", ["-c", '"$0" "$@" status --json | head -n 1', ...words]);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += String(text)));
    await once(child, "close");
    expect(output).toBe("{\n");

    const endless = line.start(["--state", running, "ping", "10.31.0.3"]);
    await endless.says(/seq=1 /);
    endless.process.stdout?.destroy();
    expect(await endless.ended).toMatchObject({ code: 0, stderr: "" });
  });
});
