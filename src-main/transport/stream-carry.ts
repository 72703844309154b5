/** Carries the data plane's stream of a link through an open connection, as far as either end has room. */
import type { OnReadOpts, SocketConstructorOpts } from "node:net";
import { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { WebSocket } from "ws";
import type { Endpoint } from "../../drivers/dataplane.ts";
import { Heartbeat, linkPatience } from "./heartbeat.ts";

/** A link that stands. */
export interface StreamLink {
  /** As the data plane calls it: `tls/192.0.2.1:443`. */
  readonly endpoint: Endpoint;
  /** Why it ended, once it has; never rejects. */
  readonly closed: Promise<string>;
  close(): void;
}

/** The bytes of the pipe, which is our end of the data plane's stream, are those of the connection. */
export function carryBytes(pipe: Pipe, endpoint: Endpoint, tls: TLSSocket): StreamLink {
  pipe.deliver = (bytes, done) => {
    tls.write(bytes, done);
    return tls.writableLength <= mostWaiting;
  };
  tls.on("drain", () => pipe.resume());
  tls.on("data", (bytes) => {
    pipe.write(bytes);
    if (pipe.writableLength > mostWaiting) tls.pause();
  });
  pipe.on("drain", () => tls.resume());
  tls.resume();
  return standing(endpoint, pipe, { tls, end: () => undefined });
}

/** What the pipe holds at a time is one binary message. */
export function carryMessages(
  pipe: Pipe,
  endpoint: Endpoint,
  { socket, tls }: { readonly socket: WebSocket; readonly tls: TLSSocket },
): StreamLink {
  const pulse = watch(socket, tls);
  pipe.deliver = (bytes, done) => {
    socket.send(bytes, { binary: true }, done);
    return tls.writableLength <= mostWaiting;
  };
  tls.on("drain", () => pipe.resume());
  socket.on("message", (data, isBinary) => {
    pulse.heard();
    if (!isBinary || !Buffer.isBuffer(data)) {
      socket.terminate();
      return;
    }
    pipe.write(data);
    if (pipe.writableLength > mostWaiting) socket.pause();
  });
  pipe.on("drain", () => socket.resume());
  for (const event of ["ping", "pong"] as const) socket.on(event, pulse.heard);
  // A frame that is none, or a message too long: ws closes it.
  socket.on("error", () => undefined);
  return standing(endpoint, pipe, { tls, end: pulse.stop });
}

/** Taken by the constructor of sockets as well, as Node's documentation has it. */
interface ReadInto {
  readonly onread: OnReadOpts;
}

/** Our end of a stream of the data plane. What comes is read into buffers that are used again. */
export class Pipe extends Socket {
  /** Takes what came; `done` gives the bytes back. False: no more for now. */
  deliver: (bytes: Buffer, done: () => void) => boolean = () => false;

  /** A descriptor that is ours to close, or the name of a pipe. */
  constructor(end: number | string) {
    const free: Uint8Array[] = [];
    const onread: OnReadOpts = {
      buffer: () => free.pop() ?? Buffer.allocUnsafeSlow(readBytes),
      callback: (length, room) =>
        this.deliver(Buffer.from(room.buffer, room.byteOffset, length), () => {
          if (free.length < mostFree) free.push(room);
        }),
    };
    const options: SocketConstructorOpts & ReadInto = {
      ...(typeof end === "number" ? { fd: end } : {}),
      readable: true,
      writable: true,
      onread,
    };
    super(options);
    if (typeof end === "string") this.connect(end);
    this.resume();
  }
}

/** Asks a silent end for a sign of life, and cuts the connection when none comes. */
function watch(socket: WebSocket, tls: TLSSocket): { readonly heard: () => void; readonly stop: () => void } {
  const heartbeat = new Heartbeat(performance.now(), linkPatience);
  const heard = () => heartbeat.heard(performance.now());
  let looked = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    // When this process itself was held up, what came meanwhile has not been read yet.
    if (now - looked > 2 * linkPatience.beatMillis) heard();
    looked = now;
    const beat = heartbeat.beat(now);
    if (beat === "ping" && socket.readyState === WebSocket.OPEN) socket.ping();
    if (beat === "dead") tls.destroy(new Error("no sign of life"));
  }, linkPatience.beatMillis);
  return { heard, stop: () => clearInterval(timer) };
}

function standing(
  endpoint: Endpoint,
  pipe: Pipe,
  { tls, end }: { readonly tls: TLSSocket; readonly end: () => void },
): StreamLink {
  let reason: string | null = null;
  const because = (error: Error) => {
    reason ??= error.message;
  };
  pipe.on("error", because);
  tls.on("error", because);
  const closed = new Promise<string>((resolve) => {
    const over = (text: string) => () => {
      reason ??= text;
      pipe.destroy();
      tls.destroy();
      end();
      resolve(reason);
    };
    pipe.once("close", over("the data plane ended it"));
    tls.once("close", over("the connection ended"));
    // Whoever says that nothing more comes does not listen any more either.
    tls.once("end", () => tls.destroy());
  });
  return {
    endpoint,
    closed,
    close: () => {
      reason ??= "closed";
      tls.destroy();
    },
  };
}

/** Bytes that wait here in one direction before no more is read: what then finds no room is dropped by the data plane. */
const mostWaiting = 128 << 10;
const readBytes = 64 << 10;
const mostFree = 8;
