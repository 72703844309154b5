/** The calling end of the local socket: how command line and window reach a running engine. */
import type { Socket } from "node:net";
import { connect } from "node:net";
import { WebSocket } from "ws";
import type { Channel } from "../../src-shared/api/channel.ts";
import type { Client } from "../../src-shared/api/client.ts";
import { createClient } from "../../src-shared/api/client.ts";
import { apiPath } from "../../src-shared/api/panel.ts";
import { AppError } from "../../src-shared/errors.ts";
import { socketChannel } from "./socket-channel.ts";

export interface Attached {
  readonly client: Client;
  /** Settles when the connection has ended, by either side. */
  readonly closed: Promise<void>;
}

/** The host that callers of the local socket name; no browser can, so none is let in without its cookie. */
export const localHost = "starmesh.socket";

/**
 * The engine that answers on this socket; null when none does. Closing the client ends the connection.
 * @throws AppError like `connectLocal`, and `unknown-call` when the engine speaks other frames than ours
 */
export async function attach(socketPath: string): Promise<Attached | null> {
  const channel = await connectLocal(socketPath);
  if (channel === null) return null;
  const closed = new Promise<void>((resolve) => channel.onClose(resolve));
  const client = createClient(channel);
  await client.ready;
  return { client, closed };
}

/**
 * A channel to the engine that answers on this socket; null when none does.
 * @throws AppError `not-yours` without the right to use the socket, `timeout` when it does not answer in 5 seconds
 */
export async function connectLocal(socketPath: string): Promise<Channel | null> {
  const stream = await open(socketPath);
  if (stream === null) return null;
  const socket = new WebSocket(`ws://${localHost}${apiPath}`, {
    createConnection: () => stream,
    perMessageDeflate: false,
    handshakeTimeout: patienceMillis,
    maxPayload: longestAnswerBytes,
  });
  const channel = socketChannel(socket);
  const opened = await new Promise<boolean>((resolve) => {
    socket.once("open", () => resolve(true));
    socket.once("close", () => resolve(false));
  });
  if (!opened) throw new AppError("timeout", { what: "Reaching the running Starmesh" });
  return channel;
}

function open(socketPath: string): Promise<Socket | null> {
  return new Promise((resolve, reject) => {
    const stream = connect(socketPath);
    stream.once("connect", () => resolve(stream));
    stream.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EACCES" || error.code === "EPERM") {
        reject(new AppError("not-yours", { folder: socketPath.replace(/\/[^/]*$/, "") }));
      } else resolve(null);
    });
  });
}

const patienceMillis = 5_000;
/** A status of many thousand peers fits. */
const longestAnswerBytes = 64 * 1024 * 1024;
