/** A resolver at one address of this machine: answers for the networks' names over UDP and TCP, port 53. */
import type { Socket as DatagramSocket } from "node:dgram";
import { createSocket } from "node:dgram";
import type { Server, Socket } from "node:net";
import { createServer } from "node:net";
import type { NameTable } from "../mesh/names.ts";
import type { Question } from "./dns-message.ts";
import { datagramLimit, encodeAnswer, encodeError, parseQuery, renumbered } from "./dns-message.ts";
import { framed, takeFramed } from "./dns-stream.ts";

/** Has a query answered elsewhere, as it is; null when nobody answers. */
export type Forward = (query: Uint8Array, stream: boolean) => Promise<Uint8Array | null>;

export interface ResolverOptions {
  /** Address of this machine to answer at. */
  readonly address: string;
  /** 53 unless given. */
  readonly port?: number;
  /** Sockets at that address and port, where this process may not open them; null: it opens them itself. */
  readonly sockets?: { readonly datagrams: number; readonly stream: number } | null;
  /** What is known, at the moment it is asked for. */
  readonly names: () => NameTable;
  /** Who answers for foreign names now; null: such questions are refused. */
  readonly forward: () => Forward | null;
}

/** Answers until it is closed. */
export class Resolver {
  readonly #options: ResolverOptions;
  readonly #datagrams: DatagramSocket;
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  #forwarding = 0;

  private constructor(options: ResolverOptions) {
    this.#options = options;
    this.#datagrams = createSocket(options.address.includes(":") ? "udp6" : "udp4");
    this.#server = createServer((socket) => this.#serve(socket));
    this.#server.maxConnections = mostConnections;
  }

  /** Listens. Rejects with the system's error where the address or port is not to be had. */
  static async open(options: ResolverOptions): Promise<Resolver> {
    const resolver = new Resolver(options);
    try {
      await resolver.#listen();
      return resolver;
    } catch (error) {
      resolver.close();
      throw error;
    }
  }

  /** The port in use. */
  get port(): number {
    return this.#datagrams.address().port;
  }

  /** Idempotent. */
  close(): void {
    for (const socket of this.#connections) socket.destroy();
    try {
      this.#datagrams.close();
    } catch {
      // Closed already.
    }
    this.#server.close();
  }

  async #listen(): Promise<void> {
    const { address, port = dnsPort, sockets = null } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#datagrams.once("error", reject);
      const at = sockets === null ? { address, port } : { fd: sockets.datagrams };
      this.#datagrams.bind({ ...at, exclusive: true }, () => {
        this.#datagrams.off("error", reject);
        // What cannot be delivered is the asker's loss; it asks again.
        this.#datagrams.on("error", () => undefined);
        resolve();
      });
    });
    this.#datagrams.on("message", (bytes, from) => {
      void this.#answer(bytes, false).then((answer) => {
        if (answer !== null) this.#reply(answer, from);
      });
    });
    const bound = this.port;
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      const at = sockets === null ? { host: address, port: bound } : { fd: sockets.stream };
      this.#server.listen({ ...at, exclusive: true }, () => {
        this.#server.off("error", reject);
        this.#server.on("error", () => undefined);
        resolve();
      });
    });
  }

  #reply(answer: Uint8Array, to: { readonly address: string; readonly port: number }): void {
    try {
      this.#datagrams.send(answer, to.port, to.address, () => undefined);
    } catch {
      // Closed in the meantime.
    }
  }

  #serve(socket: Socket): void {
    this.#connections.add(socket);
    socket.setTimeout(idleMillis, () => socket.destroy());
    socket.on("close", () => this.#connections.delete(socket));
    socket.on("error", () => undefined);
    let rest: Uint8Array = new Uint8Array();
    socket.on("data", (chunk) => {
      const taken = takeFramed(rest, chunk);
      rest = taken.rest;
      for (const query of taken.messages) {
        void this.#answer(query, true).then((answer) => {
          if (answer === null) socket.destroy();
          else if (!socket.destroyed) socket.write(framed(answer));
        });
      }
    });
  }

  async #answer(bytes: Uint8Array, stream: boolean): Promise<Uint8Array | null> {
    const asked = parseQuery(bytes);
    if (asked === null) return null;
    if (!asked.ok) return encodeError(asked.id, asked.code);
    const { question } = asked;
    const resolution = this.#options.names().resolve(question.name, question.type);
    if (resolution.kind === "foreign") return this.#askOthers(bytes, question, stream);
    return encodeAnswer(question, resolution, stream ? longestAnswer : datagramLimit(question));
  }

  async #askOthers(bytes: Uint8Array, question: Question, stream: boolean): Promise<Uint8Array> {
    const forward = this.#options.forward();
    if (forward === null) return encodeError(question.id, "refused", question);
    if (this.#forwarding >= mostForwarded) return encodeError(question.id, "failed", question);
    this.#forwarding++;
    try {
      const answer = await forward(bytes, stream);
      return answer === null ? encodeError(question.id, "failed", question) : renumbered(answer, question.id);
    } finally {
      this.#forwarding--;
    }
  }
}

const dnsPort = 53;
const longestAnswer = 65_535;
const idleMillis = 10_000;
const mostConnections = 128;
const mostForwarded = 512;
