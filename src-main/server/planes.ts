/** A range of ports, each a network of its own behind one token: opened, founded when the first comes, told. */
import type { Socket } from "node:net";
import { z } from "zod";
import { toUtf8 } from "../../src-shared/bytes.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { NetworkId } from "../../src-shared/ids.ts";
import { networkId } from "../../src-shared/ids.ts";
import { parseJson } from "../../src-shared/json.ts";
import type { RouterPlanesStatus } from "../../src-shared/router-status.ts";
import type { Notary, Signed } from "../../src-shared/trust.ts";
import type { Log } from "./connection.ts";
import type { HostedNetwork } from "./hosted.ts";
import type { Networks } from "./networks.ts";
import { Plane } from "./plane.ts";
import type { RouterStore } from "./store.ts";

/** The network that a token names at a port; `record` is its first, signed by its issuer key. */
export interface Foundation {
  readonly network: NetworkId;
  readonly record: Signed;
}

export interface PlanesOptions {
  readonly networks: Networks;
  readonly store: RouterStore;
  readonly notary: Notary;
  readonly serve: (socket: Socket) => void;
  /** Takes members' datagrams at a port; returns how to end that. */
  readonly openUdp: (place: { readonly host: string; readonly port: number }) => () => void;
  /** Derives the keys of a plane: slow by intent. */
  readonly found: (port: number, token: string) => Promise<Foundation>;
  readonly log: Log;
}

/** Which ports, and how they are reached. */
export interface PlanesWish {
  readonly bind: number;
  readonly nums: number;
  readonly token: string;
  /** Address, or a wildcard. */
  readonly host: string;
  readonly udp: boolean;
}

export class Planes {
  readonly #options: PlanesOptions;
  readonly #open = new Map<number, Plane>();
  #busy: readonly number[] = [];
  #wish: PlanesWish | null = null;
  /** Networks that were founded, by port. */
  #founded = new Map<number, NetworkId>();
  /** One at a time, and each port once: deriving keys is slow by intent, so whoever asks for many waits. */
  #founding: Promise<unknown> = Promise.resolve();

  constructor(options: PlanesOptions) {
    this.#options = options;
  }

  /** Opens and closes until the ports are these; null: none. Networks of another token are forgotten. */
  async apply(wish: PlanesWish | null): Promise<void> {
    const isSame = JSON.stringify(wish) === JSON.stringify(this.#wish);
    if (isSame && this.#busy.length === 0) return;
    if (!isSame) await this.close();
    this.#wish = wish;
    if (wish === null) return;
    if (!isSame) await this.#recall(wish.token);
    const { bind, nums } = wish;
    const missing = Array.from({ length: nums }, (_, at) => bind + at).filter(
      (port) => !this.#open.has(port),
    );
    const opened = await Promise.all(missing.map((port) => this.#openPort(port, wish)));
    this.#busy = missing.filter((_, at) => opened[at] === null);
  }

  /** Tries the ports again that others had. */
  async retry(): Promise<void> {
    if (this.#busy.length > 0) await this.apply(this.#wish);
  }

  /** The plane of a port of ours; null for every other. */
  at(port: number): Plane | null {
    return this.#open.get(port) ?? null;
  }

  /** The port whose network this is; null when it is no plane's. */
  portOf(network: NetworkId): number | null {
    for (const [port, founded] of this.#founded) if (founded === network) return port;
    return null;
  }

  /** Whether a network is the plane's already. */
  isFounded(port: number, network: NetworkId): boolean {
    return this.#founded.get(port) === network;
  }

  /** The plane's network for whoever proved to hold its issuer key; founded for the first. Null: of another token. */
  async enter(port: number, network: NetworkId): Promise<HostedNetwork | null> {
    const plane = this.#open.get(port);
    const wish = this.#wish;
    if (plane === undefined || wish === null) return null;
    const founding = this.#founding.then(() => this.#foundFor(plane, network, wish));
    this.#founding = founding.catch(() => undefined);
    await founding;
    return this.isFounded(port, network) ? this.#options.networks.find(network) : null;
  }

  /** Null without planes. */
  status(): RouterPlanesStatus | null {
    if (this.#wish === null) return null;
    const { bind, nums, token } = this.#wish;
    const used = [...this.#founded].flatMap(([port, network]) => {
      const hosted = this.#options.networks.find(network);
      const members = hosted?.membership.members().length ?? 0;
      return hosted === null || members === 0 ? [] : [{ port, members, online: hosted.audience.online }];
    });
    return { bind, nums, token, open: this.#open.size, busy: [...this.#busy], used: used.sort(byPort) };
  }

  async close(): Promise<void> {
    const planes = [...this.#open.values()];
    this.#open.clear();
    this.#busy = [];
    this.#wish = null;
    await Promise.all(planes.map((plane) => plane.close()));
  }

  async #openPort(port: number, { host, udp }: PlanesWish): Promise<Plane | null> {
    const { serve, openUdp } = this.#options;
    const plane = await Plane.open({
      host,
      port,
      serve,
      openUdp: udp ? () => openUdp({ host, port }) : null,
    });
    if (plane === null) return null;
    this.#open.set(port, plane);
    const known = this.#founded.get(port);
    if (known !== undefined) await this.#use(plane, known);
    return plane;
  }

  async #foundFor(plane: Plane, network: NetworkId, wish: PlanesWish): Promise<void> {
    const isOther = plane.network !== null && plane.network !== network;
    if (isOther || this.isFounded(plane.port, network)) return;
    const found = await this.#options.found(plane.port, wish.token);
    plane.network = found.network;
    if (found.network === network && this.#open.get(plane.port) === plane)
      await this.#host(plane, found, wish);
  }

  async #host(plane: Plane, { network, record }: Foundation, { token }: PlanesWish): Promise<void> {
    const entry = this.#options.notary.verify(record);
    if (entry === null)
      throw new AppError("internal", { detail: "the record is not signed", logs: "its log" });
    await this.#options.networks.host(network, [entry]);
    this.#founded.set(plane.port, network);
    await this.#remember(token);
    await this.#use(plane, network);
    this.#options.log("plane founded", { port: plane.port });
  }

  async #use(plane: Plane, network: NetworkId): Promise<void> {
    plane.network = network;
    try {
      await plane.takeUdp();
    } catch (error) {
      // Links still reach it.
      this.#options.log("plane without UDP", { port: plane.port, error: String(error) });
    }
  }

  /** What was founded under this token; what was founded under another ends. */
  async #recall(token: string): Promise<void> {
    const { store, networks } = this.#options;
    const kept = keptPlanes.safeParse(parseJson(await store.setting(settingName))).data;
    const founded = Object.entries(kept?.founded ?? {});
    this.#founded = new Map();
    if (kept?.token !== this.#hash(token)) {
      for (const [, network] of founded) await networks.unhost(network, null);
      return this.#remember(token);
    }
    for (const [port, network] of founded)
      if (networks.find(network) !== null) this.#founded.set(Number(port), network);
  }

  async #remember(token: string): Promise<void> {
    const kept: z.infer<typeof keptPlanes> = {
      version: 1,
      token: this.#hash(token),
      founded: Object.fromEntries(this.#founded),
    };
    await this.#options.store.setSetting(settingName, JSON.stringify(kept));
  }

  #hash(token: string): string {
    return this.#options.notary.hash(toUtf8(`starmesh/1 planes${token}`));
  }
}

function byPort(one: { readonly port: number }, other: { readonly port: number }): number {
  return one.port - other.port;
}

/** In the store: which networks belong to planes, and under which token. */
const keptPlanes = z.object({
  version: z.literal(1),
  token: z.string(),
  founded: z.record(z.string().regex(/^\d{1,5}$/), networkId),
});
const settingName = "planes";
