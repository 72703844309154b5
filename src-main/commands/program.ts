/** The command line: which commands there are, and what a failure looks like. */
import { Command, CommanderError } from "commander";
import { AppError, toWireError } from "../../src-shared/errors.ts";
import type { Context, Outcome } from "./context.ts";
import { addDiaryCommand } from "./diary-command.ts";
import { addEarlyCommand } from "./early-command.ts";
import { addExitCommand } from "./exit-command.ts";
import { addMemberCommands } from "./member-commands.ts";
import { addNameCommand } from "./name-command.ts";
import { addNetworkCommands } from "./network-commands.ts";
import { addOutsideCommand } from "./outside-command.ts";
import { addPanelCommand } from "./panel-commands.ts";
import { addPeerCommands } from "./peer-commands.ts";
import { addPolicyCommand } from "./policy-command.ts";
import { addPortMapCommand } from "./portmap-command.ts";
import { addRelayCommand } from "./relay-command.ts";
import { addReportCommand } from "./report-command.ts";
import { addRightsCommand } from "./rights-command.ts";
import { addRouteCommands } from "./route-commands.ts";
import { addRouterCommand } from "./router-command.ts";
import { addRunCommands } from "./run-commands.ts";
import { addServiceCommand } from "./service-command.ts";
import { addSetCommand } from "./set-command.ts";
import { addWireguardCommands } from "./wireguard-commands.ts";

/**
 * Carries out one command line, without the program's name; answers the exit status: 0 done, 1 failed, 2 wrong usage.
 * A failure prints one line that says what is wrong and what to do.
 */
export async function runCommandLine(words: readonly string[], context: Context): Promise<number> {
  const outcome: Outcome = { status: 0 };
  const program = createProgram(words, context, outcome);
  try {
    if (words.length === 0) program.outputHelp();
    else await program.parseAsync(words, { from: "user" });
    return outcome.status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const { code, message } = toWireError(error);
    context.terminal.note(message);
    return error instanceof AppError && code === "usage" ? 2 : 1;
  }
}

function createProgram(words: readonly string[], context: Context, outcome: Outcome): Command {
  const { terminal } = context;
  const program = new Command("starmesh");
  program
    .description("Turns any set of computers into one private network.")
    .usage("COMMAND [options]")
    .version(context.version, "-V, --version", "print the version")
    .option("--state <DIR>", "the state folder of the node that is meant")
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.note(text.trimEnd()),
      outputError: (text, write) => write(usageLine(text, commandOf(program, words))),
    })
    .exitOverride()
    .helpCommand("help [COMMAND]", "explain a command")
    .addHelpText("after", firstSteps);
  addNetworkCommands(program, context);
  addMemberCommands(program, context);
  addRouterCommand(program, context, outcome);
  addRunCommands(program, context, outcome);
  addPeerCommands(program, context);
  addDiaryCommand(program, context);
  addReportCommand(program, context);
  addRelayCommand(program, context);
  addRouteCommands(program, context);
  addExitCommand(program, context);
  addOutsideCommand(program, context, outcome);
  addPortMapCommand(program, context);
  addNameCommand(program, context);
  addPolicyCommand(program, context);
  addSetCommand(program, context);
  addEarlyCommand(program, context);
  addWireguardCommands(program, context);
  addPanelCommand(program, context);
  addRightsCommand(program, context);
  addServiceCommand(program, context, outcome);
  return program;
}

/** The longest command that the words name. */
function commandOf(program: Command, words: readonly string[]): string {
  let command = program;
  const names = ["starmesh"];
  for (const word of words) {
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) continue;
    command = next;
    names.push(word);
  }
  return names.join(" ");
}

/** The parser's complaint in one line, with the way to the help. */
function usageLine(text: string, command: string): string {
  const [first = "", suggestion] = text.trim().split("\n");
  const complaint = first.replace(/^error: /, "").replaceAll(/'([^']*)'/g, "“$1”");
  const nearest = /\(Did you mean (?:one of )?(.*)\?\)/.exec(suggestion ?? "")?.[1];
  const sentence = `${complaint.charAt(0).toUpperCase()}${complaint.slice(1).replace(/\.$/, "")}.`;
  return `${sentence}${nearest === undefined ? "" : ` Did you mean: ${nearest}?`} See: ${command} --help\n`;
}

const firstSteps = `
First steps:
  starmesh network create home    make a network; it prints an invite
  starmesh join INVITE            on each other machine, with that line
  starmesh peers                  see who is there and how they are reached
  starmesh panel                  or do all of it in a browser
`;
