/** The pipes that the contract crosses, each with handlers at one end and a bare channel at the other. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { localHost } from "../../src-main/server/attach.ts";
import type { LocalServer, LocalServerOptions } from "../../src-main/server/local.ts";
import { startLocalServer } from "../../src-main/server/local.ts";
import type { KeptPanelState, PanelState } from "../../src-main/server/logins.ts";
import { socketChannel } from "../../src-main/server/socket-channel.ts";
import type { Channel } from "../../src-shared/api/channel.ts";
import { channelPair } from "../../src-shared/api/channel.ts";
import type { Handlers } from "../../src-shared/api/contract.ts";
import { apiPath, loginPath } from "../../src-shared/api/panel.ts";
import { serve } from "../../src-shared/api/server.ts";

export interface Pipe {
  /** A channel of its own to the handlers. */
  connect(): Promise<Channel>;
  close(): Promise<void>;
}

export interface Faults {
  readonly seen: { readonly name: string; readonly error: unknown }[];
}

export const pipes: Readonly<Record<string, (handlers: Handlers, faults: Faults) => Promise<Pipe>>> = {
  memory: async (handlers, faults) => ({
    connect: async () => {
      const [caller, answering] = channelPair();
      serve(handlers, answering, { onFault: (name, error) => faults.seen.push({ name, error }) });
      return caller;
    },
    close: async () => undefined,
  }),

  "unix socket": async (handlers, faults) => {
    const local = await openLocal({ handlers, panel: false }, faults);
    return {
      connect: () =>
        opened(
          new WebSocket(`ws://${localHost}${apiPath}`, { createConnection: () => connect(local.socketPath) }),
        ),
      close: local.close,
    };
  },

  WebSocket: async (handlers, faults) => {
    const local = await openLocal({ handlers, panel: "127.0.0.1:0" }, faults);
    return {
      connect: async () => {
        const { origin, cookie } = await logIn(local.server);
        return opened(
          new WebSocket(`${origin.replace("http", "ws")}${apiPath}`, { origin, headers: { Cookie: cookie } }),
        );
      },
      close: local.close,
    };
  },
};

export interface Local {
  readonly server: LocalServer;
  readonly folder: string;
  readonly socketPath: string;
  close(): Promise<void>;
}

/** A local server of its own folder; what it keeps is in memory. */
export async function openLocal(
  options: Pick<LocalServerOptions, "handlers"> & Partial<LocalServerOptions>,
  faults: Faults = { seen: [] },
): Promise<Local> {
  const folder = mkdtempSync(join(tmpdir(), "starmesh-local-"));
  const socketPath = join(folder, "starmesh.sock");
  const server = await startLocalServer({
    socketPath,
    socketOwner: null,
    panel: "127.0.0.1:0",
    pages: join(folder, "pages"),
    kept: keptInMemory(),
    logs: join(folder, "logs"),
    log: (event, fields) => {
      if (event === "local.fault")
        faults.seen.push({ name: String(fields?.["call"]), error: fields?.["error"] });
    },
    ...options,
  });
  return {
    server,
    folder,
    socketPath,
    close: async () => {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function keptInMemory(): KeptPanelState & { state: PanelState | null } {
  const kept = {
    state: null as PanelState | null,
    read: () => kept.state,
    write: (state: PanelState) => {
      kept.state = state;
    },
  };
  return kept;
}

/** What a browser does with the link of `starmesh panel`. */
export async function logIn(
  server: LocalServer,
  link = server.panelLink().url,
): Promise<{ readonly origin: string; readonly cookie: string; readonly response: Response }> {
  const { origin, hash } = new URL(link);
  const response = await fetch(`${origin}${loginPath}`, {
    method: "POST",
    headers: { Origin: origin, "Content-Type": "application/json" },
    body: JSON.stringify({ token: hash.replace("#token=", "") }),
  });
  return { origin, response, cookie: (response.headers.get("set-cookie") ?? "").split(";")[0] ?? "" };
}

function opened(socket: WebSocket): Promise<Channel> {
  // The listeners go on at once: the first text may come with the answer to the upgrade.
  const channel = socketChannel(socket);
  return new Promise((resolve, reject) => {
    socket.once("open", () => resolve(channel));
    socket.once("error", reject);
  });
}
