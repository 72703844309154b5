/** The engine that a command talks to: found, or started in the background. */
import { resolve } from "node:path";
import type { Client } from "../../src-shared/api/client.ts";
import { AppError } from "../../src-shared/errors.ts";
import { ownFolder, socketOf, systemFolder } from "../engine/folder.ts";
import type { Attached } from "../server/attach.ts";
import { attach } from "../server/attach.ts";
import { startInBackground } from "./background.ts";
import type { CommonOptions, Context } from "./context.ts";

/** A state folder, and the engine that runs on it. */
export interface Place {
  readonly folder: string;
  readonly attached: Attached | null;
}

/**
 * The place that the options name; without `--state` a system engine that runs, else the user's own folder.
 * @throws AppError `not-yours` for a folder by hand
 */
export async function findPlace(context: Context, options: CommonOptions): Promise<Place> {
  if (options.state !== undefined) {
    const folder = resolve(options.state);
    return { folder, attached: await attach(socketOf(folder)) };
  }
  const own = ownFolder(context.machine);
  const system = systemFolder(context.machine);
  if (system !== own) {
    const attached = await attach(socketOf(system)).catch(nullIfNotYours);
    if (attached !== null) return { folder: system, attached };
  }
  return { folder: own, attached: await attach(socketOf(own)) };
}

/**
 * Does the work with the running engine and lets go of it.
 * @throws AppError `not-running`, or `not-yours` where only another user's runs
 */
export async function withEngine<Result>(
  context: Context,
  options: CommonOptions,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const { attached } = await findPlace(context, options);
  if (attached === null) throw await whyNotRunning(context, options);
  return closeAfter(attached, work);
}

/** Does the work with the running engine, or one that is started in the background for it and stays. */
export async function withStartedEngine<Result>(
  context: Context,
  options: CommonOptions,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const { attached, folder } = await findPlace(context, options);
  return closeAfter(attached ?? (await startInBackground(context, folder)), work);
}

async function closeAfter<Result>(
  { client }: Attached,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/** A system engine that this user may not use explains more than that the own one does not run. */
async function whyNotRunning(context: Context, options: CommonOptions): Promise<AppError> {
  if (options.state === undefined) {
    try {
      await attach(socketOf(systemFolder(context.machine)));
    } catch (error) {
      if (error instanceof AppError && error.code === "not-yours") return error;
    }
  }
  return new AppError("not-running");
}

function nullIfNotYours(error: unknown): null {
  if (error instanceof AppError && error.code === "not-yours") return null;
  throw error;
}
