/** The process of one state folder: starts everything, says what it is, ends on a signal. */
import { homedir } from "node:os";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { toWireError } from "../src-shared/errors.ts";
import type { RouterWish } from "../src-shared/router-settings.ts";
import type { SettingsChange } from "../src-shared/settings.ts";
import type { Running } from "./compose.ts";
import { compose } from "./compose.ts";
import { ownFolder, sudoCaller } from "./engine/folder.ts";
import type { RouterStart } from "./router-role.ts";
import { readRouterFile } from "./server/config.ts";
import { UnexpectedErrors } from "./unexpected.ts";

export interface DaemonOptions {
  /** State folder; undefined: this user's own. */
  readonly state?: string | undefined;
  /** Tell people on standard error what is going on, and end on Ctrl-C. */
  readonly foreground: boolean;
  /** Router role to switch on. */
  readonly router?:
    | {
        /** What its options set. */
        readonly wish: RouterWish;
        readonly newToken?: boolean | undefined;
        /** A YAML or JSON file; what is given beside it counts. */
        readonly config?: string | undefined;
      }
    | undefined;
  /** `ADDRESS[:PORT]`, false for none, undefined for the default. */
  readonly panel?: string | false | undefined;
  readonly debug?: boolean | undefined;
  /** Set now, and kept. */
  readonly settings?: SettingsChange | undefined;
  /** Networks to connect besides those that were up. */
  readonly networks?: readonly string[] | undefined;
  /** Called once everything runs. */
  readonly onReady?: ((running: Running) => void) | undefined;
  /** Hears the line that says why it ended; absent: standard error. */
  readonly complain?: ((line: string) => void) | undefined;
  /** Ends it like a signal. */
  readonly ending?: AbortSignal | undefined;
  /** Security identifiers of users of Windows who may use the local pipe besides this one. */
  readonly users?: readonly string[] | undefined;
}

/** Runs until a signal or `starmesh stop`. The exit status: 0, or 1 after one line that says what is wrong. */
export async function runDaemon(options: DaemonOptions): Promise<number> {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const machine = {
    platform: process.platform,
    environment: process.env,
    home: homedir(),
    uid: process.getuid?.() ?? null,
  };
  const folder = options.state ?? ownFolder(machine);
  let running: Running;
  try {
    running = await compose({
      folder,
      router: await toStart(options.router),
      newToken: options.router?.newToken,
      panel: options.panel,
      debug: options.debug,
      settings: options.settings,
      pages: fileURLToPath(new URL("./renderer", import.meta.url)),
      socketOwner: sudoCaller(machine),
      socketGroup: machine.environment["STARMESH_SOCKET_GROUP"] === "yes",
      pipeUsers: options.users ?? [],
      onStop: () => end(),
    });
  } catch (error) {
    return complain(error, { say: options.complain });
  }
  let status = 0;
  const unexpected = new UnexpectedErrors({
    log: running.log,
    now: () => performance.now(),
    say: (error) => complain(error, { say: options.complain, logs: running.logs }),
    giveUp: () => {
      status = 1;
      end();
      setTimeout(() => process.exit(status), lingerMillis).unref();
    },
  });
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.once(signal, end);
  options.ending?.addEventListener("abort", end, { once: true });
  if (options.ending?.aborted === true) end();
  try {
    for (const name of options.networks ?? [])
      await running.install.engine.networks.up(running.install.engine.networks.find(name).stored.network);
    options.onReady?.(running);
    await ended;
    return status;
  } catch (error) {
    return complain(error, { say: options.complain });
  } finally {
    for (const signal of signals) process.removeListener(signal, end);
    await running.close();
    unexpected.close();
    // Whatever still holds the process by then would hold it for ever.
    setTimeout(letGo, lingerMillis).unref();
  }
}

/** One line for people; the exit status: 2 for wrong usage, else 1. */
function complain(
  error: unknown,
  {
    say = (line) => void process.stderr.write(`${line}\n`),
    logs,
  }: { readonly say?: DaemonOptions["complain"]; readonly logs?: string },
): number {
  const { code, message } = toWireError(error, logs);
  say(message);
  return code === "usage" ? 2 : 1;
}

async function toStart(router: DaemonOptions["router"]): Promise<RouterStart | undefined> {
  if (router === undefined) return undefined;
  const { config } = router;
  const file = config === undefined ? null : { path: resolve(config), wish: await readRouterFile(config) };
  return { options: router.wish, file };
}

function letGo(): void {
  process.stderr.write(`Ended with something open: ${process.getActiveResourcesInfo().join(", ")}\n`);
  process.exit();
}

const lingerMillis = 5000;
