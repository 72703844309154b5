/** Wires engine, router role and local server of one state folder. */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { openAddon } from "../drivers/index.ts";
import type { SettingsChange } from "../src-shared/settings.ts";
import { Engine } from "./engine/engine.ts";
import type { Owner } from "./engine/folder.ts";
import { prepareFolder, socketOf } from "./engine/folder.ts";
import { lockFolder } from "./engine/lock.ts";
import { openLog } from "./engine/log.ts";
import type { Log } from "./engine/surroundings.ts";
import { readVersioned, writeVersioned } from "./engine/versioned-file.ts";
import { createHandlers } from "./handlers/handlers.ts";
import type { Install } from "./handlers/install.ts";
import type { RouterStart } from "./router-role.ts";
import { SwitchedRouter } from "./router-role.ts";
import type { LocalServer } from "./server/local.ts";
import { startLocalServer } from "./server/local.ts";
import { panelState } from "./server/logins.ts";
import { openSystem } from "./system/system.ts";
import { demandOwnFolder, ownUser, protectPipe } from "./system/windows-security.ts";
import { version } from "./version.ts";

export interface ComposeOptions {
  /** State folder. */
  readonly folder: string;
  /** Router role to switch on now; undefined: as it was. */
  readonly router?: RouterStart | undefined;
  /** Set now, and kept. */
  readonly settings?: SettingsChange | undefined;
  /** Replace the hosting token. */
  readonly newToken?: boolean | undefined;
  /** `ADDRESS[:PORT]` by hand, false for none, undefined for the default. */
  readonly panel?: string | false | undefined;
  /** Log to standard error instead of the folder. */
  readonly debug?: boolean | undefined;
  /** Folder of the built pages. */
  readonly pages: string;
  /** Sudo's caller, who gets the local socket. */
  readonly socketOwner: Owner | null;
  /** Members of this process's group may use the local socket, too. */
  readonly socketGroup?: boolean | undefined;
  /** Users of Windows who get the local pipe besides this process's own: security identifiers. */
  readonly pipeUsers?: readonly string[];
  /** Somebody asked for the end. */
  readonly onStop: () => void;
}

/** A running install with everything round it. */
export interface Running {
  readonly install: Install;
  readonly log: Log;
  /** Folder of the log's files. */
  readonly logs: string;
  /** Ends all of it and lets the folder go. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts an install: takes the folder's lock, starts the engine, the router role if it is on, the local server, and
 * the networks that were up. Throws `already-running`, `port-in-use` and what each part throws.
 */
export async function compose(options: ComposeOptions): Promise<Running> {
  const { folder } = options;
  // The SQLite library asks for a report as it is loaded, and that would look up the name of every open socket's other
  // end while nothing else runs: 20 s for each where there is no DNS.
  if (process.report !== undefined) Object.assign(process.report, { excludeNetwork: true });
  prepareFolder(folder, options.socketOwner);
  if (process.platform === "win32") demandOwnFolder(folder, options.pipeUsers);
  const lock = await lockFolder(folder);
  const logs = join(folder, "logs");
  const { log, tail, close: closeLog } = openLog({ folder: logs, console: options.debug === true });
  const closers: Closer[] = [
    { part: "lock", close: () => lock.release() },
    { part: "log", close: closeLog },
  ];
  let closing: Promise<void> | null = null;
  const close = () => {
    closing ??= closeAll(closers, log);
    return closing;
  };
  try {
    const system = openSystem();
    closers.push({ part: "rights", close: () => system.rights.close() });
    const engine = await Engine.open({
      folder,
      addon: openAddon(),
      system,
      log,
      settings: options.settings,
    });
    closers.push({ part: "engine", close: () => engine.close() });
    const router = new SwitchedRouter(engine, folder, log);
    closers.push({ part: "router", close: () => router.close() });
    await router.resume(options.router);
    if (options.newToken === true) await router.newToken();
    const local: { server: LocalServer | null } = { server: null };
    const install: Install = {
      engine,
      router,
      version,
      tail,
      panel: () => local.server?.panel ?? null,
      panelLink: () => panelOf(local.server).panelLink(),
      revokePanel: () => panelOf(local.server).revokePanel(),
      stop: () => setTimeout(options.onStop, answerMillis),
    };
    const panelFile = join(folder, "panel.json");
    local.server = await startLocalServer({
      handlers: createHandlers(install),
      socketPath: socketOf(folder),
      socketOwner: options.socketOwner,
      socketGroup: options.socketGroup,
      protectPipe: (path) => protectPipe(path, [ownUser(), ...(options.pipeUsers ?? [])]),
      panel: options.panel,
      pages: options.pages,
      kept: {
        read: () => readVersioned(panelFile, panelState),
        write: (state) => writeVersioned(panelFile, state),
      },
      logs,
      log,
    });
    const { server } = local;
    closers.push({ part: "local server", close: () => server.close() });
    await engine.networks.resume();
    log("started", { version, port: engine.port });
    return { install, log, logs, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A part of the install and how it ends. */
interface Closer {
  readonly part: string;
  close(): Promise<void> | void;
}

/** Ends parts in reverse order; one that fails or takes too long does not keep the others open. */
async function closeAll(closers: Closer[], log: Log): Promise<void> {
  for (const { part, close } of closers.reverse()) {
    const late = new AbortController();
    const tooLong = delay(closeMillis, undefined, { signal: late.signal, ref: true }).then(
      () => {
        log("close.late", { part, holds: process.getActiveResourcesInfo().join(" ") });
        process.stderr.write(`${part} takes too long to end; it is left to itself\n`);
      },
      () => undefined,
    );
    try {
      await Promise.race([close(), tooLong]);
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    } finally {
      late.abort();
    }
  }
}

function panelOf(server: LocalServer | null): LocalServer {
  if (server === null) throw new Error("asked before the local server was open");
  return server;
}

/** What a part has to end in; taking back what was changed in the system takes less. */
const closeMillis = 15_000;
/** Time for the answer to `engine.stop` to leave. */
const answerMillis = 100;
