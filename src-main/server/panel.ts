/** The panel's HTTP: its pages, the log-in, and who may open the contract's WebSocket. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { WebSocketServer } from "ws";
import { longestRequest } from "../../src-shared/api/frames.ts";
import { apiPath, loginPath, panelLogin } from "../../src-shared/api/panel.ts";
import { AppError, errorKinds, toWireError } from "../../src-shared/errors.ts";
import { localHost } from "./attach.ts";
import type { Logins } from "./logins.ts";
import { loginSeconds } from "./logins.ts";
import { readPage } from "./pages.ts";

export interface PanelOptions {
  /** Callers of the local socket are let in as its owner. */
  readonly local: boolean;
  readonly logins: Logins;
  /** Folder of the built pages. */
  readonly pages: string;
  /** Takes a WebSocket whose caller may use the whole contract; `stream` is what it runs over. */
  readonly onSocket: (socket: WebSocket, from: "socket" | "panel", stream: Duplex) => void;
  readonly onFault: (error: unknown) => void;
}

/** An HTTP server that answers as the panel; the caller lets it listen. */
export function createPanel(options: PanelOptions): Server {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: longestRequest,
    perMessageDeflate: false,
  });
  const server = createServer({
    headersTimeout: 10_000,
    requestTimeout: 15_000,
    keepAliveTimeout: 5_000,
    connectionsCheckingInterval: 5_000,
  });
  server.maxConnections = mostConnections;
  server.on("request", (request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      options.onFault(error);
      response.destroy();
    });
  });
  server.on("upgrade", (request, stream, head) => {
    stream.on("error", () => undefined);
    const from = callerOf(request, options);
    if (typeof from !== "string") return refuseUpgrade(stream, from.status);
    if (sockets.clients.size >= mostSockets) return refuseUpgrade(stream, 503);
    sockets.handleUpgrade(request, stream, head, (socket) => options.onSocket(socket, from, stream));
  });
  return server;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: PanelOptions,
): Promise<void> {
  const path = pathOf(request);
  const host = request.headers.host;
  for (const [name, value] of Object.entries(securityHeaders(host))) response.setHeader(name, value);
  if (path === "/healthz") return end(response, 200, "ok\n");
  if (!isOwnHost(host)) return end(response, 403, "Open the panel as 127.0.0.1, [::1] or localhost.\n");
  if (!isSameOrigin(request, "if-named")) return end(response, 403, "Another page may not use the panel.\n");
  if (path === loginPath) return answerLogin(request, response, options.logins);
  if (path === apiPath) {
    const admitted = options.logins.admits(request.headers.cookie);
    return admitted
      ? end(response, 426, "This is a WebSocket.\n")
      : sendError(response, "panel-unauthorized");
  }
  if (request.method !== "GET" && request.method !== "HEAD") return refuseMethod(response, "GET, HEAD");
  const page = path === null ? null : await readPage(options.pages, path);
  if (page === null) return end(response, 404, "There is no such page.\n");
  response.setHeader("Content-Type", page.type);
  response.setHeader("Cache-Control", page.lasting ? "public, max-age=31536000, immutable" : "no-cache");
  response.end(page.body);
}

async function answerLogin(
  request: IncomingMessage,
  response: ServerResponse,
  logins: Logins,
): Promise<void> {
  response.setHeader("Cache-Control", "no-store");
  if (request.method === "GET") {
    if (logins.admits(request.headers.cookie)) return end(response, 204);
    return sendError(response, "panel-unauthorized");
  }
  if (request.method !== "POST") return refuseMethod(response, "GET, POST");
  // A form of another page cannot send this type without the browser asking first, and nobody says yes.
  const isJson = /^application\/json\b/.test(request.headers["content-type"] ?? "");
  const body = isJson && isSameOrigin(request, "must-name") ? await readBody(request) : null;
  const parsed = panelLogin.safeParse(body);
  if (!parsed.success) return sendError(response, new AppError("usage", { detail: "This is no log-in." }));
  try {
    const cookie = logins.logIn(parsed.data.token);
    const rights = `HttpOnly; SameSite=Strict; Path=/; Max-Age=${loginSeconds}`;
    response.setHeader("Set-Cookie", `${logins.cookieName}=${cookie}; ${rights}`);
    return end(response, 204);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (error.code === "too-many-tries") response.setHeader("Retry-After", "60");
    return sendError(response, error);
  }
}

/** Who asks for a WebSocket, or the status that refuses it. */
function callerOf(
  request: IncomingMessage,
  options: PanelOptions,
): "socket" | "panel" | { readonly status: 401 | 403 | 404 } {
  const { host, origin, cookie } = request.headers;
  if (pathOf(request) !== apiPath) return { status: 404 };
  // Browsers name an origin and cannot name this host: through a port forwarded to the socket they need the cookie too.
  if (options.local && host === localHost && origin === undefined && cookie === undefined) return "socket";
  if (!isOwnHost(host) || !isSameOrigin(request, "must-name")) return { status: 403 };
  return options.logins.admits(cookie) ? "panel" : { status: 401 };
}

/** Whether the page's host is this machine; a name that resolves to it is not enough (DNS rebinding). */
function isOwnHost(host: string | undefined): boolean {
  return /^(127\.0\.0\.1|\[::1\]|localhost)(:\d{1,5})?$/.test(host ?? "");
}

function isSameOrigin(request: IncomingMessage, demand: "must-name" | "if-named"): boolean {
  const { origin, host } = request.headers;
  return origin === undefined ? demand === "if-named" : origin === `http://${host ?? ""}`;
}

function pathOf(request: IncomingMessage): string | null {
  return /^(\/[^?#]*)/.exec(request.url ?? "")?.[1] ?? null;
}

/** The body's JSON; null for any other, or a longer one. */
async function readBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > longestBody) return null;
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString("utf8"));
  } catch {
    return null;
  }
}

function sendError(response: ServerResponse, error: AppError | "panel-unauthorized"): void {
  const wire = toWireError(error instanceof AppError ? error : new AppError(error));
  response.setHeader("Content-Type", "application/json; charset=utf-8");
  end(response, errorKinds[wire.code].http, JSON.stringify(wire));
}

function refuseMethod(response: ServerResponse, allowed: string): void {
  response.setHeader("Allow", allowed);
  end(response, 405, `Here only: ${allowed}\n`);
}

function end(response: ServerResponse, status: number, text = ""): void {
  response.statusCode = status;
  if (text !== "" && !response.hasHeader("Content-Type")) {
    response.setHeader("Content-Type", "text/plain; charset=utf-8");
  }
  // What is left of a body that nobody reads would be taken for the next request.
  if (!response.req.complete) response.setHeader("Connection", "close");
  response.end(text);
}

function refuseUpgrade(stream: Duplex, status: 401 | 403 | 404 | 503): void {
  const text = { 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 503: "Service Unavailable" }[
    status
  ];
  stream.end(`HTTP/1.1 ${status} ${text}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function securityHeaders(host: string | undefined): Readonly<Record<string, string>> {
  // Not every browser takes 'self' for the WebSocket of the same host.
  const socket = isOwnHost(host) ? ` ws://${host}` : "";
  return {
    "Content-Security-Policy": [
      "default-src 'none'",
      "script-src 'self'",
      // The UI kit writes its colours and sizes into style elements; no style can carry data out under these rules.
      "style-src 'self' 'unsafe-inline'",
      "img-src 'self' data:",
      "font-src 'self'",
      `connect-src 'self'${socket}`,
      "manifest-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join("; "),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), usb=()",
  };
}

const longestBody = 1024;
const mostConnections = 512;
const mostSockets = 128;
