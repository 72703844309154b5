/** An ordinary HTTPS site; insiders are let in by its door. */

import type { IncomingMessage } from "node:http";
import { ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { WebSocket } from "ws";
import { WebSocketServer } from "ws";
import type { TlsPair } from "./certificate.ts";
import { readable } from "./dial.ts";
import type { Purpose, Secret } from "./door.ts";
import { answerTo, whoKnocks } from "./door.ts";
import { startListening } from "./listening.ts";

export interface SiteOptions {
  /** Address, or a wildcard. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tls: TlsPair;
  /** By path. */
  readonly pages: ReadonlyMap<string, Page>;
  /** What insiders who come in at a port may know. */
  readonly secrets: (port: number) => Iterable<Secret>;
  /** What insiders are let in for at the moment who ask for this path. */
  readonly doors: (path: string) => Readonly<Partial<Record<Purpose, (entered: Entered) => void>>>;
  readonly refused: (cause: string) => void;
}

export interface Page {
  /** MIME type. */
  readonly type: string;
  readonly body: string;
}

/** An insider's request to change protocols; whoever takes it answers. */
export interface Entered {
  readonly request: IncomingMessage;
  readonly tls: TLSSocket;
  /** IP address and port of the other end. */
  readonly remote: { readonly host: string; readonly port: number };
  /** What came behind the request already. */
  readonly head: Buffer;
  /** Value of the `Set-Cookie` header that the answer must have. */
  readonly cookie: string;
}

export interface Site {
  readonly host: string;
  readonly port: number;
  /** Serves another certificate from now on. */
  setCertificate(tls: TlsPair): void;
  /** Serves a connection that came in at another port as its own. */
  serve(socket: Socket): void;
  /** Frees the port; ends what is still open. */
  close(): Promise<void>;
}

/** Opens the port. Rejects as `listen` does, with `code` `EADDRINUSE`, `EACCES`, … */
export async function openSite(options: SiteOptions): Promise<Site> {
  const { pages, refused } = options;
  const answer = (request: IncomingMessage, response: ServerResponse) => serve(pages, request, response);
  const server = createServer(
    {
      ...options.tls,
      // What both ends prove is bound to one handshake from TLS 1.3 on.
      minVersion: "TLSv1.3",
      ALPNProtocols: ["http/1.1"],
      // The client knows which suite its hardware is quick at.
      honorCipherOrder: false,
      handshakeTimeout: patienceMillis,
      headersTimeout: patienceMillis,
      requestTimeout: patienceMillis,
    },
    answer,
  );
  server.on("tlsClientError", (error: NodeJS.ErrnoException) => {
    // Nodes try all addresses at once and hang up on the slower ones.
    if (error.code !== "ECONNRESET") refused("tls");
  });
  server.on("clientError", (_error, socket) => {
    refused("http");
    socket.once("finish", () => socket.destroy());
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    else socket.destroy();
  });
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on("error", () => undefined);
    if (enter(options, { request, socket, head })) return;
    refused("http");
    // As a site does that knows of no other protocols.
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once("finish", () => socket.end(() => socket.destroy()));
    answer(request, response);
  });
  await startListening(server, { host: options.host, port: options.port });
  const bound = server.address();
  return {
    host: options.host,
    port: typeof bound === "object" && bound !== null ? bound.port : options.port,
    setCertificate: (tls) =>
      server.setSecureContext({ ...tls, minVersion: "TLSv1.3", honorCipherOrder: false }),
    serve: (socket) => void server.emit("connection", socket),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Upgrades what insiders ask for to WebSockets. Messages longer than `longest` bytes end them. */
export function webSocketDoor(
  longest: number,
  opened: (socket: WebSocket, entered: Entered) => void,
): (entered: Entered) => void {
  const cookies = new WeakMap<IncomingMessage, string>();
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: longest,
  });
  server.on("headers", (headers, request) => {
    const cookie = cookies.get(request);
    if (cookie !== undefined) headers.push(`Set-Cookie: ${cookie}`);
  });
  return (entered) => {
    cookies.set(entered.request, entered.cookie);
    server.handleUpgrade(entered.request, entered.tls, entered.head, (socket) => opened(socket, entered));
  };
}

/** Whether it was an insider, who was let in. */
function enter(
  { secrets, doors }: SiteOptions,
  {
    request,
    socket,
    head,
  }: { readonly request: IncomingMessage; readonly socket: Socket; readonly head: Buffer },
): boolean {
  if (!(socket instanceof TLSSocket)) return false;
  const known = whoKnocks(request.headers.cookie, secrets(socket.localPort ?? 0), socket);
  const open = known === null ? undefined : doors(request.url ?? "")[known.purpose];
  if (known === null || open === undefined) return false;
  const { remoteAddress = "", remotePort = 0 } = socket;
  const cookie = answerTo(known.secret, known.purpose, socket);
  open({ request, tls: socket, remote: { host: readable(remoteAddress), port: remotePort }, head, cookie });
  return true;
}

function serve(pages: ReadonlyMap<string, Page>, request: IncomingMessage, response: ServerResponse): void {
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
<title>Welcome</title>
<style>body{font:1.1rem/1.6 system-ui,sans-serif;max-width:36rem;margin:18vh auto;padding:0 1.5rem;color-scheme:light dark}</style>
<h1>It works</h1>
<p>This server is running. There is nothing here yet.</p>
</html>
`;

/** Pages of a site with nothing on it. */
export const plainPages: ReadonlyMap<string, Page> = new Map([
  ["/", { type: "text/html; charset=utf-8", body: page }],
]);

const patienceMillis = 10_000;
