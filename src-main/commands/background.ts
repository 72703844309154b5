/** Starting an engine that outlives the command. */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { AppError } from "../../src-shared/errors.ts";
import { prepareFolder, socketOf, sudoCaller } from "../engine/folder.ts";
import { readHolder } from "../engine/lock.ts";
import type { Attached } from "../server/attach.ts";
import { attach } from "../server/attach.ts";
import type { Context } from "./context.ts";

/**
 * Starts the engine of a folder and waits until it answers.
 * @throws AppError `state-not-writable`; `timeout`; what the engine says when it does not start
 */
export async function startInBackground(context: Context, folder: string): Promise<Attached> {
  prepareFolder(folder, sudoCaller(context.machine));
  context.terminal.progress("Starting Starmesh in the background");
  const output = outputOf(folder);
  const engine = launch(context, folder, output);
  const deadline = Date.now() + startMillis;
  for (let pause = 20; Date.now() < deadline; pause = Math.min(pause * 1.5, 200)) {
    const attached = await attach(socketOf(folder));
    if (attached !== null) return attached;
    // Two commands may start one at the same time: then the other's is the one.
    if (engine.ended() && readHolder(folder) === null) throw startError(output, folder);
    await after(pause);
  }
  throw new AppError("timeout", { what: "Starting Starmesh" });
}

/** Waits until nobody has the folder any more, so that the next command may start afresh. */
async function untilEnded(folder: string): Promise<void> {
  const deadline = Date.now() + endMillis;
  while (readHolder(folder) !== null) {
    if (Date.now() > deadline) throw new AppError("timeout", { what: "Ending Starmesh" });
    await after(50);
  }
}

/** Ends a running engine and waits until its folder is free. */
export async function endEngine({ client, closed }: Attached, folder: string): Promise<void> {
  await client.call("engine.stop", {});
  await closed;
  await untilEnded(folder);
}

function launch(context: Context, folder: string, output: string): { readonly ended: () => boolean } {
  const errors = openSync(output, "w", 0o600);
  const child = spawn(process.execPath, [context.daemonFile, "--state", folder], {
    cwd: folder,
    detached: true,
    // Under Electron the same program is Node with this set.
    env: { ...context.machine.environment, ELECTRON_RUN_AS_NODE: "1" },
    stdio: ["ignore", errors, errors],
    windowsHide: true,
  });
  closeSync(errors);
  let ended = false;
  child.once("exit", () => {
    ended = true;
  });
  child.once("error", () => {
    ended = true;
  });
  child.unref();
  return { ended: () => ended };
}

/** What the engine printed before its log was open: the reason why it ended. */
function startError(output: string, folder: string): AppError {
  const lines = readFileSync(output, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "");
  const last = lines.at(-1);
  if (last !== undefined && lines.length <= mostErrorLines) return new StartError(last);
  return new AppError("internal", { detail: "the engine ended at its start", logs: join(folder, "logs") });
}

/** The engine's own line, as it stands. */
class StartError extends AppError {
  constructor(line: string) {
    super("internal", { detail: line, logs: "" });
    this.message = line;
  }
}

/** The file in which it says why it ended before its log was open. */
export function outputOf(folder: string): string {
  const logs = join(folder, "logs");
  try {
    mkdirSync(logs, { recursive: true, mode: 0o700 });
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new AppError("state-not-writable", { folder, detail });
  }
  return join(logs, "start.log");
}

const startMillis = 30_000;
const endMillis = 15_000;
/** More than a few lines are a trace of something unexpected, which the log keeps. */
const mostErrorLines = 3;
