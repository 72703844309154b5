#!/usr/bin/env node
/** The command line's entry: gives the commands this process and its surroundings. */
import { homedir } from "node:os";
import { createInterface } from "node:readline/promises";
import { fileURLToPath } from "node:url";
import { runCommandLine } from "./commands/program.ts";
import { createTerminal } from "./commands/terminal.ts";
import { openService } from "./system/open-service.ts";
import { version } from "./version.ts";

// `| head` has read enough: that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

process.exitCode = await runCommandLine(process.argv.slice(2), {
  terminal: createTerminal({ output: process.stdout, errors: process.stderr, environment: process.env }),
  machine: {
    platform: process.platform,
    environment: process.env,
    home: homedir(),
    uid: process.getuid?.() ?? null,
  },
  version,
  daemonFile: fileURLToPath(new URL("daemon.js", import.meta.url)),
  commandLineFile: fileURLToPath(new URL("cli.js", import.meta.url)),
  openService,
  runAsService: async (work) => {
    const { runAsService } = await import("./system/windows-service-run.ts");
    return runAsService(work);
  },
  takeBack: async (folder) => {
    const { takeBack } = await import("./engine/take-back.ts");
    return takeBack(folder);
  },
  runDaemon: async (options) => {
    const { runDaemon } = await import("./run-daemon.ts");
    return runDaemon(options);
  },
  readLine: async () => {
    const lines = createInterface({ input: process.stdin });
    for await (const line of lines) return line;
    return "";
  },
});
