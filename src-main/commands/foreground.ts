/** The engine as this very process, until a signal: `router` and `up --foreground`. */
import type { Client } from "../../src-shared/api/client.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { Status } from "../../src-shared/status.ts";
import { socketOf } from "../engine/folder.ts";
import { attach } from "../server/attach.ts";
import type { CommonOptions, Context, DaemonOptions } from "./context.ts";
import { nextCommand } from "./context.ts";
import { findPlace } from "./engine.ts";
import { planeLines, transportTroubles } from "./router-lines.ts";

/** What the foreground adds to the options itself is left out. */
type ForegroundOptions = Omit<
  DaemonOptions,
  "state" | "foreground" | "onReady" | "ending" | "users" | "complain"
>;

/**
 * Runs the engine here and says how to reach it; answers its exit status.
 * @throws AppError `already-running` when one runs on the folder
 */
export async function runInForeground(
  context: Context,
  options: CommonOptions,
  daemon: ForegroundOptions,
): Promise<number> {
  const { folder, attached } = await findPlace(context, options);
  if (attached !== null) {
    const { node } = await attached.client.call("status.read", {});
    attached.client.close();
    throw new AppError("already-running", { pid: node.pid });
  }
  const greeted: Promise<void>[] = [];
  const onReady = () => greeted.push(greet(context, options, { folder, daemon }));
  const status = await context.runDaemon({ ...daemon, state: folder, foreground: true, onReady });
  await Promise.all(greeted);
  return status;
}

/** Asks the engine what a person needs to know, and prints that. */
async function greet(
  context: Context,
  options: CommonOptions,
  { folder, daemon }: { readonly folder: string; readonly daemon: ForegroundOptions },
): Promise<void> {
  const attached = await attach(socketOf(folder));
  if (attached === null) return;
  try {
    await printGreeting(context, options, { client: attached.client, daemon });
  } catch {
    // An engine that ends meanwhile needs no greeting.
  } finally {
    attached.client.close();
  }
}

async function printGreeting(
  context: Context,
  options: CommonOptions,
  { client, daemon }: { readonly client: Client; readonly daemon: ForegroundOptions },
): Promise<void> {
  const { terminal } = context;
  const status = await client.call("status.read", {});
  if (status.node.limited !== null) terminal.note(status.node.limited);
  if (daemon.router !== undefined) {
    printRouter(context, status);
    planeLines(status.router).forEach((line, at) => {
      terminal.print(`${at === 0 ? "Ports   " : "        "}  ${line}`);
    });
  }
  if (status.node.panel !== null) {
    const { url } = await client.call("panel.link", {});
    terminal.print(`Panel     ${url}`);
    terminal.print(`          (opens once, within 10 minutes; another: ${nextCommand(options, "panel")})`);
  }
  printNetworks(context, options, status);
  terminal.print("Stop it with Ctrl-C.");
}

function printRouter({ terminal }: Context, { router }: Status): void {
  terminal.print(`Router    ${router.listen ?? "off"}`);
  for (const line of transportTroubles(router)) terminal.note(line);
  if (router.link === null) return;
  terminal.print(`          ${router.link}`);
  terminal.print(
    "          (whoever has this line may create networks here: starmesh network create NAME --router …)",
  );
  if (router.lanOnly) terminal.note("Reachable on this LAN only; name a public address with --public HOST.");
}

function printNetworks({ terminal }: Context, options: CommonOptions, { networks }: Status): void {
  if (networks.length === 0) {
    terminal.print(`Networks  none yet. Make one: ${nextCommand(options, "network create NAME")}`);
    terminal.print(`          or join one: ${nextCommand(options, "join INVITE")}`);
  }
  networks.forEach(({ name, address, state }, at) => {
    terminal.print(
      `${at === 0 ? "Networks" : "        "}  ${name}  ${address ?? "no address yet"}  ${state}`,
    );
  });
}
