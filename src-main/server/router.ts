/** The router role: hosts networks, lets their members find and reach each other. Holds no key of any of them. */
import { concatBytes, fromBase64, toUtf8 } from "../../src-shared/bytes.ts";
import type { Millis, NetworkId, SessionKey } from "../../src-shared/ids.ts";
import { joinHostPort } from "../../src-shared/ids.ts";
import { formatRouterLink } from "../../src-shared/link.ts";
import type { Notary } from "../../src-shared/trust.ts";
import type { CertificateOptions, TlsPair } from "./certificate.ts";
import { loadCertificate } from "./certificate.ts";
import type { RouterConfig } from "./config.ts";
import type { Log } from "./connection.ts";
import { ControlServer } from "./control.ts";
import { Desk } from "./desk.ts";
import type { RouterKeys } from "./identity.ts";
import { openRouterKeys } from "./identity.ts";
import { Networks } from "./networks.ts";
import type { TcpPort } from "./port.ts";
import { openPort } from "./port.ts";
import { openPorts } from "./ports.ts";
import { ownAddresses, publicAddresses } from "./public-addresses.ts";
import type { OpenRealm, RouterRealm } from "./realm.ts";
import { Reception } from "./reception.ts";
import { Relay } from "./relay.ts";
import type { RouterStore } from "./store.ts";

export interface RouterOptions {
  /** State folder: keys and the self-signed certificate live there. */
  readonly folder: string;
  readonly config: RouterConfig;
  readonly notary: Notary;
  /** Stays open at `stop`: whoever opened it closes it. */
  readonly store: RouterStore;
  readonly openRealm: OpenRealm;
  /** The TCP port, TLS unless given. */
  readonly openPort?: typeof openPort;
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
  /** Null while stopped. */
  state(): RouterState | null;
  /** Forgets a network; its members are told. Nothing if it is not hosted. */
  unhost(network: NetworkId): Promise<void>;
  /** Input refused since it was made, by cause. */
  refused(): Readonly<Record<string, number>>;
}

/** A router of a state folder, not started yet. Throws `state-unreadable` or `state-not-writable`. */
export async function createRouter(options: RouterOptions): Promise<Router> {
  return new RouterRole(options, await openRouterKeys(options.folder));
}

interface Running {
  readonly port: TcpPort;
  readonly realm: RouterRealm;
  readonly networks: Networks;
  readonly control: ControlServer;
  readonly timers: readonly NodeJS.Timeout[];
}

class RouterRole implements Router {
  readonly keys: RouterKeys;
  readonly #options: RouterOptions;
  readonly #refused = new Map<string, number>();
  #running: Running | null = null;
  #tls: TlsPair | null = null;

  constructor(options: RouterOptions, keys: RouterKeys) {
    this.#options = options;
    this.keys = keys;
  }

  async start(): Promise<void> {
    if (this.#running !== null) return;
    const { config, notary, store, now, log, openRealm, isHere } = this.#options;
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
    const reception = new Reception({
      networks,
      keys: this.keys,
      notary,
      now,
      address: () => this.#addresses().addresses[0] ?? "",
    });
    const control = new ControlServer({
      keys: this.keys,
      reception,
      desk: new Desk({ networks, notary, now }),
      ports: () => ({
        stunPort: this.#running?.realm.stunPort ?? null,
        linkPort: this.#running?.realm.linkPort ?? null,
      }),
      refused,
      log,
    });
    this.#tls = await loadCertificate(this.#certificate(), now());
    try {
      const { port, realm } = await openPorts({
        listen: config.listen,
        store,
        tls: this.#tls,
        privateKey: this.keys.sessionPrivateKey,
        prologue: notary.hash(
          concatBytes(toUtf8("router"), fromBase64(this.keys.identity) ?? new Uint8Array()),
        ),
        openPort: this.#options.openPort ?? openPort,
        openRealm,
        accept: (channel) => control.accept(channel),
        refused,
      });
      relay = new Relay({ realm, networks, notary, now, isHere, refused, log });
      for (const hosted of networks.all())
        for (const key of hosted.keys()) relay.keyChanged(hosted, key, true);
      const timers = [
        setInterval(() => this.#sweep(networks), sweepMillis),
        setInterval(() => void this.#renewCertificate(port), renewMillis),
      ];
      this.#running = { port, realm, networks, control, timers };
      log("router started", { port: port.port, networks: networks.all().length });
    } catch (error) {
      control.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    this.#running = null;
    for (const timer of running.timers) clearInterval(timer);
    running.control.stop();
    for (const hosted of running.networks.all()) hosted.dismiss(null);
    running.realm.close();
    await running.port.close();
    this.#options.log("router stopped");
  }

  state(): RouterState | null {
    if (this.#running === null) return null;
    const { port, networks } = this.#running;
    const { addresses, lanOnly } = this.#addresses();
    return {
      listen: joinHostPort(port.host, port.port),
      port: port.port,
      addresses,
      lanOnly,
      link: formatRouterLink({ pin: this.keys.pin, addresses, token: this.keys.token() }),
      networks: networks.all().map((hosted) => ({
        id: hosted.network,
        name: hosted.name,
        members: hosted.membership.members().length,
        online: hosted.audience.online,
      })),
    };
  }

  async unhost(network: NetworkId): Promise<void> {
    await this.#running?.networks.unhost(network, null);
  }

  refused(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#refused);
  }

  #certificate(): CertificateOptions {
    const { folder, config } = this.#options;
    if (config.cert === undefined || config.key === undefined) return { folder };
    return { folder, files: { cert: config.cert, key: config.key } };
  }

  #addresses() {
    const host = this.#running?.port.host ?? "";
    const port = this.#running?.port.port ?? 0;
    return publicAddresses({ hosts: this.#options.config.public, listen: host, port, own: ownAddresses() });
  }

  #sweep(networks: Networks): void {
    for (const hosted of networks.all()) {
      hosted.sweep().catch((error: unknown) => this.#options.log("sweep failed", { error: String(error) }));
    }
  }

  async #renewCertificate(port: TcpPort): Promise<void> {
    try {
      const tls = await loadCertificate(this.#certificate(), this.#options.now());
      if (tls.cert === this.#tls?.cert && tls.key === this.#tls.key) return;
      this.#tls = tls;
      port.setCertificate(tls);
      this.#options.log("certificate changed");
    } catch (error) {
      this.#options.log("certificate kept", { error: String(error) });
    }
  }
}

const sweepMillis = 30_000;
const renewMillis = 3_600_000;
