/** By what nodes reach the router: each transport opened where the settings say, closed when switched off, told as it is. */
import { joinHostPort } from "../../src-shared/ids.ts";
import type { CertificateFiles, RouterSettings, SecuredSettings } from "../../src-shared/router-settings.ts";
import { splitListen } from "../../src-shared/router-settings.ts";
import type { RouterTransportStatus } from "../../src-shared/router-status.ts";
import type { Transport } from "../../src-shared/status.ts";
import { transports } from "../../src-shared/status.ts";
import type { OfferedLink, ReachPort } from "../../src-shared/wire.ts";
import type { TlsPair } from "../transport/certificate.ts";
import { servesDtls } from "../transport/certificate.ts";
import type { TcpPort } from "./port.ts";
import type { RouterRealm } from "./realm.ts";

/** An address, or a wildcard, and a port. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

export interface TransportsOptions {
  readonly realm: RouterRealm;
  /** The port of the control socket; takes `tls` and `wss` links, too. */
  readonly control: TcpPort;
  /** Opens one more TCP port of the same kind. Rejects as `listen` does. */
  readonly openSecured: (place: Place, files: CertificateFiles | null) => Promise<TcpPort>;
  /** What these files hold now; null: the router's own certificate. */
  readonly load: (files: CertificateFiles | null) => Promise<TlsPair>;
  /** Serves these files at a port from now on; null: the router's own certificate. */
  readonly certify: (port: TcpPort, files: CertificateFiles | null) => Promise<void>;
  /** A transport could not be opened. */
  readonly failed: (transport: Transport, detail: string) => void;
}

/** What became of one transport. */
type Entrance =
  | { readonly kind: "off" }
  | { readonly kind: "open"; readonly place: Place; readonly close: () => Promise<void> | void }
  | { readonly kind: "busy" | "failed"; readonly detail: string };

export class Transports {
  readonly #options: TransportsOptions;
  readonly #entrances = new Map<Transport, Entrance>();
  readonly #secured = new Map<string, TcpPort>();
  #settings: RouterSettings;

  constructor(settings: RouterSettings, options: TransportsOptions) {
    this.#settings = settings;
    this.#options = options;
  }

  /** Opens and closes until everything is as these settings say; what cannot be opened is told by `states`. */
  async apply(settings: RouterSettings): Promise<void> {
    const before = this.#settings.transports;
    this.#settings = settings;
    for (const transport of transports) {
      const isSame = JSON.stringify(before[transport]) === JSON.stringify(settings.transports[transport]);
      const entrance = this.#entrances.get(transport);
      if (isSame && entrance?.kind === "open") continue;
      if (entrance?.kind === "open") await entrance.close();
      this.#entrances.set(transport, await this.#open(transport));
    }
    for (const port of this.#ports()) await this.#options.certify(port, this.#filesOf(port));
    this.#letLinksIn();
  }

  /** Serves what the certificate files hold now. */
  async renewCertificates(): Promise<void> {
    for (const transport of ["kcp", "quic"] as const)
      if (this.#entrances.get(transport)?.kind === "open")
        this.#entrances.set(transport, await this.#open(transport));
    for (const port of this.#ports()) await this.#options.certify(port, this.#filesOf(port));
  }

  /** Tries again what could not be opened, and takes up what ended with a socket that was bound anew. */
  async retry(): Promise<void> {
    for (const transport of ["kcp", "quic"] as const) {
      const entrance = this.#entrances.get(transport);
      const { listen } = this.#settings.transports[transport];
      if (entrance?.kind === "open" && listen === null)
        this.#entrances.set(transport, await this.#open(transport));
    }
    const isMissing = [...this.#entrances.values()].some(({ kind }) => kind === "busy" || kind === "failed");
    if (isMissing) await this.apply(this.#settings);
  }

  states(): readonly RouterTransportStatus[] {
    return transports.map((transport) => this.#stateOf(transport));
  }

  /** Port where a transport is taken; null while it is not. */
  portOf(transport: Transport): number | null {
    const entrance = this.#entrances.get(transport);
    return entrance?.kind === "open" ? entrance.place.port : null;
  }

  /** What a node is told that came in by the control port, or by the port of a plane, which takes `tls` and `wss` alike. */
  offers({
    control,
    isPlane,
  }: {
    readonly control: number;
    readonly isPlane: boolean;
  }): readonly OfferedLink[] {
    const offered = (["udp", "kcp", "quic", "tls", "wss"] as const).flatMap((transport) => {
      const port = this.portOf(transport);
      if (port === null || (transport === "udp" && (isPlane || port === control))) return [];
      const isOver = transport === "tls" || transport === "wss";
      return [{ transport, port: port === control && (isOver || !isPlane) ? 0 : port }];
    });
    return offered.map((each) => (each.transport === "wss" ? { ...each, path: this.#path } : each));
  }

  /**
   * The ports behind the transports that are taken, as others can try them: plain UDP answers by STUN, and so shows the port
   * that links over UDP share with it. What is null answers nobody but its own kind of link.
   */
  reach(control: number): readonly { readonly transport: Transport; readonly port: ReachPort | null }[] {
    return transports.flatMap((transport) => {
      const port = this.portOf(transport);
      if (port === null) return [];
      const protocol = transport === "tcp" ? "tcp" : secured.has(transport) ? "https" : "udp";
      const isTriable = protocol !== "udp" || port === this.portOf("udp");
      return [{ transport, port: isTriable ? { protocol, port: port === control ? 0 : port } : null }];
    });
  }

  async close(): Promise<void> {
    for (const entrance of this.#entrances.values()) if (entrance.kind === "open") await entrance.close();
    this.#entrances.clear();
    for (const port of this.#secured.values()) await port.close();
    this.#secured.clear();
  }

  async #open(transport: Transport): Promise<Entrance> {
    const settings = this.#settings.transports[transport];
    if (!settings.enable) return { kind: "off" };
    try {
      switch (transport) {
        case "udp":
          return this.#ofUdp();
        case "tcp":
          return this.#ofRealm(transport, settings.listen, null);
        case "kcp":
        case "quic":
          return this.#ofRealm(transport, settings.listen, await this.#pairOf(transport));
        case "tls":
        case "wss":
          return await this.#ofSecured(this.#settings.transports[transport]);
      }
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      this.#options.failed(transport, detail);
      const isBusy = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
      return { kind: isBusy ? "busy" : "failed", detail };
    }
  }

  #ofUdp(): Entrance {
    const place = this.#options.realm.udp;
    return place === null ? { kind: "off" } : { kind: "open", place, close: () => undefined };
  }

  #ofRealm(transport: "tcp" | "kcp" | "quic", listen: string | null, tls: TlsPair | null): Entrance {
    const { realm } = this.#options;
    const place = realm.take(transport, listen === null ? null : splitListen(listen), tls);
    return { kind: "open", place, close: () => realm.refuse(transport) };
  }

  async #ofSecured({ listen, files }: SecuredSettings): Promise<Entrance> {
    const { control, openSecured } = this.#options;
    const open = (port: TcpPort): Entrance => ({
      kind: "open",
      place: port,
      close: () => this.#closeUnused(port),
    });
    const place = listen === null ? null : splitListen(listen);
    if (place === null || (place.port === control.port && place.host === control.host)) return open(control);
    const name = joinHostPort(place.host, place.port);
    const port = this.#secured.get(name) ?? (await openSecured(place, files));
    this.#secured.set(name, port);
    return open(port);
  }

  /** Closes a port that no other transport is taken at. */
  async #closeUnused(port: TcpPort): Promise<void> {
    const users = (["tls", "wss"] as const).filter((each) => this.#isAt(each, port));
    if (port === this.#options.control || users.length > 1) return;
    for (const [name, each] of this.#secured) if (each === port) this.#secured.delete(name);
    await port.close();
  }

  #letLinksIn(): void {
    for (const port of this.#ports()) {
      port.setLinks({ tls: this.#isAt("tls", port), wss: this.#isAt("wss", port) ? this.#path : null });
    }
  }

  /** What a transport over UDP shows; null: what the data plane makes for it, where it cannot show the router's. */
  async #pairOf(transport: "kcp" | "quic"): Promise<TlsPair | null> {
    const { files } = this.#settings.transports[transport];
    const pair = await this.#options.load(files ?? this.#settings.files);
    return transport === "kcp" && files === null && !servesDtls(pair) ? null : pair;
  }

  get #path(): string {
    return this.#settings.transports.wss.path;
  }

  #ports(): readonly TcpPort[] {
    return [this.#options.control, ...this.#secured.values()];
  }

  /** The certificate of a port is that of what is taken there. */
  #filesOf(port: TcpPort): CertificateFiles | null {
    const { files, transports: settings } = this.#settings;
    const taken = (["tls", "wss"] as const).filter((each) => this.#isAt(each, port));
    return taken.map((each) => settings[each].files).find((each) => each !== null) ?? files;
  }

  #isAt(transport: Transport, port: TcpPort): boolean {
    const entrance = this.#entrances.get(transport);
    return entrance?.kind === "open" && entrance.place === port;
  }

  #stateOf(transport: Transport): RouterTransportStatus {
    const { enable, listen } = this.#settings.transports[transport];
    const entrance = this.#entrances.get(transport) ?? { kind: "off" };
    return {
      transport,
      enable,
      state: entrance.kind === "open" ? "listening" : entrance.kind,
      listen: entrance.kind === "open" ? joinHostPort(entrance.place.host, entrance.place.port) : listen,
      detail: "detail" in entrance ? entrance.detail : null,
    };
  }
}

const secured: ReadonlySet<Transport> = new Set(["tls", "wss"]);
