/** `starmesh service`: an engine of the system that starts with the machine. */
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import type { Command } from "commander";
import { AppError } from "../../src-shared/errors.ts";
import { socketOf, systemFolder } from "../engine/folder.ts";
import { attach } from "../server/attach.ts";
import { endEngine, outputOf } from "./background.ts";
import type { CommonOptions, Context, Outcome, ReadOptions } from "./context.ts";

export function addServiceCommand(program: Command, context: Context, outcome: Outcome): void {
  const { terminal } = context;
  const service = program
    .command("service")
    .description("start Starmesh with this machine, before anybody signs in")
    .addHelpText("after", explanation);

  service
    .command("install")
    .description("lay the service, and start it")
    .action(async (_options: unknown, command: Command) => {
      const folder = folderOf(context, command.optsWithGlobals<CommonOptions>());
      needsRoot(context, "install");
      const system = context.openService();
      await stopEngine(context, folder);
      const group = await system.install({
        node: process.execPath,
        commandLine: context.commandLineFile,
        folder,
      });
      terminal.progress("Starting Starmesh as a service");
      await untilAnswers(folder);
      terminal.print("Starmesh runs as a service now, and starts with this machine.");
      terminal.note("See how it is: starmesh status. Take it back: starmesh service uninstall");
      if (group !== null)
        terminal.note(`It has no rights itself. Let others use it, too: ${joining(context, group)}`);
    });

  service
    .command("uninstall")
    .description("end the service and take it away; keys and networks stay")
    .action(async (_options: unknown, command: Command) => {
      const folder = folderOf(context, command.optsWithGlobals<CommonOptions>());
      needsRoot(context, "uninstall");
      const system = context.openService();
      if ((await system.state()) === "absent") return terminal.print("There is no service of Starmesh here.");
      // By its own word first: what it changed in the system is taken back whatever the system does to end it.
      await stopEngine(context, folder);
      await system.uninstall();
      await context.takeBack(folder);
      terminal.print(`The service is gone. Keys and networks are kept in ${folder}.`);
    });

  // What Windows starts.
  service
    .command("run", { hidden: true })
    .requiredOption("--user <SID>", "who may use it", (user: string, users: readonly string[] = []) => [
      ...users,
      user,
    ])
    .action(async (_options: unknown, command: Command) => {
      const { user, ...options } = command.optsWithGlobals<CommonOptions & { readonly user: string[] }>();
      const folder = folderOf(context, options);
      outcome.status = await context.runAsService(({ ending, ready }) =>
        context.runDaemon({
          state: folder,
          foreground: true,
          debug: false,
          users: user,
          ending,
          onReady: ready,
          // Nobody sees what a service prints.
          complain: (line) => writeFileSync(outputOf(folder), `${line}\n`, { mode: 0o600 }),
        }),
      );
    });

  service
    .command("status")
    .description("whether there is one, and whether it runs")
    .option("--json", "as JSON")
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ReadOptions>();
      const state = await context.openService().state();
      const answers = state !== "absent" && (await isRunning(folderOf(context, options)));
      const now = answers ? "running" : state;
      if (options.json) return terminal.json({ state: now });
      terminal.print(lines[now]);
    });
}

function folderOf(context: Context, options: CommonOptions): string {
  return options.state === undefined ? systemFolder(context.machine) : resolve(options.state);
}

/** How somebody is taken into a group there. */
function joining({ machine }: Context, group: string): string {
  return machine.platform === "darwin"
    ? `sudo dseditgroup -o edit -a NAME -t user ${group}`
    : `sudo usermod -aG ${group} NAME`;
}

function needsRoot({ machine }: Context, word: string): void {
  if (machine.uid === null || machine.uid === 0) return;
  const detail = `only an administrator may: sudo starmesh service ${word}`;
  throw new AppError("system-refused", { action: "change the service of Starmesh", detail });
}

/** One that was started by hand has the folder, and the service could not take it. */
async function stopEngine({ terminal }: Context, folder: string): Promise<void> {
  const attached = await attach(socketOf(folder));
  if (attached === null) return;
  terminal.progress("Stopping the engine that runs");
  await endEngine(attached, folder);
}

async function untilAnswers(folder: string): Promise<void> {
  const deadline = Date.now() + startMillis;
  while (!(await isRunning(folder))) {
    if (Date.now() > deadline) throw new AppError("timeout", { what: "Starting Starmesh as a service" });
    await after(100);
  }
}

async function isRunning(folder: string): Promise<boolean> {
  const attached = await attach(socketOf(folder)).catch(() => null);
  attached?.client.close();
  return attached !== null;
}

const lines = {
  absent: "There is no service of Starmesh here. Lay it with: starmesh service install",
  stopped: "The service is there and does not run. Start it with: starmesh service install",
  running: "The service is there and runs.",
} as const;

const startMillis = 30_000;

const explanation = `
The service is an engine of the whole machine, which everybody's command line and window find by themselves. It connects the
networks that were up, and hosts others where it is a router.
`;
