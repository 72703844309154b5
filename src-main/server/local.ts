/** What every install serves: the local socket for the command line, and the panel on loopback. */
import { chmodSync, chownSync, lstatSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import type { WebSocket } from "ws";
import { isLoopback, parseAddress } from "../../src-shared/address.ts";
import type { Handlers } from "../../src-shared/api/contract.ts";
import { tokenParameter } from "../../src-shared/api/panel.ts";
import { serve } from "../../src-shared/api/server.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { Millis } from "../../src-shared/ids.ts";
import { joinHostPort } from "../../src-shared/ids.ts";
import { descriptorOf } from "../transport/descriptor.ts";
import { startListening } from "../transport/listening.ts";
import type { KeptPanelState, Logins } from "./logins.ts";
import { openLogins } from "./logins.ts";
import type { PanelOptions } from "./panel.ts";
import { createPanel } from "./panel.ts";
import { socketChannel } from "./socket-channel.ts";

export interface LocalServerOptions {
  readonly handlers: Handlers;
  /** Path of the unix socket, or name of the pipe; the caller holds the folder's lock. */
  readonly socketPath: string;
  /** Who gets the socket instead of the running user: sudo's caller. */
  readonly socketOwner: { readonly uid: number; readonly gid: number } | null;
  /** Members of this process's group may use the socket, too. */
  readonly socketGroup?: boolean | undefined;
  /** Lets nobody talk to the pipe who may not; called once it is open. */
  readonly protectPipe?: (path: string) => void;
  /** `ADDRESS[:PORT]` or `PORT` by hand, false for none, undefined for 127.0.0.1 and a port that is free. */
  readonly panel: string | false | undefined;
  readonly pages: string;
  readonly kept: KeptPanelState;
  /** The log folder, which error texts name. */
  readonly logs: string;
  readonly log: (event: string, fields?: Readonly<Record<string, unknown>>) => void;
  readonly now?: () => Millis;
}

export interface LocalServer {
  /** `http://127.0.0.1:7780/`; null without a panel. */
  readonly panel: string | null;
  /**
   * A link that logs in once.
   * @throws AppError `usage` without a panel
   */
  panelLink(): { readonly url: string; readonly expires: string };
  /** Ends every log-in and closes every panel that is open. */
  revokePanel(): void;
  close(): Promise<void>;
}

/**
 * Opens socket and panel.
 * @throws AppError `port-in-use` for a port by hand, `usage` for an address that is not loopback, `system-refused`
 */
export async function startLocalServer(options: LocalServerOptions): Promise<LocalServer> {
  const server = new OpenServer(options);
  try {
    await server.open();
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

class OpenServer implements LocalServer {
  panel: string | null = null;
  readonly #options: LocalServerOptions;
  readonly #logins: Logins;
  readonly #servers: Server[] = [];
  readonly #sockets = new Map<WebSocket, "socket" | "panel">();

  constructor(options: LocalServerOptions) {
    this.#options = options;
    this.#logins = openLogins(options.kept, options.now);
  }

  async open(): Promise<void> {
    const { panel, log } = this.#options;
    const local = createPanel(this.#panelOptions(true));
    this.#servers.push(local);
    await listenOnSocket(local, this.#options);
    if (panel === false) return;
    const server = createPanel(this.#panelOptions(false));
    const wanted = panel === undefined ? null : parsePanelAddress(panel);
    const { host, port } =
      wanted === null ? await listenNearDefault(server, this.#logins) : await listenAt(server, wanted);
    this.#servers.push(server);
    this.panel = `http://${joinHostPort(host, port)}/`;
    log("panel.open", { port });
  }

  panelLink(): { readonly url: string; readonly expires: string } {
    if (this.panel === null) {
      throw new AppError("usage", {
        detail: "The panel is off here. Start Starmesh again without --panel off.",
      });
    }
    const { token, expires } = this.#logins.makeToken();
    return { url: `${this.panel}#${tokenParameter}=${token}`, expires: new Date(expires).toISOString() };
  }

  revokePanel(): void {
    this.#logins.revokeAll();
    for (const [socket, from] of this.#sockets) if (from === "panel") socket.close(policyViolation);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.keys()) socket.close(goingAway);
    const closed = this.#servers.map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    for (const server of this.#servers) server.closeIdleConnections();
    const deadline = setTimeout(() => this.#cutOff(), closeMillis);
    await Promise.all(closed);
    clearTimeout(deadline);
  }

  #cutOff(): void {
    for (const socket of this.#sockets.keys()) socket.terminate();
    for (const server of this.#servers) server.closeAllConnections();
  }

  #panelOptions(local: boolean): PanelOptions {
    const { handlers, pages, logs, log } = this.#options;
    const fault = (call: string, error: unknown) =>
      log("local.fault", {
        call,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    return {
      local,
      pages,
      logins: this.#logins,
      onSocket: (socket, from, stream) => {
        this.#sockets.set(socket, from);
        socket.on("close", () => this.#sockets.delete(socket));
        const caller = { connection: () => (from === "socket" ? descriptorOf(stream) : null) };
        serve(handlers, socketChannel(socket), { caller, logs, onFault: fault });
      },
      onFault: (error) => fault("http", error),
    };
  }
}

async function listenOnSocket(
  server: Server,
  { socketPath: path, socketOwner: owner, socketGroup, protectPipe }: LocalServerOptions,
): Promise<void> {
  const isFile = !path.startsWith("\\\\");
  if (isFile) removeOldSocket(path);
  // Nobody else may connect, not even before the mode is set below. Binding happens within the call.
  const mask = process.umask(0o177);
  const listening = startListening(server, { path });
  process.umask(mask);
  await listening;
  if (!isFile) return protectPipe?.(path);
  chmodSync(path, socketGroup === true ? 0o660 : 0o600);
  if (owner !== null) chownSync(path, owner.uid, owner.gid);
}

/** What a killed engine left; the lock says that nobody else uses it. */
function removeOldSocket(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats?.isSocket()) rmSync(path);
}

interface PanelAddress {
  readonly host: string;
  readonly port: number;
}

/** The first free port from the kept or the default one on; another one than the default is kept. */
async function listenNearDefault(server: Server, logins: Logins): Promise<PanelAddress> {
  const host = "127.0.0.1";
  const ports = Array.from({ length: triedPorts }, (_, at) => defaultPort + at);
  for (const port of [...(logins.keptPort === null ? [] : [logins.keptPort]), ...ports, 0]) {
    try {
      const bound = await listenAt(server, { host, port });
      logins.keepPort(bound.port === defaultPort ? null : bound.port);
      return bound;
    } catch (error) {
      if (!(error instanceof AppError && error.code === "port-in-use")) throw error;
    }
  }
  throw new AppError("port-in-use", { port: defaultPort });
}

async function listenAt(server: Server, { host, port }: PanelAddress): Promise<PanelAddress> {
  try {
    await startListening(server, { host, port });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    if (code === "EADDRINUSE") throw new AppError("port-in-use", { port });
    const detail = error instanceof Error ? error.message : String(error);
    throw new AppError("system-refused", { action: `open the panel on ${joinHostPort(host, port)}`, detail });
  }
  const address = server.address();
  return { host, port: typeof address === "object" && address !== null ? address.port : port };
}

/** `127.0.0.1:7780`, `[::1]:7780`, `localhost:7780`, `7780` or `127.0.0.1`; port 0 takes any free one. */
function parsePanelAddress(text: string): PanelAddress {
  const match = /^(?:(?:\[([^\]]+)\]|([\w.-]+?))(?::(\d{1,5}))?|:?(\d{1,5}))$/.exec(text);
  const onlyPort = /^:?\d{1,5}$/.test(text) ? text.replace(":", "") : undefined;
  const name = onlyPort === undefined ? (match?.[1] ?? match?.[2]) : "127.0.0.1";
  const host = name === "localhost" ? "127.0.0.1" : name;
  const port = Number(onlyPort ?? match?.[3] ?? defaultPort);
  const address = host === undefined ? null : parseAddress(host);
  if (host === undefined || address === null || port > 65_535) {
    throw new AppError("usage", {
      detail: `“${text}” is no address for the panel: write for example 127.0.0.1:7780.`,
    });
  }
  if (!isLoopback(address)) {
    throw new AppError("usage", {
      detail: `The panel opens on loopback only, not on ${host}: reach it from elsewhere through SSH.`,
    });
  }
  return { host, port };
}

const defaultPort = 7780;
const triedPorts = 100;
const closeMillis = 1_000;
/** RFC 6455 §7.4.1. */
const goingAway = 1001;
const policyViolation = 1008;
