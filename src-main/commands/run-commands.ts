/** Commands that connect, disconnect and end: up, down, stop. */
import type { Command } from "commander";
import { AppError } from "../../src-shared/errors.ts";
import { endEngine } from "./background.ts";
import type { CommonOptions, Context, Outcome } from "./context.ts";
import { nextCommand } from "./context.ts";
import { findPlace, withEngine, withStartedEngine } from "./engine.ts";
import { runInForeground } from "./foreground.ts";
import type { PlaceOptions } from "./set-command.ts";
import { settingsOf, withPlaceOptions } from "./set-command.ts";

interface UpOptions extends CommonOptions, PlaceOptions {
  readonly foreground?: true;
  readonly panel?: string;
  readonly debug?: true;
}

export function addRunCommands(program: Command, context: Context, outcome: Outcome): void {
  withPlaceOptions(
    program
      .command("up")
      .argument("[NETWORK...]", "networks to connect; all of this machine's without")
      .description("connect; starts Starmesh in the background when it does not run"),
  )
    .option("--foreground", "run here until Ctrl-C")
    .option("--panel <ADDRESS:PORT|off>", "where the panel opens, with --foreground")
    .option("--debug", "print the log here, with --foreground")
    .addHelpText(
      "after",
      "\nExamples:\n  starmesh up\n  starmesh up home\n  starmesh up --foreground --panel off\n  starmesh up --bind eth0\n",
    )
    .action(async (networks: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<UpOptions>();
      if (options.foreground) outcome.status = await upInForeground(context, options, networks);
      else await up(context, options, networks);
    });

  program
    .command("down")
    .argument("[NETWORK...]", "networks to disconnect; all without")
    .description("disconnect; Starmesh and its panel keep running")
    .action(async (networks: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions>();
      const { down } = await withEngine(context, options, (client) =>
        client.call("networks.down", { networks }),
      );
      context.terminal.print(
        down.length === 0 ? "No network to disconnect." : `Disconnected: ${down.join(", ")}`,
      );
    });

  program
    .command("stop")
    .description("disconnect everything and end Starmesh on this machine")
    .action(async (_options: unknown, command: Command) => {
      await stop(context, command.optsWithGlobals<CommonOptions>());
    });
}

async function up(context: Context, options: UpOptions, networks: readonly string[]): Promise<void> {
  if (options.panel !== undefined || options.debug) {
    throw new AppError("usage", { detail: "--panel and --debug go with --foreground." });
  }
  const { terminal } = context;
  const settings = settingsOf(options);
  await withStartedEngine(context, options, async (client) => {
    if (Object.keys(settings).length > 0) await client.call("settings.change", settings);
    const connected = await client.call("networks.up", { networks: [...networks] });
    const { node } = await client.call("status.read", {});
    if (node.limited !== null) terminal.note(node.limited);
    if (connected.up.length > 0) {
      terminal.print(`Connected: ${connected.up.join(", ")}`);
      terminal.note(`See who is there: ${nextCommand(options, "peers")}`);
      return;
    }
    terminal.print("Starmesh runs; this machine is in no network yet.");
    terminal.note(`Make one: ${nextCommand(options, "network create NAME")}`);
    terminal.note(`Join one: ${nextCommand(options, "join INVITE")}`);
  });
}

function upInForeground(context: Context, options: UpOptions, networks: readonly string[]): Promise<number> {
  return runInForeground(context, options, {
    debug: options.debug === true,
    settings: settingsOf(options),
    ...panelOption(options.panel),
    ...(networks.length === 0 ? {} : { networks }),
  });
}

async function stop(context: Context, options: CommonOptions): Promise<void> {
  const { terminal } = context;
  const { folder, attached } = await findPlace(context, options);
  if (attached === null) {
    if (!(await context.takeBack(folder)))
      return terminal.note("Starmesh does not run here: nothing to stop.");
    return terminal.print("Starmesh does not run here; what it had left in the system is taken back.");
  }
  terminal.progress("Stopping");
  await endEngine(attached, folder);
  terminal.print("Stopped.");
}

function panelOption(panel: string | undefined): { readonly panel?: string | false } {
  if (panel === undefined) return {};
  return { panel: panel === "off" ? false : panel };
}
