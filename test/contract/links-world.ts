/** Pairs of data planes that meet over links of one transport, opened as the product opens them. */
import { createHash, randomBytes } from "node:crypto";
import type { RemoteInfo, Socket as UdpSocket } from "node:dgram";
import { createSocket } from "node:dgram";
import { closeSync, mkdtempSync, rmSync } from "node:fs";
import type { Server, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import koffi from "koffi";
import type { DataPlane, DataPlaneEvent, Endpoint, Transport } from "../../drivers/dataplane.ts";
import { openAddon } from "../../drivers/index.ts";
import { loadCertificate } from "../../src-main/transport/certificate.ts";
import type { Site } from "../../src-main/transport/site.ts";
import { openSite, plainPages } from "../../src-main/transport/site.ts";
import type { StreamLink } from "../../src-main/transport/stream-carry.ts";
import type { Streams, StreamTransport } from "../../src-main/transport/stream-link.ts";
import { openStreamLink, streamDoors } from "../../src-main/transport/stream-link.ts";
import { wayOut } from "../../src-main/transport/way-out.ts";

const libc = koffi.load("libc.so.6");
const socketPair = libc.func("int socketpair(int, int, int, _Out_ int *)");
const setOption = libc.func("int setsockopt(int, int, int, const int *, unsigned int)");
const send = libc.func("long send(int, const void *, size_t, int)");
const receive = libc.func("long recv(int, _Out_ void *, size_t, int)");
const [unixFamily, datagramType, doNotWait, socketLevel, sendBuffer] = [1, 2, 0x40, 1, 7];

const addon = openAddon();
const network = randomBytes(32).toString("base64");
const epoch = { id: 7, key: randomBytes(32).toString("base64") };
/** What the ends know of each other before they meet. */
export const secret = createHash("sha256").update("a pin").digest("base64");

type Kind = DataPlaneEvent["kind"];
type EventOf<K extends Kind> = Extract<DataPlaneEvent, { kind: K }>;

/** A data plane on loopback with one realm and no interface. */
export class End {
  readonly calls: DataPlane;
  readonly key: string;
  readonly address: string;
  /** Where its UDP is; nothing in these tests goes there. */
  readonly port: number;
  readonly streams: Streams;
  readonly #heard: DataPlaneEvent[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #hearing = new Set<(event: DataPlaneEvent) => void>();

  /** Where its packets come and go; null for a router. */
  readonly wire: Wire | null;

  /** `number`: the last of its address, 10.1.0.number. */
  constructor(number: number, kind: "network" | "router" = "network") {
    this.address = `10.1.0.${number}`;
    this.wire = kind === "network" ? new Wire() : null;
    this.calls = addon.start((events) => {
      this.#heard.push(...events);
      for (const event of events) for (const hear of [...this.#hearing]) hear(event);
      for (const look of [...this.#waiting]) look();
    });
    this.port = this.calls.bind("main", 0, "127.0.0.1");
    const privateKey = randomBytes(32).toString("base64");
    this.key = addon.publicKey(privateKey);
    this.calls.openRealm({
      realm,
      socket: "main",
      kind,
      privateKey,
      prologue: network,
      stampFloorMillis: 0,
      ...(this.wire === null ? {} : { tun: { fd: this.wire.far, mtu: 1400, offload: false } }),
    });
    if (kind === "network") this.calls.setEpochs(realm, [epoch]);
    this.streams = {
      openStream: (remote) => this.calls.openStream("main", remote),
      tuneStream: (descriptor) => this.calls.tuneStream(descriptor),
    };
  }

  know(other: End, kind: "node" | "router" = "node"): void {
    this.calls.setPeer(realm, {
      publicKey: other.key,
      kind,
      allowed: kind === "router" ? [] : [`${other.address}/32`],
      keepaliveSeconds: 0,
      ...(kind === "router" ? { prologue: network } : {}),
    });
  }

  /** The next event of a kind, taken out of what was told. */
  next<K extends Kind>(kind: K, fits: (event: EventOf<K>) => boolean = () => true): Promise<EventOf<K>> {
    return new Promise((resolve) => {
      const look = () => {
        const at = this.#heard.findIndex((event) => event.kind === kind && fits(event as EventOf<K>));
        if (at < 0) return;
        this.#waiting.delete(look);
        const [found] = this.#heard.splice(at, 1);
        resolve(found as EventOf<K>);
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Resolves at the next event that fits, from now on, and leaves it to others. */
  hears<K extends Kind>(kind: K, fits: (event: EventOf<K>) => boolean): Promise<EventOf<K>> {
    return new Promise((resolve) => {
      const hear = (event: DataPlaneEvent) => {
        if (event.kind !== kind || !fits(event as EventOf<K>)) return;
        this.#hearing.delete(hear);
        resolve(event as EventOf<K>);
      };
      this.#hearing.add(hear);
    });
  }

  heard<K extends Kind>(kind: K): readonly EventOf<K>[] {
    return this.#heard.filter((event): event is EventOf<K> => event.kind === kind);
  }

  refused(cause: string): number {
    return this.calls.counters().refused[cause] ?? 0;
  }

  stop(): void {
    this.calls.stop();
    this.wire?.close();
  }
}

/** Stands for a TUN: packets are datagrams of a pair of sockets. */
class Wire {
  readonly #near: number;
  /** The data plane's end. */
  readonly far: number;
  readonly #room = Buffer.alloc(2048);

  constructor() {
    const ends = new Int32Array(2);
    if (socketPair(unixFamily, datagramType, 0, ends) !== 0) throw new Error("no pair of sockets");
    [this.#near = -1, this.far = -1] = ends;
    const room = new Int32Array([4 << 20]);
    for (const end of ends) setOption(end, socketLevel, sendBuffer, room, room.byteLength);
  }

  /** False: no room for more at the moment. */
  send(packet: Uint8Array): boolean {
    return send(this.#near, packet, packet.length, doNotWait) === packet.length;
  }

  /** The next packet that came; null: none. */
  take(): Buffer | null {
    const length = Number(receive(this.#near, this.#room, this.#room.length, doNotWait));
    return length <= 0 ? null : Buffer.from(this.#room.subarray(0, length));
  }

  close(): void {
    closeSync(this.#near);
    closeSync(this.far);
  }
}

/** An IPv4 packet of UDP with that many bytes inside, of which the first four are its number. */
export function packet(from: End, to: End, content: Uint8Array): Buffer {
  const bytes = Buffer.alloc(28 + content.length);
  const addresses = [from, to].map(({ address }) => address.split(".").map(Number));
  bytes.set([0x45, 0]);
  bytes.writeUInt16BE(bytes.length, 2);
  bytes.set([64, 17], 8);
  bytes.set(addresses.flat(), 12);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += bytes.readUInt16BE(at);
  sum = (sum & 0xffff) + (sum >> 16);
  bytes.writeUInt16BE(~((sum & 0xffff) + (sum >> 16)) & 0xffff, 10);
  bytes.writeUInt16BE(4000, 20);
  bytes.writeUInt16BE(4000, 22);
  bytes.writeUInt16BE(8 + content.length, 24);
  bytes.set(content, 28);
  return bytes;
}

/** A link that stands, as its opener sees it. */
export interface Standing {
  readonly endpoint: Endpoint;
  /** Resolves when it has ended. */
  readonly closed: Promise<unknown>;
  close(): void;
}

/** How one transport is listened for and connected to. */
export interface Ground {
  /** Port that takes links to this end. */
  listen(end: End): Promise<number>;
  /** Opens a link from one end to a port on loopback; rejects when it does not come to stand. */
  open(end: End, port: number): Promise<Standing>;
  /** A cable to a port, to open links through. */
  cable(port: number): Promise<Cable>;
  close(): Promise<void>;
}

/** The grounds of the table. */
export const grounds: Readonly<Partial<Record<Transport, () => Promise<Ground>>>> = {
  tcp: async () => plainGround("tcp"),
  kcp: async () => plainGround("kcp"),
  quic: async () => plainGround("quic"),
  tls: () => streamGround("tls"),
  wss: () => streamGround("wss"),
};

/** Milliseconds after which a link that carries nothing any more is over, though nobody says so, where it has signs of life. */
export const silences: Readonly<Partial<Record<Transport, number>>> = { wss: 3000 };

/** Links of the data plane's own. */
function plainGround(transport: Exclude<Transport, StreamTransport>): Ground {
  const listening = new Map<End, number>();
  const listen = (end: End) => {
    const port =
      listening.get(end) ?? end.calls.listenLinks("main", transport, { port: 0, address: "127.0.0.1" });
    listening.set(end, port);
    return port;
  };
  return {
    listen: async (end) => listen(end),
    open: async (end, port) => {
      listen(end);
      const endpoint = `${transport}/127.0.0.1:${port}`;
      const told = end.hears("link", ({ remote }) => remote === endpoint);
      end.calls.connectLink("main", endpoint, { seconds: 20 });
      const { up } = await told;
      if (!up) throw new Error(`${endpoint} does not come to stand`);
      const controller = new AbortController();
      const { signal } = controller;
      const closedByUs = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      return {
        endpoint,
        closed: Promise.race([
          end.hears("link", (event) => event.remote === endpoint && !event.up),
          // Not told to who ends it.
          ...(transport === "quic" ? [closedByUs] : []),
        ]),
        close: () => {
          end.calls.closeLink("main", endpoint);
          controller.abort();
        },
      };
    },
    cable: (port) => (transport === "tcp" ? TcpCable : UdpCable).to(port),
    close: async () => undefined,
  };
}

async function streamGround(transport: StreamTransport): Promise<Ground> {
  const folder = mkdtempSync(join(tmpdir(), "starmesh-links-"));
  const tls = await loadCertificate({ folder }, Date.now());
  const sites = new Map<End, Site>();
  return {
    listen: async (end) => {
      const site =
        sites.get(end) ??
        (await openSite({
          host: "127.0.0.1",
          port: 0,
          tls,
          pages: plainPages,
          secrets: () => [secret],
          doors: () => streamDoors(() => end.streams),
          refused: () => undefined,
        }));
      sites.set(end, site);
      return site.port;
    },
    open: (end, port): Promise<StreamLink> =>
      openStreamLink(
        { transport, host: "127.0.0.1", port, address: null, secret, way: wayOut({}, {}) },
        end.streams,
      ),
    cable: (port) => TcpCable.to(port),
    close: async () => {
      for (const site of sites.values()) await site.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A cable between a connector and a port: bytes pass until it is stopped. */
export interface Cable {
  readonly port: number;
  /** Nothing passes any more, and nobody is told. */
  freeze(): void;
  /** It passes again. */
  thaw(): void;
  /** Sends bytes to the far end as if they came from the near one. */
  inject(bytes: Uint8Array): void;
  /** Ends every connection through it. */
  cut(): void;
  close(): Promise<void>;
}

/** For TCP. */
export class TcpCable implements Cable {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(port: number): Promise<TcpCable> {
    const server = createServer();
    const cable = new TcpCable(server);
    server.on("connection", (near: Socket) => {
      const far = connect(port, "127.0.0.1");
      const pair = [near, far] as const;
      cable.#pairs.add(pair);
      for (const [from, to] of [pair, [far, near] as const]) {
        from.setNoDelay(true);
        from.pipe(to);
        from.on("error", () => undefined);
        from.once("close", () => {
          to.destroy();
          cable.#pairs.delete(pair);
        });
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return cable;
  }

  get port(): number {
    const bound = this.#server.address();
    return typeof bound === "object" && bound !== null ? bound.port : 0;
  }

  freeze(): void {
    for (const [near, far] of this.#pairs) {
      near.unpipe(far).pause();
      far.unpipe(near).pause();
    }
  }

  thaw(): void {
    for (const [near, far] of this.#pairs) {
      near.pipe(far);
      far.pipe(near);
    }
  }

  inject(bytes: Uint8Array): void {
    for (const [, far] of this.#pairs) far.write(bytes);
  }

  cut(): void {
    for (const [near] of this.#pairs) near.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** For UDP, one connector at a time. */
class UdpCable implements Cable {
  readonly #near: UdpSocket;
  readonly #far: UdpSocket;
  #connector: RemoteInfo | null = null;
  #passes = true;

  private constructor(near: UdpSocket, far: UdpSocket) {
    this.#near = near;
    this.#far = far;
    near.on("message", (bytes, connector) => {
      this.#connector = connector;
      if (this.#passes) far.send(bytes);
    });
    far.on("message", (bytes) => {
      const { port, address } = this.#connector ?? { port: 0, address: "" };
      if (this.#passes && port > 0) near.send(bytes, port, address);
    });
    for (const socket of [near, far]) socket.on("error", () => undefined);
  }

  static async to(port: number): Promise<UdpCable> {
    const [near, far] = [createSocket("udp4"), createSocket("udp4")];
    await new Promise<void>((resolve) => near.bind(0, "127.0.0.1", resolve));
    await new Promise<void>((resolve) => far.connect(port, "127.0.0.1", resolve));
    return new UdpCable(near, far);
  }

  get port(): number {
    return this.#near.address().port;
  }

  freeze(): void {
    this.#passes = false;
  }

  thaw(): void {
    this.#passes = true;
  }

  inject(bytes: Uint8Array): void {
    this.#far.send(bytes);
  }

  cut(): void {
    // Datagrams have no connection that could end.
  }

  async close(): Promise<void> {
    this.#near.close();
    this.#far.close();
  }
}

export const realm = "net";
