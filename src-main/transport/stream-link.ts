/**
 * Links over TLS: the data plane's stream of datagrams goes through the connection as it is (`tls`), or in binary messages of a
 * WebSocket (`wss`). Both begin with the same request for a WebSocket.
 */
import { createHash, randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { request as requestPlain } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { WebSocket } from "ws";
import type { Endpoint } from "../../drivers/dataplane.ts";
import { AppError } from "../../src-shared/errors.ts";
import { joinHostPort } from "../../src-shared/ids.ts";
import { descriptorOf } from "./descriptor.ts";
import type { Dialled } from "./dial.ts";
import { dialTls } from "./dial.ts";
import type { Secret } from "./door.ts";
import { isAnswer, knock } from "./door.ts";
import type { Entered } from "./site.ts";
import { webSocketDoor } from "./site.ts";
import type { StreamLink } from "./stream-carry.ts";
import { carryBytes, carryMessages, Pipe } from "./stream-carry.ts";
import type { WayOut } from "./way-out.ts";

/** Where a link goes. */
export interface StreamLinkTarget {
  readonly transport: StreamTransport;
  /** Name or address. */
  readonly host: string;
  readonly port: number;
  /** IP address that stands for the host in endpoints; null: whatever is found. */
  readonly address: string | null;
  /** What the other end lets insiders in by: the router's pin, or the node's identity. */
  readonly secret: Secret;
  readonly way: WayOut;
}

export type StreamTransport = "tls" | "wss";

/** The data plane's calls that links are made of, on one of its sockets. */
export interface Streams {
  /** The caller's end of a new link's stream: a descriptor that the caller closes, or the name of a pipe to connect to. */
  openStream(remote: Endpoint): number | string;
  /** Fits a TCP connection for links, by its descriptor. */
  tuneStream(descriptor: number): void;
}

/**
 * Opens a link. Throws `proxy-…`, `link-refused` when an ordinary site is there, or somebody between, `router-lost` when the
 * connection ends or nothing comes in time, what sockets and `openStream` throw, or the reason of the signal.
 */
export async function openStreamLink(
  target: StreamLinkTarget,
  streams: Streams,
  signal: AbortSignal = new AbortController().signal,
): Promise<StreamLink> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(patienceMillis)]);
  const { transport, host, port, address, way } = target;
  // What a browser offers for pages, and what for WebSockets.
  const protocols = transport === "tls" ? ["h2", "http/1.1"] : ["http/1.1"];
  const dialled = await dialTls({ host, port }, { way, protocols, address }, limit);
  const endpoint = `${transport}/${joinHostPort(address ?? dialled.remote, port)}`;
  const open = () => openPipe(streams, endpoint, dialled.tls);
  const abort = () => dialled.tls.destroy();
  limit.addEventListener("abort", abort, { once: true });
  try {
    return await (transport === "tls" ? enterRaw : enterWebSocket)(target, dialled, (socket) =>
      socket === null
        ? carryBytes(open(), endpoint, dialled.tls)
        : carryMessages(open(), endpoint, { socket, tls: dialled.tls }),
    );
  } catch (error) {
    dialled.tls.destroy();
    limit.throwIfAborted();
    throw error;
  } finally {
    limit.removeEventListener("abort", abort);
  }
}

/** Doors of a site by which links come in. `streams` null: not now. `accepted` hears of each. */
export function streamDoors(
  streams: () => Streams | null,
  accepted: (link: StreamLink) => void = () => undefined,
): Readonly<Record<StreamTransport, (entered: Entered) => void>> {
  const open = (
    transport: StreamTransport,
    { remote, tls }: Entered,
    carry: (pipe: Pipe, endpoint: Endpoint) => StreamLink,
  ) => {
    const endpoint = `${transport}/${joinHostPort(remote.host, remote.port)}`;
    const own = streams();
    if (own === null) {
      tls.destroy();
      return;
    }
    try {
      accepted(carry(openPipe(own, endpoint, tls), endpoint));
    } catch {
      // The data plane has stopped, or no descriptor is left.
      tls.destroy();
    }
  };
  return {
    tls: (entered) => {
      const { tls, head, cookie, request } = entered;
      const key = createHash("sha1")
        .update(`${request.headers["sec-websocket-key"] ?? ""}${webSocketId}`)
        .digest("base64");
      const lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        `Sec-WebSocket-Accept: ${key}`,
        `Set-Cookie: ${cookie}`,
      ];
      tls.write(`${lines.join("\r\n")}\r\n\r\n`);
      if (head.length > 0) tls.unshift(head);
      open("tls", entered, (pipe, endpoint) => carryBytes(pipe, endpoint, tls));
    },
    wss: webSocketDoor(longestMessage, (socket, entered) =>
      open("wss", entered, (pipe, endpoint) => carryMessages(pipe, endpoint, { socket, tls: entered.tls })),
    ),
  };
}

type Carry = (socket: WebSocket | null) => StreamLink;

/** Asks for a WebSocket and, once let in, uses the connection as it is. */
function enterRaw(target: StreamLinkTarget, dialled: Dialled, carry: Carry): Promise<StreamLink> {
  const { tls } = dialled;
  return new Promise((resolve, reject) => {
    const asked = requestPlain({
      createConnection: () => tls,
      path: target.way.path,
      headers: {
        ...headersFor(target, dialled),
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": randomBytes(16).toString("base64"),
      },
    });
    asked.on("error", () => reject(new AppError("router-lost")));
    asked.once("response", () => reject(closedDoor(target)));
    asked.once("upgrade", (response, _socket, head) => {
      if (!isInsider(target, tls, response)) {
        reject(closedDoor(target));
        return;
      }
      if (head.length > 0) tls.unshift(head);
      attempt(resolve, reject, () => carry(null));
    });
    asked.end();
  });
}

function enterWebSocket(target: StreamLinkTarget, dialled: Dialled, carry: Carry): Promise<StreamLink> {
  const { tls } = dialled;
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`wss://${dialled.hostHeader}${target.way.path}`, {
      createConnection: () => tls as Socket,
      headers: headersFor(target, dialled),
      perMessageDeflate: false,
      maxPayload: longestMessage,
      followRedirects: false,
      // What is carried is sealed, so it looks random without a mask as well; a mask would cost a pass over every byte.
      generateMask: (mask) => void mask.fill(0),
    });
    let insider = false;
    socket.on("error", () => reject(insider ? new AppError("router-lost") : closedDoor(target)));
    socket.once("upgrade", (response) => {
      insider = isInsider(target, tls, response);
    });
    socket.once("open", () => {
      if (insider) attempt(resolve, reject, () => carry(socket));
      else reject(closedDoor(target));
    });
  });
}

function attempt(
  resolve: (link: StreamLink) => void,
  reject: (error: unknown) => void,
  make: () => StreamLink,
): void {
  try {
    resolve(make());
  } catch (error) {
    reject(error);
  }
}

function headersFor(target: StreamLinkTarget, { tls, hostHeader }: Dialled): Record<string, string> {
  return {
    host: hostHeader,
    pragma: "no-cache",
    "cache-control": "no-cache",
    "user-agent": userAgent,
    origin: `https://${hostHeader}`,
    "accept-encoding": "gzip, deflate, br",
    "accept-language": "en-US,en;q=0.9",
    cookie: knock(target.secret, target.transport, tls),
  };
}

function isInsider(target: StreamLinkTarget, tls: TLSSocket, response: IncomingMessage): boolean {
  const { secret, transport } = target;
  return isAnswer(response.headers["set-cookie"] ?? [], { secret, purpose: transport, tls });
}

function closedDoor({ host, port }: StreamLinkTarget): AppError {
  return new AppError("link-refused", { address: joinHostPort(host, port) });
}

function openPipe(streams: Streams, endpoint: Endpoint, tls: TLSSocket): Pipe {
  tls.setKeepAlive(true, 1000);
  const descriptor = descriptorOf(tls);
  if (descriptor !== null) streams.tuneStream(descriptor);
  return new Pipe(streams.openStream(endpoint));
}

const patienceMillis = 8000;
/** One read of a stream is at most 64 kB; other versions may send more. */
const longestMessage = 1 << 20;
const webSocketId = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const userAgent =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/136.0.0.0 Safari/537.36";
