/** The engine of one state folder: the node's identity, its socket, its networks and what happens to them. */

import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Addon, DataPlane, DataPlaneEvent } from "../../drivers/dataplane.ts";
import { socketMark } from "../../drivers/dataplane.ts";
import { fromBase64, toBase64, toUtf8 } from "../../src-shared/bytes.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { ExitChoice } from "../../src-shared/exit.ts";
import type { NetworkId } from "../../src-shared/ids.ts";
import { joinHostPort, networkId, nodeName, splitHostPort } from "../../src-shared/ids.ts";
import type { NamesStatus } from "../../src-shared/names.ts";
import { parseProxy } from "../../src-shared/proxy.ts";
import type { Settings, SettingsChange } from "../../src-shared/settings.ts";
import type { NetworkStart, Transport } from "../../src-shared/status.ts";
import { freeName } from "../mesh/addresses.ts";
import { openJournal } from "../system/journal.ts";
import type { System, Watch } from "../system/system.ts";
import type { Target, WayOutChoice } from "../transport/way-out.ts";
import { wayOut } from "../transport/way-out.ts";
import { webSocketConnect } from "../transport/websocket.ts";
import { Administration } from "./administration.ts";
import { Beacons } from "./beacons.ts";
import { bindingOf, boundAddress, requireInterface, usedSystem } from "./binding.ts";
import { Carriers } from "./carriers.ts";
import type { CreateRequest, Host } from "./create.ts";
import { createNetwork } from "./create.ts";
import type { SigningKey } from "./crypto.ts";
import { createNotary, sha256Base64, signingKey } from "./crypto.ts";
import { Diary } from "./diary.ts";
import { Exit } from "./exit.ts";
import { exitNetwork } from "./exit-network.ts";
import { Forwarding } from "./forwarding.ts";
import { signRevocation } from "./issue.ts";
import type { Joined, JoinRequest } from "./join.ts";
import { joinNetwork } from "./join.ts";
import { Links } from "./links.ts";
import { isOverlay } from "./locals.ts";
import { NetworkLoop } from "./loop.ts";
import type { Move } from "./moves.ts";
import { Moves } from "./moves.ts";
import { NameService } from "./name-service.ts";
import { namedNetwork } from "./network-names.ts";
import { NodeDoor } from "./node-door.ts";
import { Pings } from "./pings.ts";
import { PortMaps } from "./port-maps.ts";
import { relaySetting } from "./relay-setting.ts";
import { SettingsFile } from "./settings-file.ts";
import type { StoredNetwork, StoredNode } from "./stored.ts";
import { storedNetwork, storedNode } from "./stored.ts";
import { mainStreams, streamOpener } from "./stream-links.ts";
import type { Log, Surroundings } from "./surroundings.ts";
import { mainSocket } from "./surroundings.ts";
import { Traffic } from "./traffic.ts";
import { readVersioned, writeVersioned } from "./versioned-file.ts";
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

/** A network of this install: connected while `loop` is there. */
export interface Held {
  readonly stored: StoredNetwork;
  readonly loop: NetworkLoop | null;
}

/** Everything that happens on one state folder; one per process. */
export class Engine {
  readonly startedAt: number;
  readonly pings: Pings;
  readonly whereabouts: Whereabouts;
  readonly carriers: Carriers;
  readonly traffic = new Traffic();
  readonly diary: Diary;
  readonly system: System;
  readonly addon: Addon;
  readonly dataPlane: DataPlane;
  /** The way to the internet through a member. */
  readonly exit: Exit;
  /** Ports of this machine that lead to members. */
  readonly portMaps: PortMaps;
  readonly #folder: string;
  readonly #log: Log;
  readonly #identity: SigningKey;
  readonly #surroundings: Surroundings;
  readonly #beacons: Beacons;
  readonly #door: NodeDoor;
  readonly #held = new Map<NetworkId, { stored: StoredNetwork; loop: NetworkLoop | null }>();
  readonly #links = new Map<NetworkId, Links>();
  readonly #listeners = new Set<() => void>();
  readonly #realms = new Map<string, (event: DataPlaneEvent) => void>();
  readonly #timers: NodeJS.Timeout[] = [];
  #node: StoredNode;
  readonly #settings: SettingsFile;
  #port = 0;
  /** What the socket hangs on when it is bound to one interface or address. */
  #binding: string | null = null;
  #router: OwnRouter | null = null;
  /** Whether the router role takes plain UDP at this node's socket. */
  #servesPlain = false;
  /** The router role is about to be switched on. */
  #routerComes = false;
  #moves: Moves | null = null;
  #rights: Watch | null = null;

  private constructor(options: EngineOptions, node: StoredNode, settings: SettingsFile) {
    const { folder, addon, system, log } = options;
    this.startedAt = Date.now();
    this.#folder = folder;
    this.#log = log;
    this.#node = node;
    this.system = system;
    this.addon = addon;
    this.#identity = signingKey(fromBase64(node.seed) ?? new Uint8Array(32));
    this.dataPlane = addon.start((batch) => this.#hear(batch));
    this.pings = new Pings(this.dataPlane);
    this.portMaps = new PortMaps(folder, this.dataPlane);
    this.#settings = settings;
    const used = usedSystem(system, () => this.settings.bind);
    this.whereabouts = new Whereabouts({
      dataPlane: this.dataPlane,
      system: used,
      now: Date.now,
      port: () => this.#port,
      declared: () => this.#declared(),
      opensPorts: () => this.settings.portMapping && this.#isPlain(),
      isPlain: () => this.#isPlain(),
      takes: () => this.#takes(),
      links: (plain) => this.#door.links(plain),
      log,
      changed: () => this.#whereaboutsChanged(),
    });
    // The router role has the port's TCP for itself; the next one is likely open where a few were opened.
    this.carriers = new Carriers({
      dataPlane: this.dataPlane,
      openStream: streamOpener(this.dataPlane, () => this.#wayOut()),
      wishes: () => [this.#port, this.#port + 1, 0],
      address: () => {
        const { bind } = this.settings;
        return bind === null ? undefined : boundAddress(system, bind);
      },
      random: Math.random,
      changed: (endpoint, up) => {
        log("link", { endpoint, up });
        for (const { loop } of this.#held.values()) loop?.linked(endpoint, up);
      },
      failed: (endpoint, error) => log("link failed", { endpoint, error }),
    });
    this.#door = new NodeDoor({
      folder,
      streams: mainStreams(this.dataPlane),
      secret: this.#identity.key,
      now: Date.now,
      log,
      changed: () => this.#whereaboutsChanged(),
    });
    this.diary = new Diary({ folder, log, now: Date.now });
    this.#beacons = new Beacons({
      system: used,
      networks: () => [...this.#held.values()].flatMap(({ loop }) => loop?.beaconNetwork() ?? []),
      port: () => this.#port,
      isOn: () => this.settings.lanDiscovery && this.#isPlain(),
      now: Date.now,
      random: Math.random,
    });
    const journal = openJournal(folder, system);
    this.#surroundings = {
      dataPlane: this.dataPlane,
      cryptography: addon,
      notary: createNotary(),
      identity: this.#identity,
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
      now: Date.now,
      declared: () => this.#router?.addresses() ?? [],
      whereabouts: this.whereabouts,
      carriers: this.carriers,
      pings: this.pings,
      forwarding: new Forwarding({
        system,
        journal,
        mark: markOf(folder),
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
      save: (stored) => this.#save(stored),
      changed: () => this.#changed(),
    };
    this.exit = new Exit({
      system,
      journal,
      names: this.#surroundings.names,
      networks: () => this.networks().map(({ stored, loop }) => exitNetwork(loop?.stored ?? stored, loop)),
      mark: markOf(folder),
      log,
    });
  }

  /** Starts: undoes what a killed run left, binds the port. Networks come up with `resume`. */
  static async open(options: EngineOptions): Promise<Engine> {
    const node = readNode(options.folder, options.system);
    const settings = new SettingsFile(options.folder);
    settings.keep(options.settings ?? {});
    const engine = new Engine(options, node, settings);
    try {
      // What keeps everything in stays until it is known to be wanted no more.
      await engine.#surroundings.journal.undo(
        undefined,
        (change) => change.kind === "outside" || (change.kind === "exit" && change.strict),
      );
      await engine.#admit(options.folder);
      engine.#letMark();
      engine.bind(options.port);
      engine.#applyRelayQuota();
      engine.#load();
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

  get surroundings(): Surroundings {
    return this.#surroundings;
  }

  get identity(): SigningKey {
    return this.#identity;
  }

  get name(): string {
    return this.#node.name;
  }

  get port(): number {
    return this.#port;
  }

  get settings(): Settings {
    return this.#settings.current;
  }

  /** Sets what is given. Throws `no-interface`, `port-in-use`, `port-of-router`; then all is as before. */
  async changeSettings(change: SettingsChange): Promise<void> {
    const before = this.settings;
    if (change.bind != null) requireInterface(this.system, change.bind);
    if (change.port != null && this.#router !== null && change.port !== this.#port) {
      throw new AppError("port-of-router", { port: this.#port });
    }
    this.#settings.keep(change);
    for (const { loop } of this.#held.values()) loop?.applyInbound();
    const { port, bind, mtu } = this.settings;
    this.#speakPlain();
    // What is not wanted any more is not listened for either; the port of a router role goes on serving others.
    const isConfined = this.settings.transport !== before.transport;
    const isMoved =
      bind !== before.bind || (port !== null && port !== this.#port) || (isConfined && this.#router === null);
    const isOtherWay = JSON.stringify(wayOutOf(this.settings)) !== JSON.stringify(wayOutOf(before));
    try {
      if (isMoved || isConfined || isOtherWay || mtu !== before.mtu)
        await this.#reopen(isMoved ? (port ?? this.#port) : null);
    } catch (error) {
      this.#settings.keep(before);
      this.#speakPlain();
      throw error;
    }
    this.#nameStunServers();
    if (this.settings.dns !== before.dns) await this.#surroundings.names.apply();
    if (this.settings.hostFirewall !== before.hostFirewall) await this.#surroundings.forwarding.look();
    await this.#refresh();
  }

  /** The names of a network, and how this machine looks them up. */
  namesOf({ stored, loop }: Held): NamesStatus {
    const { names, notary } = this.#surroundings;
    return names.status(stored.network, namedNetwork(stored, loop?.machine ?? null, notary.hash));
  }

  /** Why no packets can flow here: one line, or null. */
  get limited(): string | null {
    const check = this.system.rights.check();
    return check.ok ? null : check.reason.message;
  }

  /** Takes the issuer key of a network: this install administers it from now on. */
  async takeIssuer(id: NetworkId, seed: Uint8Array): Promise<void> {
    this.#change(id, { issuerSeed: toBase64(seed) });
    this.#changed();
  }

  /** Brings up every network that was up when the engine ended, unless its start was chosen. */
  async resume(): Promise<void> {
    for (const [id, { stored }] of this.#held) {
      const { start = "kept" } = stored;
      const up = start === "kept" ? stored.up : start === "up";
      if (up !== stored.up) this.#change(id, { up });
      if (up) await this.#open(id);
    }
  }

  setStart(id: NetworkId, start: NetworkStart): void {
    this.#change(id, { start });
    this.#changed();
  }

  /** All networks of this install, in their order. */
  networks(): readonly Held[] {
    return [...this.#held.values()].sort((one, other) => placeOf(one) - placeOf(other));
  }

  /** Puts networks first, in this order; the others follow as they were. */
  order(first: readonly NetworkId[]): void {
    const others = this.networks().flatMap(({ stored: { network } }) =>
      first.includes(network) ? [] : [network],
    );
    for (const [place, id] of [...new Set(first), ...others].entries()) this.#change(id, { place });
    this.#changed();
  }

  /** A network by name or by the beginning of its id. Throws `unknown-network`, `ambiguous-network`. */
  find(name: string): Held {
    const all = this.networks();
    const exact = all.find(({ stored }) => stored.name === name || stored.network === name);
    if (exact !== undefined) return exact;
    const fitting = all.filter(
      ({ stored }) =>
        stored.name.toLowerCase() === name.toLowerCase() ||
        (name.length >= 4 && stored.network.startsWith(name)),
    );
    const [only, second] = fitting;
    if (only === undefined) throw new AppError("unknown-network", { name });
    if (second !== undefined) {
      throw new AppError("ambiguous-network", {
        name,
        list: fitting.map(({ stored }) => stored.network).join(", "),
      });
    }
    return only;
  }

  /** Who is linked to whom in a network. */
  linksOf(id: NetworkId): Links {
    const known = this.#links.get(id) ?? new Links();
    this.#links.set(id, known);
    return known;
  }

  /** The loop of a network that is up. Throws `network-off` besides what `find` throws. */
  loop(name: string): NetworkLoop {
    const { stored, loop } = this.find(name);
    if (loop === null) throw new AppError("network-off", { name: stored.name });
    return loop;
  }

  /** An administrator's acts in a network that is up. */
  administration(name: string): Administration {
    return new Administration(this.loop(name), this.#surroundings);
  }

  /** Creates a network at a router and takes it up. */
  async create(
    request: CreateRequest,
    host: Host,
  ): Promise<{ readonly loop: NetworkLoop; readonly warnings: readonly string[] }> {
    if (this.networks().some(({ stored }) => stored.name === request.name)) {
      throw new AppError("network-exists", { name: request.name });
    }
    const { stored, warnings } = await createNetwork(request, host, this.#surroundings);
    return { loop: await this.#adopt(stored), warnings };
  }

  /** Joins a network and takes it up; `step` hears the progress. */
  async join(request: JoinRequest, step: (text: string) => void): Promise<Joined> {
    // Networks that this machine was removed from stand aside: their interfaces are no obstacle to joining anew.
    const over = this.networks()
      .filter(isOver)
      .map(({ stored }) => stored.network);
    const others = this.networks().filter(({ stored }) => !over.includes(stored.network));
    for (const id of over) await this.#close(id);
    try {
      const joined = await joinNetwork(request, this.#surroundings, {
        known: others.map(({ stored }) => stored.network),
        nameOf: (name) =>
          freeName(
            name,
            others.map(({ stored }) => stored),
          ),
        step,
      });
      await this.#adopt(joined.stored);
      return joined;
    } finally {
      for (const id of over) await this.#open(id);
    }
  }

  /** Leaves a network for good: says so to all others, forgets its keys. */
  async leave(name: string): Promise<void> {
    const held = this.find(name);
    const { loop, stored } = held;
    const own = loop?.machine.ownCertificate();
    if (loop !== null && own != null && loop.line.control() !== null) {
      const revocation = signRevocation(own.body, "left", this.#identity, Date.now());
      await loop
        .publish([revocation])
        .catch((error: unknown) => this.#log("leave", { error: String(error) }));
    }
    await this.forget(stored.network);
  }

  /** Drops a network of this install without a word to anybody. */
  async forget(id: NetworkId): Promise<void> {
    await this.#close(id);
    this.#held.delete(id);
    this.#links.delete(id);
    rmSync(this.#file(id), { force: true });
    this.#changed();
  }

  /** Whether the router role of this install is on. */
  get hasRouter(): boolean {
    return this.#router !== null;
  }

  /** Mbit/s that each member may have relayed here; null: any number. */
  get relayQuotaMbit(): number | null {
    return this.#node.relayQuotaMbit ?? null;
  }

  /** Relays for other members of a network, or no longer (also by a cost of 0); without a cost it stays as it was. */
  setRelay(id: NetworkId, wish: { readonly on: boolean; readonly cost?: number | undefined }): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    const { cost } = relaySetting(held.stored, this.hasRouter);
    this.#change(id, { relay: { on: wish.on && wish.cost !== 0, cost: wish.cost || cost } });
    this.#changed();
  }

  /** Whether the ways to peers that were used lately are kept open. */
  setEarly(id: NetworkId, early: boolean): void {
    this.#change(id, { early });
    this.#held.get(id)?.loop?.applyEarly();
    this.#changed();
  }

  /** What this machine routes for others in a network, which routes of others it takes, and for which LANs. */
  setRoutes(id: NetworkId, change: Pick<StoredNetwork, "routes" | "acceptance" | "shared">): void {
    this.#change(id, change);
    this.#held.get(id)?.loop?.routes.refresh();
    this.#changed();
  }

  /** Whether this machine takes part in the broadcasts of a network. */
  setBroadcast(id: NetworkId, take: boolean): void {
    this.#change(id, { broadcast: take });
    this.#held.get(id)?.loop?.applyBroadcast();
    this.#changed();
  }

  setRelayQuota(mbit: number | null): void {
    this.#keepNode({ relayQuotaMbit: mbit ?? undefined });
    this.#applyRelayQuota();
    this.#changed();
  }

  async up(id: NetworkId): Promise<void> {
    this.#change(id, { up: true });
    await this.#open(id);
  }

  async down(id: NetworkId): Promise<void> {
    this.#change(id, { up: false });
    await this.#close(id);
  }

  /** Events of a realm that is no network: the router's. */
  listen(realm: string, listener: (event: DataPlaneEvent) => void): void {
    this.#realms.set(realm, listener);
  }

  unlisten(realm: string): void {
    this.#realms.delete(realm);
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
    for (const { loop } of this.#held.values()) loop?.applyRelaying();
    this.#whereaboutsChanged();
  }

  /** Whether the router role takes plain UDP at this node's socket: there it is spoken then, whatever the node may use. */
  servePlain(on: boolean): void {
    this.#servesPlain = on;
    this.#speakPlain();
  }

  /**
   * Binds UDP: the port given, else the kept one, 7743, or a free one. Networks that are up must be closed before.
   * Throws `port-in-use`.
   */
  bind(port?: number): void {
    if (this.#port !== 0) this.dataPlane.unbind(mainSocket);
    this.carriers.reset();
    this.#port = 0;
    const wishes =
      port !== undefined || this.settings.port !== null
        ? [port ?? this.settings.port ?? defaultPort]
        : [...new Set([this.#node.port ?? defaultPort, defaultPort, 0])];
    for (const wish of wishes) {
      const bound = this.#tryBind(wish);
      if (bound === null) continue;
      this.#port = bound;
      this.#speakPlain();
      this.whereabouts.portChanged();
      this.#beacons.renew();
      this.#keepNode({ port: bound });
      return;
    }
    throw new AppError("port-in-use", { port: wishes[0] ?? defaultPort });
  }

  /** Moves everything to another UDP port: networks go down and come up again. Throws `port-in-use`. */
  async rebind(port: number): Promise<void> {
    if (port !== this.#port) await this.#reopen(port);
  }

  /** Binds UDP anew at its port: links beside it end, networks go down and come up again. */
  async renewSocket(): Promise<void> {
    await this.#reopen(this.#port);
  }

  /** Connects what is connected anew, on another socket if a port is given. */
  async #reopen(port: number | null): Promise<void> {
    const open = this.networks().filter(({ loop }) => loop !== null);
    for (const { stored } of open) await this.#close(stored.network);
    const before = this.#port;
    try {
      if (port !== null) this.bind(port);
    } catch (error) {
      this.bind(before);
      throw error;
    } finally {
      for (const { stored } of open) await this.#open(stored.network);
    }
  }

  /** Calls back after changes of what users see; returns how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The machine woke from sleep. */
  awake(): void {
    this.#moves?.awake();
  }

  /** Ends everything; what is on disk stays as it is. Idempotent. */
  async close(): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    this.#moves?.close();
    this.#rights?.close();
    this.#beacons.close();
    for (const id of this.#held.keys()) await this.#close(id);
    await this.exit.close();
    await this.#surroundings.forwarding.close();
    await this.#door.close();
    await this.diary.close();
    await this.whereabouts.close();
    this.pings.close();
    this.dataPlane.stop();
    await this.#surroundings.journal.undo();
  }

  /** By which nodes reach each other directly, and a router is reached. */
  async #admit(folder: string): Promise<void> {
    if (this.system.admission === null) return;
    await this.#surroundings.journal.apply({ kind: "admission", name: markOf(folder), address: null });
  }

  /** Rights that come while networks are connected without an interface connect them anew, with one. */
  async #rightsChanged(): Promise<void> {
    this.#letMark();
    const { kind } = this.system.rights.state();
    this.#log("rights", { by: kind });
    const lacksInterface = this.networks().some(({ loop }) => loop !== null && loop.interfaceName === null);
    if (kind === "helper" && lacksInterface)
      await this.#reopen(this.#port).catch((error: unknown) =>
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
    this.#rights = this.system.rights.watch(() => void this.#rightsChanged());
    this.#moves = new Moves({
      system: this.system,
      ignores: isOverlay,
      wall: Date.now,
      steady: () => performance.now(),
      heard: (move) => void this.#move(move),
      looked: () => {
        for (const { loop } of this.#held.values()) loop?.routes.refresh();
      },
    });
    this.#timers.push(
      setInterval(() => this.#beat(), 1000),
      setInterval(() => void this.#duties(), dutyMillis),
    );
  }

  #beat(): void {
    this.#moves?.beat();
    const moved = this.traffic.look(this.dataPlane);
    for (const [realm, packets] of moved) {
      const loop = this.#held.get(realm as NetworkId)?.loop;
      loop?.traffic(packets);
    }
    if (moved.size > 0) this.#changed();
    if (this.diary.isDue()) this.#lookAtPeers(Date.now());
  }

  #lookAtPeers(now: number): void {
    for (const [id, { loop }] of this.#held) {
      const views = loop?.machine.met(now) ?? [];
      this.diary.look(id, views, (key) => this.traffic.of(id, key));
      const control = loop?.line.control() ?? null;
      if (control !== null) void this.linksOf(id).report(control, views, now);
    }
  }

  async #duties(): Promise<void> {
    for (const { loop } of this.networks()) {
      if (loop === null) continue;
      try {
        await new Administration(loop, this.#surroundings).duties();
      } catch (error) {
        this.#log("duties", { network: loop.stored.name, error: String(error) });
      }
    }
  }

  /** Paths are proved anew at once; where this node is now is told as soon as it is known. */
  async #move(move: Move): Promise<void> {
    this.#log(move.kind);
    this.carriers.hurry();
    if (move.kind !== "gained") for (const { loop } of this.#held.values()) loop?.wake(move);
    await this.#rebindIfStale();
    await this.#refresh();
  }

  /** An interface that came back is another one to the socket. */
  async #rebindIfStale(): Promise<void> {
    const { bind } = this.settings;
    const binding = bind === null ? null : bindingOf(this.system, bind);
    if (binding === null || binding === this.#binding) return;
    await this.#reopen(this.#port).catch((error: unknown) =>
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
      splitHostPort(text) === null ? joinHostPort(text, this.#port) : text,
    );
    return [...own, ...(this.#router?.addresses() ?? [])];
  }

  /** Whether plain UDP may be used: for packets, and for everything that only serves it. */
  #isPlain(): boolean {
    const { transport } = this.settings;
    return transport === null || transport === "udp";
  }

  /** Where the node is confined to another transport its socket carries links alone, and is silent otherwise. */
  #speakPlain(): void {
    if (this.#port !== 0) this.dataPlane.speakPlain(mainSocket, this.#isPlain() || this.#servesPlain);
  }

  /** Transports that are taken at the UDP port besides plain UDP. */
  #takes(): readonly Transport[] {
    const { transport } = this.settings;
    const wanted = (["kcp", "quic"] as const).filter((each) => transport === null || transport === each);
    return this.#port === 0 ? [] : wanted.filter((each) => this.carriers.listen(each) !== null);
  }

  #settleDoor(): Promise<void> {
    const { bind, transport } = this.settings;
    return this.#door.settle({
      port: this.#port,
      address: bind === null ? undefined : boundAddress(this.system, bind),
      candidates: this.whereabouts.candidates(),
      only: transport,
      hasRouter: this.#router !== null || this.#routerComes,
    });
  }

  #whereaboutsChanged(): void {
    void this.#settleDoor();
    for (const { loop } of this.#held.values()) loop?.refreshCandidates();
    this.#changed();
  }

  #hear(batch: readonly DataPlaneEvent[]): void {
    for (const event of batch) {
      try {
        this.#dispatch(event);
      } catch (error) {
        this.#log("event failed", { kind: event.kind, error: String(error) });
      }
    }
  }

  #dispatch(event: DataPlaneEvent): void {
    switch (event.kind) {
      case "pong":
        this.pings.handle(event);
        return;
      case "mapped":
        this.whereabouts.handle(event);
        this.carriers.handle(event);
        return;
      case "link":
        this.carriers.handle(event);
        return;
      case "measured": {
        for (const realm of new Set(event.paths.map((path) => path.realm))) {
          this.#route(realm, { kind: "measured", paths: event.paths.filter((path) => path.realm === realm) });
        }
        return;
      }
      case "failed":
        this.#log("data plane failed", { realm: event.realm, message: event.message });
        if (event.realm !== null) this.#route(event.realm, event);
        return;
      case "session":
        this.traffic.renew();
        this.#route(event.realm, event);
        return;
      default:
        this.#route(event.realm, event);
    }
  }

  #route(realm: string, event: DataPlaneEvent): void {
    const listener = this.#realms.get(realm);
    if (listener !== undefined) listener(event);
    else this.#held.get(realm as NetworkId)?.loop?.handleEvent(event);
  }

  async #adopt(fresh: StoredNetwork): Promise<NetworkLoop> {
    const id = fresh.network;
    await this.#close(id);
    const last = this.networks().at(-1)?.stored.place ?? this.#held.size;
    const { place = last + 1, start } = this.#held.get(id)?.stored ?? {};
    const stored = { ...fresh, place, ...(start === undefined ? {} : { start }) };
    this.#save(stored);
    this.#held.set(id, { stored, loop: null });
    return this.#open(id);
  }

  async #open(id: NetworkId): Promise<NetworkLoop> {
    const held = this.#held.get(id);
    if (held === undefined) throw new AppError("unknown-network", { name: id });
    if (held.loop !== null) return held.loop;
    held.loop = await NetworkLoop.open(held.stored, this.#surroundings);
    this.#beacons.call();
    this.#changed();
    return held.loop;
  }

  async #close(id: NetworkId): Promise<void> {
    const held = this.#held.get(id);
    const loop = held?.loop;
    if (held === undefined || loop == null) return;
    held.loop = null;
    await loop.close();
    held.stored = loop.stored;
    this.#changed();
  }

  #change(id: NetworkId, change: Partial<StoredNetwork>): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    held.loop?.update(change);
    held.stored = { ...(held.loop?.stored ?? held.stored), ...change };
    this.#save(held.stored);
  }

  #save(stored: StoredNetwork): void {
    const held = this.#held.get(stored.network);
    if (held !== undefined) held.stored = stored;
    writeVersioned(this.#file(stored.network), stored);
  }

  #file(id: NetworkId): string {
    return join(this.#folder, "networks", `${id}.json`);
  }

  #load(): void {
    const folder = join(this.#folder, "networks");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const file of readdirSync(folder).sort()) {
      const id = networkId.safeParse(file.replace(/\.json$/, ""));
      if (!file.endsWith(".json") || !id.success) continue;
      const stored = readVersioned(join(folder, file), storedNetwork);
      if (stored !== null) this.#held.set(id.data, { stored, loop: null });
    }
  }

  #tryBind(port: number): number | null {
    try {
      const { bind } = this.settings;
      // By an address the interface that has it is meant: what leaves by another one would not come back here.
      const device = bind === null ? undefined : requireInterface(this.system, bind);
      this.#binding = bind === null ? null : bindingOf(this.system, bind);
      return this.dataPlane.bind(mainSocket, port, device);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") return null;
      throw error;
    }
  }

  #applyRelayQuota(): void {
    this.dataPlane.setRelayQuota(((this.relayQuotaMbit ?? 0) * 1_000_000) / 8);
  }

  #keepNode(change: Partial<StoredNode>): void {
    this.#node = { ...this.#node, ...change };
    writeVersioned(join(this.#folder, "node.json"), this.#node);
  }

  /** What is sent to other nodes goes its own way, whatever way everything else goes. */
  #wayOut(): WayOutChoice {
    const connect = (target: Target) => this.system.connectMarked(target, socketMark);
    return { ...wayOutOf(this.settings), connect };
  }

  /** Goes to the internet through a member of a network from now on; null: by itself. */
  async chooseExit(wish: { readonly network: NetworkId; readonly choice: ExitChoice } | null): Promise<void> {
    for (const { stored } of this.networks()) {
      const exit = stored.network === wish?.network ? wish.choice : undefined;
      if (JSON.stringify(stored.exit) === JSON.stringify(exit)) continue;
      this.#change(stored.network, { exit });
      this.#held.get(stored.network)?.loop?.routes.refresh();
    }
    await this.exit.settle();
    this.#changed();
  }

  #changed(): void {
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

/** Whether this machine was removed from a network, or the network is gone: it may join anew. */
function isOver({ loop }: Held): boolean {
  const refusal = loop?.line.lastError()?.code;
  return loop?.machine.ownState().kind === "removed" || refusal === "revoked" || refusal === "network-closed";
}

/** One that was never put anywhere comes last. */
function placeOf({ stored }: Held): number {
  return stored.place ?? Number.MAX_SAFE_INTEGER;
}

/** The node's file, or a fresh node named like the machine. */
function readNode(folder: string, system: System): StoredNode {
  const path = join(folder, "node.json");
  const kept = readVersioned(path, storedNode);
  if (kept !== null) return kept;
  const name = nodeName.safeParse(system.hostName());
  const node: StoredNode = {
    version: 1,
    seed: toBase64(randomBytes(32)),
    name: name.success ? name.data : "node",
    port: null,
  };
  writeVersioned(path, node);
  return node;
}

const defaultPort = 7743;
const dutyMillis = 3000;
