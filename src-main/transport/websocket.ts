/** Channels over WebSocket and TLS 1.3: the node's end by `connectWebSocket`, the router's by `webSocketChannel`. */
import type { Socket } from "node:net";
import { isIP } from "node:net";
import type { TLSSocket } from "node:tls";
import { connect as connectTls } from "node:tls";
import { WebSocket } from "ws";
import { splitHostPort } from "../../src-shared/ids.ts";
import type { Channel, ChannelListener } from "./channel.ts";
import { longestMessage } from "./channel.ts";

/** Path of the control socket on a router's TCP port. */
export const controlPath = "/control";

/**
 * Opens a channel to a router. The TLS certificate is not looked at: who is at the other end is proved by a signature
 * over the channel's exporter.
 */
export async function connectWebSocket(address: string, signal: AbortSignal): Promise<Channel> {
  const parts = splitHostPort(address);
  if (parts === null) throw new Error(`not host:port: ${address}`);
  signal.throwIfAborted();
  const tls = connectTls({
    host: parts.host,
    port: parts.port,
    servername: isIP(parts.host) === 0 ? parts.host : "",
    rejectUnauthorized: false,
    minVersion: "TLSv1.3",
    ALPNProtocols: ["http/1.1"],
  });
  tls.setNoDelay(true);
  const socket = new WebSocket(`wss://${hostHeader(parts.host)}:${parts.port}${controlPath}`, {
    createConnection: () => tls as Socket,
    perMessageDeflate: false,
    maxPayload: longestMessage,
    followRedirects: false,
  });
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => {
      signal.removeEventListener("abort", abort);
      tls.destroy();
      reject(cause instanceof Error ? cause : new Error(String(cause)));
    };
    const abort = () => fail(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    // ws reports a failure of any kind here; the listener stays, so that a late one is not thrown.
    socket.on("error", fail);
    socket.once("open", () => {
      signal.removeEventListener("abort", abort);
      resolve(webSocketChannel(socket, tls));
    });
  });
}

/** The channel of a WebSocket on a TLS socket whose handshake is complete. */
export function webSocketChannel(socket: WebSocket, tls: TLSSocket): Channel {
  const early: (string | null)[] = [];
  let listener: ChannelListener | null = null;
  let closed = false;
  socket.on("error", () => undefined);
  socket.on("message", (data, isBinary) => {
    listener?.heard();
    const text = isBinary ? null : String(data);
    if (listener === null) early.push(text);
    else if (!closed) listener.message(text);
  });
  for (const event of ["ping", "pong"] as const) socket.on(event, () => listener?.heard());
  socket.on("close", () => {
    closed = true;
    listener?.closed();
  });
  return {
    exporter: tls.exportKeyingMaterial(exporterLength, exporterLabel, Buffer.alloc(0)),
    // An IPv4 connection to a socket of both families shows as ::ffff:192.0.2.1.
    remote: (tls.remoteAddress ?? "").replace(/^::ffff:(?=\d+\.)/, ""),
    queued: () => socket.bufferedAmount,
    send: (message) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(message, { binary: false });
    },
    ping: () => {
      if (socket.readyState === WebSocket.OPEN) socket.ping();
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: () => {
      socket.close();
      setTimeout(() => socket.terminate(), closeMillis).unref();
    },
    cut: () => socket.terminate(),
    listen: (given) => {
      listener = given;
      for (const text of early.splice(0)) if (!closed) given.message(text);
      if (closed) given.closed();
    },
  };
}

function hostHeader(host: string): string {
  // A zone names an interface of this machine; it has no place in a URL.
  return isIP(host) === 6 ? `[${host.split("%")[0] ?? host}]` : host;
}

const exporterLabel = "EXPORTER-starmesh";
const exporterLength = 32;
const closeMillis = 2000;
