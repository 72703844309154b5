/** The router's TCP port: TLS, the control socket, `/healthz`, a plain page. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server } from "node:https";
import { createServer } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { WebSocketServer } from "ws";
import type { Channel } from "../transport/channel.ts";
import { longestMessage } from "../transport/channel.ts";
import { controlPath, webSocketChannel } from "../transport/websocket.ts";
import type { TlsPair } from "./certificate.ts";

export interface PortOptions {
  /** Address, or a wildcard. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tls: TlsPair;
  /** Somebody opened the control socket. */
  readonly accept: (channel: Channel) => void;
  readonly refused: (cause: string) => void;
}

/** Links that a port takes: `tls`, and `wss` under a path. */
export interface PortLinks {
  readonly tls: boolean;
  readonly wss: string | null;
}

export interface TcpPort {
  readonly host: string;
  readonly port: number;
  /** Serves another certificate from now on. */
  setCertificate(tls: TlsPair): void;
  /** Which links it takes from now on; none at first. */
  setLinks(links: PortLinks): void;
  /** Frees the port; ends what is still open. */
  close(): Promise<void>;
}

/** Opens the port. Rejects as `listen` does, with `code` `EADDRINUSE`, `EACCES`, … */
export async function openPort(options: PortOptions): Promise<TcpPort> {
  const server = createServer(
    {
      ...options.tls,
      // The exporter that both ends sign is bound to one handshake from TLS 1.3 on.
      minVersion: "TLSv1.3",
      ALPNProtocols: ["http/1.1"],
      handshakeTimeout: patienceMillis,
      headersTimeout: patienceMillis,
      requestTimeout: patienceMillis,
    },
    answer,
  );
  server.on("tlsClientError", (error: NodeJS.ErrnoException) => {
    // Nodes try all addresses at once and hang up on the slower ones.
    if (error.code !== "ECONNRESET") options.refused("tls");
  });
  server.on("clientError", (_error, socket) => {
    options.refused("http");
    socket.destroy();
  });
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  upgradeControl(server, options);
  const { host, port } = await listen(server, options);
  return {
    host,
    port,
    setCertificate: (tls) => server.setSecureContext({ ...tls, minVersion: "TLSv1.3" }),
    setLinks: () => undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function upgradeControl(server: Server, options: PortOptions): void {
  const turnAway = (socket: Duplex, status: string) => {
    options.refused("http");
    socket.once("finish", () => socket.destroy());
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  };
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: longestMessage,
  });
  // With a listener, ws leaves the answer to it.
  sockets.on("wsClientError", (_error, socket) => turnAway(socket, "400 Bad Request"));
  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on("error", () => undefined);
    if (request.url !== controlPath || !(socket instanceof TLSSocket)) {
      turnAway(socket, "404 Not Found");
      return;
    }
    sockets.handleUpgrade(request, socket, head, (opened) => {
      // A frame that is none, or a message too long: ws closes it.
      opened.on("error", () => options.refused("websocket"));
      options.accept(webSocketChannel(opened, socket));
    });
  });
}

async function listen(
  server: Server,
  { host, port }: PortOptions,
): Promise<{ readonly host: string; readonly port: number }> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      server.on("error", () => undefined);
      resolve();
    });
  });
  const bound = server.address();
  return { host, port: typeof bound === "object" && bound !== null ? bound.port : port };
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const page =
    request.method === "GET" || request.method === "HEAD" ? pages.get(request.url ?? "") : undefined;
  const { type, body } = page ?? { type: "text/plain; charset=utf-8", body: "Not found\n" };
  response.writeHead(page === undefined ? 404 : 200, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    "x-content-type-options": "nosniff",
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Starmesh router</title>
<style>body{font:1.1rem/1.6 system-ui,sans-serif;max-width:36rem;margin:18vh auto;padding:0 1.5rem;color-scheme:light dark}</style>
<h1>Starmesh router</h1>
<p>A Starmesh router answers here. It has no pages of its own: join one of its networks with an invite,
<code>starmesh join …</code>.</p>
</html>
`;
const pages: ReadonlyMap<string, { readonly type: string; readonly body: string }> = new Map([
  ["/", { type: "text/html; charset=utf-8", body: page }],
  ["/healthz", { type: "application/json", body: '{"ok":true}\n' }],
]);
const patienceMillis = 10_000;
