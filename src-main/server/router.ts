/** The router role: hosts networks, lets their members find and reach each other. Holds no key of any of them. */
import type { Address } from "../../src-shared/address.ts";
import { parseAddress } from "../../src-shared/address.ts";
import { concatBytes, fromBase64, toUtf8 } from "../../src-shared/bytes.ts";
import type { Millis, NetworkId, SessionKey } from "../../src-shared/ids.ts";
import { joinHostPort } from "../../src-shared/ids.ts";
import { formatRouterLink } from "../../src-shared/link.ts";
import { planeName } from "../../src-shared/plane.ts";
import type { RouterSettings } from "../../src-shared/router-settings.ts";
import type { RouterPlanesStatus, RouterTransportStatus } from "../../src-shared/router-status.ts";
import type { Notary } from "../../src-shared/trust.ts";
import { Certificates } from "./certificates.ts";
import type { Log, OtherPorts } from "./connection.ts";
import { ControlServer } from "./control.ts";
import { Desk } from "./desk.ts";
import type { HostedNetwork } from "./hosted.ts";
import type { RouterKeys } from "./identity.ts";
import { openRouterKeys } from "./identity.ts";
import { Networks } from "./networks.ts";
import type { PlanesOptions, PlanesWish } from "./planes.ts";
import { Planes } from "./planes.ts";
import type { PortOptions, TcpPort } from "./port.ts";
import { openPort } from "./port.ts";
import { openPorts } from "./ports.ts";
import { ownAddresses, ownPrefixes, publicAddresses } from "./public-addresses.ts";
import type { RouterReach } from "./reach-check.ts";
import { ReachCheck } from "./reach-check.ts";
import type { OpenRealm, RouterRealm } from "./realm.ts";
import { Reception } from "./reception.ts";
import { Relay } from "./relay.ts";
import type { RouterStore } from "./store.ts";
import { Transports } from "./transports.ts";

export interface RouterOptions {
  /** State folder: keys and the self-signed certificate live there. */
  readonly folder: string;
  readonly settings: RouterSettings;
  readonly notary: Notary;
  /** Stays open at `stop`: whoever opened it closes it. */
  readonly store: RouterStore;
  readonly openRealm: OpenRealm;
  /** The TCP port, TLS unless given. */
  readonly openPort?: typeof openPort;
  /** Derives a plane's network from the token. */
  readonly found: PlanesOptions["found"];
  /** Whether a session key is of this install's own node. */
  readonly isHere: (key: SessionKey) => boolean;
  readonly now: () => Millis;
  readonly log: Log;
}

/** What users see of a running router. */
export interface RouterState {
  /** `address:port` of TCP and UDP. */
  readonly listen: string;
  readonly port: number;
  /** What others are told to connect to; `host:port`. */
  readonly addresses: readonly string[];
  /** All of those are private: it serves this LAN only. */
  readonly lanOnly: boolean;
  /** `starmesh://router/1/…`: lets its holder create networks here. */
  readonly link: string;
  readonly transports: readonly RouterTransportStatus[];
  readonly planes: RouterPlanesStatus | null;
  readonly networks: readonly {
    readonly id: NetworkId;
    readonly name: string;
    readonly members: number;
    readonly online: number;
  }[];
}

export interface Router {
  /** Who it is; the same at every start. */
  readonly keys: RouterKeys;
  /**
   * Opens its ports and takes up its networks. Throws `port-in-use` for a port by hand, `system-refused`, `usage` for
   * certificate files that do not serve, and what store and state folder throw.
   */
  start(): Promise<void>;
  /** Closes everything; may be started again. */
  stop(): Promise<void>;
  /**
   * Takes other settings while it runs. False when they need another socket for control or UDP, another store: then it
   * has to be made and started anew. Throws `usage` for certificate files that do not serve.
   */
  apply(settings: RouterSettings): Promise<boolean>;
  /** Null while stopped. */
  state(): RouterState | null;
  /**
   * Has members that are connected from elsewhere try its ports; takes some seconds. Those who ask meanwhile share the
   * answer. Null while stopped. `seen`: where others see this machine.
   */
  checkReach(seen: readonly Address[]): Promise<RouterReach | null>;
  /** Forgets a network; its members are told. Nothing if it is not hosted. */
  unhost(network: NetworkId): Promise<void>;
  /** Input refused since it was made, by cause. */
  refused(): Readonly<Record<string, number>>;
}

/** A router of a state folder, not started yet. Throws `state-unreadable` or `state-not-writable`. */
export async function createRouter(options: RouterOptions): Promise<Router> {
  return new RouterRole(options, await openRouterKeys(options.folder));
}

type PortHooks = Pick<PortOptions, "secrets" | "accept" | "streams" | "refused">;

interface Running {
  readonly port: TcpPort;
  readonly realm: RouterRealm;
  readonly transports: Transports;
  readonly planes: Planes;
  readonly networks: Networks;
  readonly control: ControlServer;
  readonly reach: ReachCheck;
  readonly timers: readonly NodeJS.Timeout[];
}

class RouterRole implements Router {
  readonly keys: RouterKeys;
  readonly #options: RouterOptions;
  readonly #refused = new Map<string, number>();
  #settings: RouterSettings;
  #running: Running | null = null;
  readonly #certificates: Certificates;

  constructor(options: RouterOptions, keys: RouterKeys) {
    this.#options = options;
    this.#settings = options.settings;
    this.#certificates = new Certificates(options);
    this.keys = keys;
  }

  async start(): Promise<void> {
    if (this.#running !== null) return;
    const { notary, store, now, log, openRealm, isHere } = this.#options;
    const refused = (cause: string, count = 1) =>
      void this.#refused.set(cause, (this.#refused.get(cause) ?? 0) + count);
    let relay: Relay | null = null;
    const networks = new Networks({
      notary,
      store,
      now,
      refused,
      keyChanged: (hosted, key, member) => relay?.keyChanged(hosted, key, member),
    });
    await networks.load();
    const planes = new Planes({
      networks,
      store,
      notary,
      serve: (socket) => this.#running?.port.serve(socket),
      openUdp: (place) => this.#running?.realm.openPort(place) ?? (() => undefined),
      found: this.#options.found,
      log,
    });
    const reception = new Reception({
      networks,
      planes,
      keys: this.keys,
      notary,
      now,
      address: () => this.#addresses().addresses[0] ?? "",
    });
    const reach = new ReachCheck({ pin: this.keys.pin, networks: () => named(networks, planes) });
    const control = new ControlServer({
      keys: this.keys,
      reception,
      desk: new Desk({ networks, reach, notary, now }),
      ports: (plane) => this.#offer(plane),
      refused,
      log,
    });
    const hooks: PortHooks = {
      secrets: (at) => [this.keys.pin, ...namesAt(at, { networks, planes })],
      accept: (channel, at) => control.accept(channel, planes.at(at)?.port ?? null),
      streams: () => this.#running?.realm ?? null,
      refused,
    };
    const opens = this.#options.openPort ?? openPort;
    try {
      const tls = await this.#certificates.load(this.#settings.files);
      const { port, realm } = await openPorts({
        settings: this.#settings,
        store,
        tls,
        privateKey: this.keys.sessionPrivateKey,
        prologue: notary.hash(
          concatBytes(toUtf8("router"), fromBase64(this.keys.identity) ?? new Uint8Array()),
        ),
        mask: this.keys.mask,
        openPort: opens,
        openRealm,
        ...hooks,
      });
      relay = new Relay({ realm, networks, notary, now, isHere, refused, log });
      for (const hosted of networks.all())
        for (const key of hosted.keys()) relay.keyChanged(hosted, key, true);
      const transports = new Transports(this.#settings, {
        realm,
        control: port,
        openSecured: (place, files) =>
          this.#certificates.open(files, (each) => opens({ ...place, ...hooks, tls: each })),
        load: (files) => this.#certificates.load(files),
        certify: (each, files) => this.#certificates.certify(each, files),
        failed: (transport, detail) => log("transport failed", { transport, detail }),
      });
      const timers = [
        setInterval(() => this.#sweep(), sweepMillis),
        setInterval(() => void this.#renewCertificates(transports), renewMillis),
      ];
      this.#running = { port, realm, transports, planes, networks, control, reach, timers };
      await transports.apply(this.#settings);
      await planes.apply(this.#planesWish(port));
      log("router started", { port: port.port, networks: networks.all().length });
    } catch (error) {
      control.stop();
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    this.#running = null;
    for (const timer of running.timers) clearInterval(timer);
    running.control.stop();
    running.reach.close();
    for (const hosted of running.networks.all()) hosted.dismiss(null);
    await running.planes.close();
    await running.transports.close();
    running.realm.close();
    await running.port.close();
    this.#options.log("router stopped");
  }

  async apply(settings: RouterSettings): Promise<boolean> {
    const running = this.#running;
    if (running === null || !isAlike(this.#settings, settings)) return false;
    const { kcp, quic, tls, wss } = settings.transports;
    for (const { files } of [settings, kcp, quic, tls, wss]) await this.#certificates.load(files);
    this.#settings = settings;
    await running.transports.apply(settings);
    await running.planes.apply(this.#planesWish(running.port));
    return true;
  }

  state(): RouterState | null {
    if (this.#running === null) return null;
    const { port, networks, transports, planes } = this.#running;
    const { addresses, lanOnly } = this.#addresses();
    return {
      listen: joinHostPort(port.host, port.port),
      port: port.port,
      addresses,
      lanOnly,
      link: formatRouterLink({ pin: this.keys.pin, addresses, token: this.keys.token() }),
      transports: transports.states(),
      planes: planes.status(),
      networks: named(networks, planes).map((hosted) => ({
        id: hosted.network,
        name: hosted.name,
        members: hosted.membership.members().length,
        online: hosted.audience.online,
      })),
    };
  }

  async checkReach(seen: readonly Address[]): Promise<RouterReach | null> {
    if (this.#running === null) return null;
    const { reach, transports, port } = this.#running;
    const own = ownAddresses().flatMap((text) => parseAddress(text) ?? []);
    return reach.run(transports.reach(port.port), {
      prefixes: ownPrefixes(),
      addresses: [...own, ...seen],
    });
  }

  async unhost(network: NetworkId): Promise<void> {
    await this.#running?.networks.unhost(network, null);
  }

  refused(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#refused);
  }

  #addresses() {
    const host = this.#running?.port.host ?? "";
    const port = this.#running?.port.port ?? 0;
    return publicAddresses({ hosts: this.#settings.public, listen: host, port, own: ownAddresses() });
  }

  /** What a node is told when it is welcomed, at a plane's port or at the router's own. */
  #offer(plane: number | null): OtherPorts {
    if (this.#running === null)
      return { stunPort: null, linkPort: null, udp: false, links: [], mask: this.keys.mask };
    const { realm, port, transports, planes } = this.#running;
    const own = plane === null ? null : planes.at(plane);
    return {
      stunPort: realm.stunPort,
      linkPort: transports.portOf("tcp"),
      udp: own === null ? transports.portOf("udp") !== null : own.hasUdp,
      links: transports.offers({ control: port.port, isPlane: own !== null }),
      mask: this.keys.mask,
    };
  }

  #planesWish({ host }: TcpPort): PlanesWish | null {
    const { planes, transports } = this.#settings;
    if (planes === null || planes.token === null) return null;
    return { bind: planes.bind, nums: planes.nums, token: planes.token, host, udp: transports.udp.enable };
  }

  #sweep(): void {
    if (this.#running === null) return;
    const { networks, transports, planes } = this.#running;
    const failed = (error: unknown) => this.#options.log("sweep failed", { error: String(error) });
    for (const hosted of networks.all()) hosted.sweep().catch(failed);
    transports.retry().catch(failed);
    planes.retry().catch(failed);
  }

  async #renewCertificates(transports: Transports): Promise<void> {
    try {
      await transports.renewCertificates();
    } catch (error) {
      this.#options.log("certificate kept", { error: String(error) });
    }
  }
}

/** What the networks at a port are called: a plane is one, all others are at the router's own port. */
function namesAt(
  port: number,
  { networks, planes }: { readonly networks: Networks; readonly planes: Planes },
): readonly string[] {
  return planes.at(port) === null ? named(networks, planes).map(({ name }) => name) : [planeName(port)];
}

/** Networks that go by a name of their own, not by a port. */
function named(networks: Networks, planes: Planes): readonly HostedNetwork[] {
  return networks.all().filter(({ network }) => planes.portOf(network) === null);
}

/** Whether two settings share the sockets for control and UDP, and the store. */
function isAlike(one: RouterSettings, other: RouterSettings): boolean {
  const sockets = ({ listen, store, transports: { udp, kcp, quic } }: RouterSettings) =>
    JSON.stringify([listen, store, udp, [kcp, quic].some((each) => each.enable && each.listen === null)]);
  return sockets(one) === sockets(other);
}

const sweepMillis = 30_000;
const renewMillis = 3_600_000;
