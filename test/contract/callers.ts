/** What calls a local server without being a page or a command: plain HTTP, WebSockets, a forwarded port. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request as httpRequest } from "node:http";
import { connect, createServer } from "node:net";
import type { LocalServer } from "../../src-main/server/local.ts";

/** Where its panel listens. */
export const portOf = (server: LocalServer) => Number(new URL(server.panel ?? "").port);

/** The answer to one request, by a connection of its own. */
export function get(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      host: "127.0.0.1",
      port,
      path: encodeURI(path).replaceAll("%25", "%"),
      headers,
      method,
      agent: false,
    });
    request.on("response", resolve).on("error", reject).end();
  });
}

/** The whole body. */
export async function text(message: IncomingMessage): Promise<string> {
  let whole = "";
  for await (const part of message) whole += String(part);
  return whole;
}

/** The status that answers a page that opens its WebSocket; 101 when it is let in. */
export function socketStatus(origin: string, cookie: string | undefined): Promise<number> {
  const { host, port } = new URL(origin);
  return upgradeStatus(Number(port), {
    Host: host,
    Origin: origin,
    ...(cookie === undefined ? {} : { Cookie: cookie }),
  });
}

/** The same with any headers. */
export function upgradeStatus(port: number, headers: Record<string, string>, path = "/api"): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      host: "127.0.0.1",
      port,
      path,
      agent: false,
      headers: {
        ...headers,
        Connection: "Upgrade",
        Upgrade: "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": Buffer.alloc(16).toString("base64"),
      },
    });
    request.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve(response.statusCode ?? 0);
    });
    request.on("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on("error", reject).end();
  });
}

/** A loopback port that leads to the socket, as `ssh -L` makes one. */
export async function forward(socketPath: string): Promise<{ readonly port: number; close(): void }> {
  const server = createServer((outer) => {
    const inner = connect(socketPath);
    outer.pipe(inner).pipe(outer);
    outer.on("error", () => inner.destroy());
    inner.on("error", () => outer.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    close: () => server.close(),
  };
}
