/** `starmesh outside`: one program goes to the internet past the exit. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import type { Command } from "commander";
import { AppError } from "../../src-shared/errors.ts";
import type { CommonOptions, Context, Outcome } from "./context.ts";
import { withEngine } from "./engine.ts";

export function addOutsideCommand(program: Command, context: Context, outcome: Outcome): void {
  program
    .command("outside")
    .argument("<PROGRAM>", "what to run, as in a shell")
    .argument("[ARGUMENTS...]", "what it is given")
    .description("run a program that goes to the internet by the ordinary way, past the exit (Linux)")
    .allowUnknownOption()
    .addHelpText("after", explanation)
    .action(async (name: string, words: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions>();
      // What is started by this process stands where this process stands.
      await withEngine(context, options, (client) => client.call("exit.release", { process: process.pid }));
      outcome.status = await run(name, words);
    });
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
affected. It takes an engine that runs as root, not one beside the helper.

Examples:
  starmesh outside curl https://example.org
  starmesh outside -- ssh -p 2222 example.org     two dashes: the options after them are the program's
`;
