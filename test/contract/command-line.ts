/** The command line as people have it: bundled, run as a process, with a fake engine for the real one. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { runCommandLine } from "../../src-main/commands/program.ts";
import { createTerminal } from "../../src-main/commands/terminal.ts";
import type { Machine } from "../../src-main/engine/folder.ts";

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves with the whole output so far as soon as it matches. */
  says(wanted: RegExp): Promise<string>;
}

export interface RunOptions {
  readonly input?: string;
  /** What the fake engine plays, when one is started. */
  readonly fake?: string;
  /** What `$EDITOR` is. */
  readonly editor?: string;
}

/** A built command line in a folder of its own; `close` ends engines that it started and removes everything. */
export async function buildCommandLine() {
  const folder = mkdtempSync(join(tmpdir(), "starmesh-cli-"));
  // Within the project, because packages that are not bundled are looked for from there.
  mkdirSync(join(root, "out/test"), { recursive: true });
  const built = mkdtempSync(join(root, "out/test/cli-"));
  chmodSync(built, 0o755);
  await build({
    absWorkingDir: root,
    entryPoints: { cli: "src-main/cli.ts", daemon: fakeDaemon },
    outdir: built,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    splitting: true,
    // Packages written for CommonJS ask for Node's own modules by `require`.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    external: ["koffi"],
    logLevel: "error",
    plugins: [
      {
        name: "fake-engine",
        setup: ({ onResolve }) =>
          onResolve({ filter: /\/run-daemon\.ts$/ }, ({ importer }) =>
            importer.includes("fake-") ? null : { path: fakeRunDaemon },
          ),
      },
    ],
  });
  const states: string[] = [];
  const program = join(built, "cli.js");
  const commandLine = {
    /** Path of the built program. */
    program,
    /** A new state folder. */
    state(name: string): string {
      const state = join(folder, name);
      states.push(state);
      return state;
    },
    start(
      args: readonly string[],
      { input = "", fake = "empty", editor = "false" }: RunOptions = {},
    ): Started {
      const child = spawn(process.execPath, [program, ...args], {
        env: { PATH: process.env["PATH"], HOME: folder, STARMESH_FAKE: fake, EDITOR: editor, TZ: "UTC" },
        stdio: ["pipe", "pipe", "pipe"],
      });
      child.stdin.on("error", () => undefined);
      child.stdin.end(input);
      let stdout = "";
      let stderr = "";
      let heard = () => {};
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        stdout += text;
        heard();
      });
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        stderr += text;
        heard();
      });
      const ended = once(child, "close").then(([code]: (number | null)[]) => {
        heard();
        return { code: code ?? null, stdout, stderr };
      });
      return {
        process: child,
        ended,
        async says(wanted) {
          while (!wanted.test(stdout + stderr)) {
            if (child.exitCode !== null) throw new Error(`it ended without ${wanted}:\n${stdout}${stderr}`);
            await new Promise<void>((resolve) => {
              heard = resolve;
            });
          }
          return stdout + stderr;
        },
      };
    },
    run: (args: readonly string[], options?: RunOptions): Promise<Ended> =>
      commandLine.start(args, options).ended,
    /** A state folder on which an engine with two networks runs. */
    async running(): Promise<string> {
      const state = commandLine.state("running");
      const { code, stderr } = await commandLine.run(["--state", state, "up"], { fake: "running" });
      if (code !== 0) throw new Error(`no engine runs: ${stderr}`);
      return state;
    },
    async close(): Promise<void> {
      await Promise.all(states.map((state) => commandLine.run(["--state", state, "stop"])));
      rmSync(folder, { recursive: true, force: true });
      rmSync(built, { recursive: true, force: true });
    },
  };
  return commandLine;
}

/** The same command line without a process of its own, where many are run and only their words matter. */
export async function inProcess(
  words: readonly string[],
  machine: Machine = {
    platform: process.platform,
    environment: {},
    home: "/nonexistent",
    uid: process.getuid?.() ?? null,
  },
): Promise<{ code: number; stdout: string; stderr: string }> {
  const said = { stdout: "", stderr: "" };
  const terminal = createTerminal({
    output: { write: (text) => (said.stdout += text) },
    errors: { write: (text) => (said.stderr += text) },
    environment: {},
  });
  const code = await runCommandLine(words, {
    terminal,
    machine,
    version: "0.1.0",
    daemonFile: "/nonexistent",
    commandLineFile: "/nonexistent",
    openService: () => {
      throw new Error("no service is asked for here");
    },
    runAsService: () => Promise.reject(new Error("no service is to be started here")),
    takeBack: async () => false,
    runDaemon: () => Promise.reject(new Error("no engine is to be started here")),
    readLine: async () => "from standard input",
  });
  return { code, ...said };
}

export type CommandLine = Awaited<ReturnType<typeof buildCommandLine>>;

const fakeDaemon = fileURLToPath(new URL("./fake-daemon.ts", import.meta.url));
const fakeRunDaemon = fileURLToPath(new URL("./fake-run-daemon.ts", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));
