/** Channels over WebSocket and TLS 1.3: the node's end by `webSocketConnect`, the router's by `webSocketChannel`. */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { WebSocket } from "ws";
import { AppError } from "../../src-shared/errors.ts";
import { splitHostPort } from "../../src-shared/ids.ts";
import type { Channel, ChannelListener, Connect } from "./channel.ts";
import { longestMessage } from "./channel.ts";
import { dialTls, readable } from "./dial.ts";
import { knock } from "./door.ts";
import type { WayOut } from "./way-out.ts";
import { wayOut } from "./way-out.ts";

/**
 * Opens channels to routers by a way out. The TLS certificate is not looked at: who is at the other end is proved by a
 * signature over the channel's exporter. A channel rejects with `proxy-…`, or with `link-refused` where an ordinary site is.
 */
export function webSocketConnect(way: WayOut): Connect {
  return async (address, secret, signal) => {
    const parts = splitHostPort(address);
    if (parts === null) throw new Error(`not host:port: ${address}`);
    const { tls, remote, hostHeader } = await dialTls(parts, { way, protocols: ["http/1.1"] }, signal);
    const socket = new WebSocket(`wss://${hostHeader}${way.path}`, {
      createConnection: () => tls as Socket,
      headers: { host: hostHeader, cookie: knock(secret, "control", tls) },
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
      socket.once("unexpected-response", () => fail(new AppError("link-refused", { address })));
      // ws reports a failure of any kind here; the listener stays, so that a late one is not thrown.
      socket.on("error", fail);
      socket.once("open", () => {
        signal.removeEventListener("abort", abort);
        resolve(webSocketChannel(socket, tls, remote));
      });
    });
  };
}

/** By the way out that the environment names. */
export const connectWebSocket: Connect = (address, secret, signal) =>
  webSocketConnect(wayOut())(address, secret, signal);

/** The channel of a WebSocket on a TLS socket whose handshake is complete. `remote`: where it leads, if not to the socket's peer. */
export function webSocketChannel(
  socket: WebSocket,
  tls: TLSSocket,
  remote = readable(tls.remoteAddress ?? ""),
): Channel {
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
    remote,
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

const exporterLabel = "EXPORTER-starmesh";
const exporterLength = 32;
const closeMillis = 2000;
