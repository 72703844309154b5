/** One port of a router that is a network of its own: its TCP end, and UDP from the first member on. */
import type { Socket as UdpSocket } from "node:dgram";
import { createSocket } from "node:dgram";
import type { Server, Socket } from "node:net";
import { createServer, isIPv6 } from "node:net";
import { AppError } from "../../src-shared/errors.ts";
import type { NetworkId } from "../../src-shared/ids.ts";
import { startListening } from "../transport/listening.ts";

export interface PlaneOptions {
  /** Address, or a wildcard. */
  readonly host: string;
  readonly port: number;
  /** Serves a connection as the router's own port does. */
  readonly serve: (socket: Socket) => void;
  /** Takes datagrams of members at this port from now on; returns how to end that. Null: UDP is switched off. */
  readonly openUdp: (() => () => void) | null;
}

export class Plane {
  readonly port: number;
  /** The network that the token names here; null until somebody asked. */
  network: NetworkId | null = null;
  readonly #options: PlaneOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Keeps the port's UDP from others while nobody is here: cheaper than threads that read. */
  #held: UdpSocket | null;
  #closeUdp: (() => void) | null = null;

  private constructor(options: PlaneOptions, server: Server, held: UdpSocket | null) {
    this.port = options.port;
    this.#options = options;
    this.#server = server;
    this.#held = held;
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      options.serve(socket);
    });
  }

  /** Null when another program has the port, TCP or UDP. Throws `system-refused`. */
  static async open(options: PlaneOptions): Promise<Plane | null> {
    const server = createServer();
    try {
      await startListening(server, { host: options.host, port: options.port });
      return new Plane(options, server, options.openUdp === null ? null : await hold(options));
    } catch (error) {
      server.close();
      const code = error instanceof Error && "code" in error ? error.code : null;
      if (code === "EADDRINUSE") return null;
      const detail = code === "EACCES" ? "ports below 1024 need root" : String(error);
      throw new AppError("system-refused", { action: `listen on port ${options.port}`, detail });
    }
  }

  /** Whether members' datagrams are taken here. */
  get hasUdp(): boolean {
    return this.#closeUdp !== null;
  }

  /** Somebody is a member here: takes their datagrams from now on. Throws as the data plane does. */
  async takeUdp(): Promise<void> {
    if (this.#closeUdp !== null || this.#options.openUdp === null) return;
    await release(this.#held);
    this.#held = null;
    this.#closeUdp = this.#options.openUdp();
  }

  async close(): Promise<void> {
    this.#closeUdp?.();
    this.#closeUdp = null;
    await release(this.#held);
    this.#held = null;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }
}

function hold({ host, port }: PlaneOptions): Promise<UdpSocket> {
  const socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
  return new Promise((resolve, reject) => {
    socket.once("error", (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ port, address: host, exclusive: true }, () => {
      socket.removeAllListeners("error");
      socket.on("error", () => undefined);
      resolve(socket);
    });
  });
}

function release(socket: UdpSocket | null): Promise<void> {
  return new Promise((resolve) => (socket === null ? resolve() : socket.close(() => resolve())));
}
