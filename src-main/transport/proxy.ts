/** Connections through proxies: HTTP CONNECT (RFC 9110 §9.3.6) and SOCKS5 with a log-in (RFC 1928, RFC 1929). */
import { request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import type { Socket } from "node:net";
import { connect as connectTcp, isIP } from "node:net";
import { SocksClient } from "socks";
import { AppError } from "../../src-shared/errors.ts";
import { joinHostPort } from "../../src-shared/ids.ts";
import type { ProxyServer } from "../../src-shared/proxy.ts";
import { showProxy } from "../../src-shared/proxy.ts";

/** Where to. */
export interface Destination {
  /** A name is resolved by the proxy. */
  readonly host: string;
  readonly port: number;
}

/**
 * Connects to the destination through the proxy. Throws `proxy-unreachable` or `proxy-refused`, or the reason of the
 * signal.
 */
export async function connectThrough(
  proxy: ProxyServer,
  destination: Destination,
  signal: AbortSignal,
): Promise<Socket> {
  signal.throwIfAborted();
  try {
    return await (proxy.kind === "socks5" ? connectSocks : connectHttp)(proxy, destination, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof AppError) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    throw new AppError("proxy-unreachable", { proxy: showProxy(proxy), detail });
  }
}

function connectHttp(proxy: ProxyServer, destination: Destination, signal: AbortSignal): Promise<Socket> {
  const authority = joinHostPort(destination.host, destination.port);
  const { login } = proxy;
  const credentials =
    login === null ? null : Buffer.from(`${login.user}:${login.password}`, "utf8").toString("base64");
  const asked = (proxy.kind === "https" ? requestTls : requestPlain)({
    host: proxy.host,
    port: proxy.port,
    method: "CONNECT",
    path: authority,
    agent: false,
    headers: {
      host: authority,
      ...(credentials === null ? {} : { "proxy-authorization": `Basic ${credentials}` }),
    },
  });
  const abort = () => asked.destroy(new Error("given up"));
  signal.addEventListener("abort", abort, { once: true });
  return new Promise<Socket>((resolve, reject) => {
    asked.on("error", reject);
    asked.once("connect", (response, socket, head) => {
      const { statusCode = 0 } = response;
      if (statusCode < 200 || statusCode > 299) {
        socket.destroy();
        reject(refusal(proxy, destination, statusCode === 407 ? wrongLogin : `it answers ${statusCode}`));
        return;
      }
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    asked.end();
  }).finally(() => signal.removeEventListener("abort", abort));
}

async function connectSocks(
  proxy: ProxyServer,
  destination: Destination,
  signal: AbortSignal,
): Promise<Socket> {
  const socket = connectTcp({ host: proxy.host, port: proxy.port });
  const abort = () => socket.destroy(new Error("given up"));
  signal.addEventListener("abort", abort, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    const { login } = proxy;
    await SocksClient.createConnection({
      existing_socket: socket,
      command: "connect",
      destination,
      timeout: patienceMillis,
      proxy: {
        // The socket stands already; the library wants them all the same, as an address.
        host: isIP(proxy.host) === 0 ? "127.0.0.1" : proxy.host,
        port: proxy.port,
        type: 5,
        ...(login === null ? {} : { userId: login.user, password: login.password }),
      },
    }).catch((error: unknown) => {
      const detail = error instanceof Error ? error.message : String(error);
      throw refusal(proxy, destination, /authentication/i.test(detail) ? wrongLogin : detail);
    });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function refusal(proxy: ProxyServer, destination: Destination, detail: string): AppError {
  const target = joinHostPort(destination.host, destination.port);
  return new AppError("proxy-refused", { proxy: showProxy(proxy), target, detail });
}

const wrongLogin = "it wants another name and password";
const patienceMillis = 8000;
