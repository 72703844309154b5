/** The engine of one state folder: the node's identity, its socket, its networks and what happens to them. */
import type { Addon, DataPlane } from "../../drivers/dataplane.ts";
import { socketMark } from "../../drivers/dataplane.ts";
import { toUtf8 } from "../../src-shared/bytes.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { ExitChoice } from "../../src-shared/exit.ts";
import type { NetworkId } from "../../src-shared/ids.ts";
import { joinHostPort, splitHostPort } from "../../src-shared/ids.ts";
import type { NamesStatus } from "../../src-shared/names.ts";
import { parseProxy } from "../../src-shared/proxy.ts";
import type { Settings, SettingsChange } from "../../src-shared/settings.ts";
import { openJournal } from "../system/journal.ts";
import type { System, Watch } from "../system/system.ts";
import type { Target, WayOutChoice } from "../transport/way-out.ts";
import { wayOut } from "../transport/way-out.ts";
import { webSocketConnect } from "../transport/websocket.ts";
import { Administration } from "./administration.ts";
import { Beacons } from "./beacons.ts";
import { requireInterface, usedSystem } from "./binding.ts";
import { Carriers } from "./carriers.ts";
import type { SigningKey } from "./crypto.ts";
import { createNotary, sha256Base64 } from "./crypto.ts";
import { Diary } from "./diary.ts";
import { Enrolment } from "./enrolment.ts";
import { EventDesk } from "./event-desk.ts";
import { Exit } from "./exit.ts";
import { exitNetwork } from "./exit-network.ts";
import { Forwarding } from "./forwarding.ts";
import type { Held } from "./held-networks.ts";
import { HeldNetworks } from "./held-networks.ts";
import type { Move } from "./moves.ts";
import { NameService } from "./name-service.ts";
import { namedNetwork } from "./network-names.ts";
import { NodeDoor } from "./node-door.ts";
import { NodeFile } from "./node-file.ts";
import { NodeSocket } from "./node-socket.ts";
import { Pings } from "./pings.ts";
import { PortMaps } from "./port-maps.ts";
import { Rounds } from "./rounds.ts";
import { SettingsFile } from "./settings-file.ts";
import { mainStreams, streamOpener } from "./stream-links.ts";
import type { Log, Surroundings } from "./surroundings.ts";
import { Trace } from "./trace.ts";
import { Traffic } from "./traffic.ts";
import { Whereabouts } from "./whereabouts.ts";
import { Worked } from "./worked.ts";

/** The router role of this install, as far as its own node needs it. */
export interface OwnRouter {
  readonly sessionKey: string;
  /** Others reach it, and so this node, at these now. */
  readonly addresses: () => readonly string[];
}

export interface EngineOptions {
  readonly folder: string;
  readonly addon: Addon;
  readonly system: System;
  readonly log: Log;
  /** Set now, and kept. */
  readonly settings?: SettingsChange | undefined;
  /** UDP port to insist on; else the kept one, 7743 if free, or any. */
  readonly port?: number;
}

/** Everything that happens on one state folder; one per process. */
export class Engine {
  readonly startedAt = Date.now();
  readonly networks: HeldNetworks;
  /** Joins and leaves networks. */
  readonly enrolment: Enrolment;
  readonly pings: Pings;
  readonly whereabouts: Whereabouts;
  readonly carriers: Carriers;
  readonly traffic = new Traffic();
  readonly diary: Diary;
  readonly system: System;
  readonly addon: Addon;
  readonly dataPlane: DataPlane;
  /** What the data plane tells; the router role hears of its realm here. */
  readonly events: EventDesk;
  /** The way to the internet through a member. */
  readonly exit: Exit;
  /** Ports of this machine that lead to members. */
  readonly portMaps: PortMaps;
  /** Everything that is decided, while somebody wants it written down. */
  readonly trace = new Trace();
  readonly surroundings: Surroundings;
  readonly #mark: string;
  readonly #log: Log;
  readonly #node: NodeFile;
  readonly #settings: SettingsFile;
  readonly #socket: NodeSocket;
  readonly #beacons: Beacons;
  readonly #door: NodeDoor;
  readonly #listeners = new Set<() => void>();
  #router: OwnRouter | null = null;
  /** The router role is about to be switched on. */
  #routerComes = false;
  #rounds: Rounds | null = null;
  #rights: Watch | null = null;

  private constructor(options: EngineOptions, node: NodeFile, settings: SettingsFile) {
    const { folder, addon, system, log } = options;
    this.#mark = markOf(folder);
    this.#log = log;
    this.#node = node;
    this.system = system;
    this.addon = addon;
    this.dataPlane = addon.start((batch) => this.events.hear(batch));
    this.pings = new Pings(this.dataPlane);
    this.portMaps = new PortMaps(folder, this.dataPlane);
    this.#settings = settings;
    this.networks = new HeldNetworks({
      folder,
      surroundings: () => this.surroundings,
      opened: () => this.#beacons.call(),
      changed: () => this.#changed(),
    });
    this.#socket = new NodeSocket({
      dataPlane: this.dataPlane,
      system,
      settings: () => this.settings,
      listens: (transport) => this.carriers.listen(transport) !== null,
    });
    const used = usedSystem(system, () => this.settings.bind);
    this.whereabouts = new Whereabouts({
      dataPlane: this.dataPlane,
      system: used,
      now: Date.now,
      port: () => this.port,
      declared: () => this.#declared(),
      opensPorts: () => this.settings.portMapping && this.#socket.isPlain,
      isPlain: () => this.#socket.isPlain,
      takes: () => this.#socket.takes(),
      links: (plain) => this.#door.links(plain),
      log,
      changed: () => this.#whereaboutsChanged(),
    });
    // The router role has the port's TCP for itself; the next one is likely open where a few were opened.
    this.carriers = new Carriers({
      dataPlane: this.dataPlane,
      openStream: streamOpener(this.dataPlane, () => this.#wayOut()),
      wishes: () => [this.port, this.port + 1, 0],
      address: () => this.#socket.address,
      random: Math.random,
      changed: (endpoint, up) => {
        log("link", { endpoint, up });
        for (const loop of this.networks.loops()) loop.linked(endpoint, up);
      },
      failed: (endpoint, error) => log("link failed", { endpoint, error }),
    });
    this.events = new EventDesk({
      pings: this.pings,
      whereabouts: this.whereabouts,
      carriers: this.carriers,
      traffic: this.traffic,
      network: (realm) => {
        const loop = this.networks.loopOf(realm as NetworkId);
        return loop === null ? null : (event) => loop.handleEvent(event);
      },
      log,
    });
    this.#door = new NodeDoor({
      folder,
      streams: mainStreams(this.dataPlane),
      secret: node.identity.key,
      now: Date.now,
      log,
      changed: () => this.#whereaboutsChanged(),
    });
    this.diary = new Diary({ folder, log, now: Date.now });
    this.#beacons = new Beacons({
      system: used,
      networks: () => this.networks.loops().map((loop) => loop.beaconNetwork()),
      port: () => this.port,
      isOn: () => this.settings.lanDiscovery && this.#socket.isPlain,
      now: Date.now,
      random: Math.random,
    });
    const journal = openJournal(folder, system);
    this.surroundings = {
      dataPlane: this.dataPlane,
      cryptography: addon,
      notary: createNotary(),
      identity: node.identity,
      system,
      journal,
      names: new NameService({
        system,
        journal,
        log,
        isOn: () => this.settings.dns,
        changed: () => this.#changed(),
      }),
      log,
      trace: this.trace,
      now: Date.now,
      declared: () => this.#router?.addresses() ?? [],
      whereabouts: this.whereabouts,
      carriers: this.carriers,
      pings: this.pings,
      forwarding: new Forwarding({
        system,
        journal,
        mark: this.#mark,
        opensFirewalls: () => this.settings.hostFirewall,
        log,
        changed: () => this.#changed(),
      }),
      worked: new Worked({ folder, system, now: Date.now }),
      transport: () => this.settings.transport,
      connect: (address, secret, signal) => webSocketConnect(wayOut(this.#wayOut()))(address, secret, signal),
      mtu: () => this.settings.mtu,
      inbound: () => this.settings.inbound,
      ownRouter: () => this.#router?.sessionKey ?? null,
      save: (stored) => this.networks.save(stored),
      changed: () => this.#changed(),
    };
    this.enrolment = new Enrolment(this.networks, this.surroundings);
    this.exit = new Exit({
      system,
      journal,
      names: this.surroundings.names,
      networks: () =>
        this.networks.all().map(({ stored, loop }) => exitNetwork(loop?.stored ?? stored, loop)),
      mark: this.#mark,
      log,
    });
  }

  /** Starts: undoes what a killed run left, binds the port. Networks come up with `networks.resume`. */
  static async open(options: EngineOptions): Promise<Engine> {
    const node = new NodeFile(options.folder, options.system);
    const settings = new SettingsFile(options.folder);
    settings.keep(options.settings ?? {});
    const engine = new Engine(options, node, settings);
    try {
      // What keeps everything in stays until it is known to be wanted no more.
      await engine.surroundings.journal.undo(
        undefined,
        (change) => change.kind === "outside" || (change.kind === "exit" && change.strict),
      );
      await engine.#admit();
      engine.#letMark();
      engine.#bind(options.port);
      engine.#applyRelayQuota();
      engine.networks.load();
      await engine.exit.settle();
      engine.#begin();
      engine.portMaps.open();
      engine.#nameStunServers();
      return engine;
    } catch (error) {
      await engine.close();
      throw error;
    }
  }

  get identity(): SigningKey {
    return this.#node.identity;
  }

  get name(): string {
    return this.#node.current.name;
  }

  get port(): number {
    return this.#socket.port;
  }

  get settings(): Settings {
    return this.#settings.current;
  }

  /** Sets what is given. Throws `no-interface`, `port-in-use`, `port-of-router`; then all is as before. */
  async changeSettings(change: SettingsChange): Promise<void> {
    const before = this.settings;
    if (change.bind != null) requireInterface(this.system, change.bind);
    if (change.port != null && this.#router !== null && change.port !== this.port) {
      throw new AppError("port-of-router", { port: this.port });
    }
    this.#settings.keep(change);
    for (const loop of this.networks.loops()) loop.applyInbound();
    const { port, bind, mtu } = this.settings;
    this.#socket.speakPlain();
    // What is not wanted any more is not listened for either; the port of a router role goes on serving others.
    const isConfined = this.settings.transport !== before.transport;
    const isMoved =
      bind !== before.bind || (port !== null && port !== this.port) || (isConfined && this.#router === null);
    const isOtherWay = JSON.stringify(wayOutOf(this.settings)) !== JSON.stringify(wayOutOf(before));
    try {
      if (isMoved || isConfined || isOtherWay || mtu !== before.mtu)
        await this.#reopen(isMoved ? (port ?? this.port) : null);
    } catch (error) {
      this.#settings.keep(before);
      this.#socket.speakPlain();
      throw error;
    }
    this.#nameStunServers();
    if (this.settings.dns !== before.dns) await this.surroundings.names.apply();
    if (this.settings.hostFirewall !== before.hostFirewall) await this.surroundings.forwarding.look();
    await this.#refresh();
  }

  /** The names of a network, and how this machine looks them up. */
  namesOf({ stored, loop }: Held): NamesStatus {
    const { names, notary } = this.surroundings;
    return names.status(stored.network, namedNetwork(stored, loop?.machine ?? null, notary.hash));
  }

  /** Why no packets can flow here: one line, or null. */
  get limited(): string | null {
    const check = this.system.rights.check();
    return check.ok ? null : check.reason.message;
  }

  /** An administrator's acts in a network that is up. */
  administration(name: string): Administration {
    return new Administration(this.networks.loop(name), this.surroundings);
  }

  /** Whether the router role of this install is on. */
  get hasRouter(): boolean {
    return this.#router !== null;
  }

  /** Mbit/s that each member may have relayed here; null: any number. */
  get relayQuotaMbit(): number | null {
    return this.#node.current.relayQuotaMbit ?? null;
  }

  setRelayQuota(mbit: number | null): void {
    this.#node.keep({ relayQuotaMbit: mbit ?? undefined });
    this.#applyRelayQuota();
    this.#changed();
  }

  /** Frees the TCP port of this node's number: the router role is about to take it. */
  makeRoom(): Promise<void> {
    this.#routerComes = true;
    return this.#settleDoor();
  }

  /** The router role of this install was switched on, off, or has other addresses now. */
  setRouter(router: OwnRouter | null): void {
    this.#router = router;
    this.#routerComes = false;
    for (const loop of this.networks.loops()) loop.applyRelaying();
    this.#whereaboutsChanged();
  }

  /** Whether the router role takes plain UDP at this node's socket: there it is spoken then, whatever the node may use. */
  servePlain(on: boolean): void {
    this.#socket.servePlain(on);
  }

  /** Moves everything to another UDP port: networks go down and come up again. Throws `port-in-use`. */
  async rebind(port: number): Promise<void> {
    if (port !== this.port) await this.#reopen(port);
  }

  /** Binds UDP anew at its port: links beside it end, networks go down and come up again. */
  async renewSocket(): Promise<void> {
    await this.#reopen(this.port);
  }

  /** Goes to the internet through a member of a network from now on; null: by itself. */
  async chooseExit(wish: { readonly network: NetworkId; readonly choice: ExitChoice } | null): Promise<void> {
    for (const { stored } of this.networks.all()) {
      const exit = stored.network === wish?.network ? wish.choice : undefined;
      if (JSON.stringify(stored.exit) === JSON.stringify(exit)) continue;
      this.networks.change(stored.network, { exit });
      this.networks.loopOf(stored.network)?.routes.refresh();
    }
    await this.exit.settle();
    this.#changed();
  }

  /** Calls back after changes of what users see; returns how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The machine woke from sleep. */
  awake(): void {
    this.#rounds?.awake();
  }

  /** Ends everything; what is on disk stays as it is. Idempotent. */
  async close(): Promise<void> {
    this.#rounds?.close();
    this.#rights?.close();
    this.#beacons.close();
    await this.networks.closeAll();
    await this.exit.close();
    await this.surroundings.forwarding.close();
    await this.#door.close();
    await this.diary.close();
    await this.whereabouts.close();
    this.pings.close();
    this.dataPlane.stop();
    await this.surroundings.journal.undo();
  }

  /** Binds UDP, at this port if one is given. Networks that are up must be closed before. Throws `port-in-use`. */
  #bind(port?: number): void {
    this.#socket.free();
    this.carriers.reset();
    const bound = this.#socket.bind(port, this.#node.current.port);
    this.whereabouts.portChanged();
    this.#beacons.renew();
    this.#node.keep({ port: bound });
  }

  /** Connects what is connected anew, on another socket if a port is given. */
  async #reopen(port: number | null): Promise<void> {
    const before = this.port;
    await this.networks.around(() => {
      try {
        if (port !== null) this.#bind(port);
      } catch (error) {
        this.#bind(before);
        throw error;
      }
    });
  }

  /** By which nodes reach each other directly, and a router is reached. */
  async #admit(): Promise<void> {
    if (this.system.admission === null) return;
    await this.surroundings.journal.apply({ kind: "admission", name: this.#mark, address: null });
  }

  /** Rights that come while networks are connected without an interface connect them anew, with one. */
  async #rightsChanged(): Promise<void> {
    this.#letMark();
    const { kind } = this.system.rights.state();
    this.#log("rights", { by: kind });
    const lacksInterface = this.networks.loops().some((loop) => loop.interfaceName === null);
    if (kind === "helper" && lacksInterface)
      await this.#reopen(this.port).catch((error: unknown) =>
        this.#log("reopen failed", { error: String(error) }),
      );
    this.#changed();
  }

  /** Sockets that carry the networks are marked by who may. */
  #letMark(): void {
    const marker = this.system.marker();
    if (marker !== null) this.dataPlane.markBy(marker);
  }

  #begin(): void {
    const { networks, surroundings, dataPlane, traffic, diary } = this;
    this.#rights = this.system.rights.watch(() => void this.#rightsChanged());
    this.#rounds = new Rounds({
      networks,
      surroundings,
      dataPlane,
      traffic,
      diary,
      moved: (move) => void this.#move(move),
      changed: () => this.#changed(),
    });
  }

  /** Paths are proved anew at once; where this node is now is told as soon as it is known. */
  async #move(move: Move): Promise<void> {
    this.#log(move.kind);
    this.carriers.hurry();
    if (move.kind !== "gained") for (const loop of this.networks.loops()) loop.wake(move);
    await this.#rebindIfStale();
    await this.#refresh();
  }

  /** An interface that came back is another one to the socket. */
  async #rebindIfStale(): Promise<void> {
    if (!this.#socket.isStale()) return;
    await this.#reopen(this.port).catch((error: unknown) =>
      this.#log("rebind failed", { error: String(error) }),
    );
  }

  async #refresh(): Promise<void> {
    this.#beacons.renew();
    await this.whereabouts.renew();
    this.#whereaboutsChanged();
  }

  #nameStunServers(): void {
    this.whereabouts.outside.setServers("settings", this.settings.stunServers);
  }

  /** `host:port` where others reach this node by somebody's word: the user's, or its own router's. */
  #declared(): readonly string[] {
    const own = this.settings.declared.map((text) =>
      splitHostPort(text) === null ? joinHostPort(text, this.port) : text,
    );
    return [...own, ...(this.#router?.addresses() ?? [])];
  }

  #settleDoor(): Promise<void> {
    return this.#door.settle({
      port: this.port,
      address: this.#socket.address,
      candidates: this.whereabouts.candidates(),
      only: this.settings.transport,
      hasRouter: this.#router !== null || this.#routerComes,
    });
  }

  #whereaboutsChanged(): void {
    void this.#settleDoor();
    for (const loop of this.networks.loops()) loop.refreshCandidates();
    this.#changed();
  }

  #applyRelayQuota(): void {
    this.dataPlane.setRelayQuota(((this.relayQuotaMbit ?? 0) * 1_000_000) / 8);
  }

  /** What is sent to other nodes goes its own way, whatever way everything else goes. */
  #wayOut(): WayOutChoice {
    const connect = (target: Target) => this.system.connectMarked(target, socketMark);
    return { ...wayOutOf(this.settings), connect };
  }

  #changed(): void {
    this.#rounds?.note();
    void this.exit.settle();
    for (const listener of this.#listeners) listener();
  }
}

/** The same for the same folder, and hardly ever for another. */
function markOf(folder: string): string {
  return Buffer.from(sha256Base64(toUtf8(folder)), "base64")
    .toString("hex")
    .slice(0, 8);
}

/** What the user chose for connections over TLS. */
function wayOutOf({ proxy, tlsName, tlsPath }: Settings): WayOutChoice {
  return {
    proxy: proxy === null || proxy === "direct" ? proxy : parseProxy(proxy),
    serverName: tlsName,
    path: tlsPath,
  };
}
