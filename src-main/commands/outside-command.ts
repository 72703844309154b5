/** `starmesh outside`: one program goes to the internet past the exit. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { basename } from "node:path";
import type { Command } from "commander";
import { AppError } from "../../src-shared/errors.ts";
import type { ExitStatus } from "../../src-shared/exit.ts";
import type { CommonOptions, Context, Outcome } from "./context.ts";
import { withEngine } from "./engine.ts";

export function addOutsideCommand(program: Command, context: Context, outcome: Outcome): void {
  program
    .command("outside")
    .argument("[PROGRAM]", "what to run, as in a shell; without it: show what runs so")
    .argument("[ARGUMENTS...]", "what it is given")
    .description("run a program that goes to the internet by the ordinary way, past the exit (Linux)")
    .option("--back <NUMBER>", "send what runs so by the exit again")
    .allowUnknownOption()
    .addHelpText("after", explanation)
    .action(async (name: string | undefined, words: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<OutsideOptions>();
      const { back } = options;
      if (name === undefined || back !== undefined) {
        const { outside } = await withEngine(context, options, (client) =>
          back === undefined
            ? client.call("exit.read", {})
            : client.call("exit.recall", { process: numberOf(back) }),
        );
        for (const line of outsideLines(outside)) context.terminal.print(line);
        return;
      }
      // By this name it is shown; what is started by this process stands where this process stands.
      process.title = basename(name);
      await withEngine(context, options, (client) => client.call("exit.release", {}));
      outcome.status = await run(name, words);
    });
}

/** What goes past the exit, by number. */
export function outsideLines(programs: ExitStatus["outside"]): readonly string[] {
  if (programs.length === 0) return ["No program goes past the exit."];
  return programs.map(({ process, program }) => `${process}  ${program}`);
}

interface OutsideOptions extends CommonOptions {
  readonly back?: string;
}

function numberOf(text: string): number {
  const number = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : null;
  if (number !== null) return number;
  throw new AppError("usage", { detail: "--back: write the number that “starmesh outside” shows." });
}

/** Runs it in this terminal until it ends; answers as a shell does: its exit status, or 128 and the signal. */
function run(name: string, words: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(name, words, { stdio: "inherit" });
    const pass = (signal: NodeJS.Signals) => void child.kill(signal);
    // A terminal sends its interrupt to both; this one only waits for what the program makes of it.
    const stay = () => undefined;
    process.on("SIGINT", stay).on("SIGTERM", pass).on("SIGHUP", pass);
    const done = () => process.off("SIGINT", stay).off("SIGTERM", pass).off("SIGHUP", pass);
    child.once("error", ({ message }) => {
      done();
      reject(new AppError("usage", { detail: `“${name}” cannot be run: ${message}.` }));
    });
    child.once("close", (code, signal) => {
      done();
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

const explanation = `
While a member is this machine's way to the internet (starmesh exit-node), the program and all that it starts go by the
ordinary way instead, also past a strict kill switch; members are reached as ever. Names that it asks the system for are
still looked up by the exit. A program that runs already and is only handed the work (a browser with open windows) is not
affected. Without a program, what runs so is shown by number; “--back” sends it by the exit again, with the connections that
it makes from then on.

Examples:
  starmesh outside curl https://example.org
  starmesh outside                       show what runs so
  starmesh outside --back 4711
  starmesh outside -- ssh -p 2222 example.org     two dashes: the options after them are the program's
`;
