/** `starmesh bugreport`: one file that tells those who help how this machine stands. */
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import type { Command } from "commander";
import { AppError } from "../../src-shared/errors.ts";
import { reportFileName } from "../../src-shared/report.ts";
import type { Context, ReadOptions } from "./context.ts";
import { withEngine } from "./engine.ts";

interface ReportOptions extends ReadOptions {
  readonly file?: string;
  readonly names?: true;
}

export function addReportCommand(program: Command, context: Context): void {
  const { terminal } = context;
  program
    .command("bugreport")
    .description("write one file for those who help: how this machine stands, without secrets")
    .option("--file <FILE>", "where to; without it, into this folder")
    .option("--names", "with the real names and addresses, which are replaced by others otherwise")
    .option("--json", "print it instead of writing a file")
    .addHelpText("after", notes)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ReportOptions>();
      const report = await withEngine(context, options, (client) => {
        terminal.progress("Looking around");
        return client.call("report.make", { disguise: options.names !== true });
      });
      if (options.json) return terminal.json(report);
      const file = resolve(options.file ?? reportFileName(report.made));
      try {
        writeFileSync(file, gzipSync(JSON.stringify(report, null, 2)), { mode: 0o600, flag: "wx" });
      } catch (error) {
        throw new AppError("usage", { detail: `${file} cannot be written: ${String(error)}` });
      }
      terminal.print(file);
      terminal.note("Read it before you send it: starmesh bugreport --json");
    });
}

const notes = `
The file holds the status, a network check, the settings, what was decided about peers in
the last three days, and the end of the log. Keys, invites and tokens are never in it.
`;
