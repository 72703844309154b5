/** One network while it is up: feeds its machine with what happens and carries out what it decides. */

import type { DataPlaneEvent } from "../../drivers/dataplane.ts";
import { formatAddress, formatPrefix, parseAddress, parsePrefix } from "../../src-shared/address.ts";
import { fromBase64, toBase64, toUtf8 } from "../../src-shared/bytes.ts";
import { AppError, errorKinds } from "../../src-shared/errors.ts";
import type { SessionKey } from "../../src-shared/ids.ts";
import type { Entry, Signed } from "../../src-shared/trust.ts";
import { ulaAddress, ulaPrefix } from "../../src-shared/ula.ts";
import { controlKind } from "../../src-shared/wire.ts";
import { isUsableIn, resolverAddress } from "../mesh/addresses.ts";
import type { Effect, Input } from "../mesh/effect.ts";
import { Network } from "../mesh/network.ts";
import { beaconKey } from "../transport/beacon.ts";
import type { Control } from "../transport/control.ts";
import type { Greeting } from "../transport/greeting.ts";
import type { BeaconNetwork } from "./beacons.ts";
import { broadcastOptions } from "./broadcast.ts";
import type { SessionPair } from "./crypto.ts";
import {
  epochId,
  maskKey,
  networkPrologue,
  sessionPair,
  sha256Base64,
  signEntry,
  signingKey,
} from "./crypto.ts";
import type { SharedState } from "./exchange.ts";
import { answerExchange, exchangeState } from "./exchange.ts";
import { everywhere } from "./exit.ts";
import { Gossip } from "./gossip.ts";
import { NetworkInterface, tunMtu } from "./interface.ts";
import type { EpochKey } from "./issue.ts";
import { openEpoch } from "./issue.ts";
import { LookUps } from "./look-ups.ts";
import { MoveNotices } from "./move-notices.ts";
import type { Move } from "./moves.ts";
import { namedNetwork } from "./network-names.ts";
import { NetworkRoutes } from "./network-routes.ts";
import { keptPins } from "./pins.ts";
import { Punching } from "./punching.ts";
import { relaySetting } from "./relay-setting.ts";
import { NetworkRelays } from "./relays.ts";
import { SessionRequests } from "./requests.ts";
import type { Forward } from "./resolver.ts";
import { RouterLine } from "./router-line.ts";
import type { StoredNetwork } from "./stored.ts";
import type { Surroundings } from "./surroundings.ts";
import { mainSocket } from "./surroundings.ts";
import type { Moved } from "./traffic.ts";

/** A connected network. */
export class NetworkLoop {
  readonly machine: Network;
  readonly line: RouterLine;
  readonly session: SessionPair;
  readonly routes: NetworkRoutes;
  readonly #surroundings: Surroundings;
  readonly #realm: string;
  readonly #requests: SessionRequests;
  readonly #lookUps: LookUps;
  readonly #relays: NetworkRelays;
  readonly #gossip: Gossip;
  readonly #notices: MoveNotices;
  readonly #punching: Punching;
  #stored: StoredNetwork;
  #beaconKeys: readonly Uint8Array[] = [];
  /** What the data plane was last told to keep here. */
  #own: readonly string[] = [];
  /** What the data plane was last told of broadcasts. */
  #broadcast = "null";
  /** What the data plane was last told of the mask. */
  #masked = "";
  /** Tells the router's line, once there is one. */
  #maskChanged: () => void = () => undefined;
  #interface: NetworkInterface | null = null;
  /** Where this network's names are answered for. */
  #resolver: string | null = null;
  #configuring: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;
  #saving: NodeJS.Timeout | null = null;
  #closed = false;
  readonly #waiters: (() => void)[] = [];

  private constructor(stored: StoredNetwork, surroundings: Surroundings, device: NetworkInterface | null) {
    this.#stored = stored;
    this.#surroundings = surroundings;
    this.#realm = stored.network;
    this.#interface = device;
    this.session = sessionPair(surroundings.cryptography, stored.sessionPrivate);
    this.machine = new Network({
      network: stored.network,
      self: { identity: surroundings.identity.key, sessionKey: this.session.publicKey },
      ownRelay: () => surroundings.ownRouter() as SessionKey | null,
      random: Math.random,
      hash: surroundings.notary.hash,
    });
    this.routes = new NetworkRoutes({
      surroundings,
      forwarding: surroundings.forwarding,
      machine: this.machine,
      stored: () => this.#stored,
      device: device?.device.name ?? null,
      sources: () => [...(this.machine.ownCertificate()?.body.addresses ?? []), this.address6 ?? []].flat(),
      ready: () => this.#configuring,
      feed: (input) => this.feed(input),
    });
    this.#requests = new SessionRequests(surroundings.dataPlane, this.#realm);
    this.#lookUps = new LookUps({
      requests: this.#requests,
      call: (peer) => this.feed({ kind: "wanted", peer }),
      serves: () => this.routes.own().some((route) => route.granted && everywhere.includes(route.prefix)),
      servers: () => surroundings.system.dnsServers(),
    });
    this.#notices = new MoveNotices(this.#requests);
    this.#gossip = new Gossip({
      machine: this.machine,
      requests: this.#requests,
      log: (event, error) => this.#log(event, error),
    });
    this.#relays = new NetworkRelays({
      surroundings,
      machine: this.machine,
      sessionKey: this.session.publicKey,
      requests: this.#requests,
      routerEndpoint: (key) => (this.line.isRouter(key) ? this.line.endpoint() : null),
      feed: (input) => this.feed(input),
      learn: (entries) => this.learn(entries),
      log: (event, error) => this.#log(event, error),
    });
    this.#punching = new Punching({
      realm: this.#realm,
      dataPlane: surroundings.dataPlane,
      requests: this.#requests,
      facts: () => this.machine.punchFacts(),
      latestPort: () => surroundings.whereabouts.latestPort(),
      linkAddress: () => this.line.linkAddress(),
      links: surroundings.carriers,
      feed: (input) => this.feed(input),
    });
    surroundings.dataPlane.openRealm({
      realm: this.#realm,
      socket: mainSocket,
      kind: "network",
      privateKey: stored.sessionPrivate,
      prologue: networkPrologue(stored.network),
      stampFloorMillis: stored.stampMillis,
      ...(device === null
        ? {}
        : {
            tun: { fd: device.device.fd, mtu: surroundings.mtu() ?? tunMtu, offload: device.device.offload },
          }),
    });
    this.#applyEpochs();
    this.applyInbound();
    this.learn(stored.entries);
    this.#gossip.forget();
    this.feed({ kind: "pins", pins: keptPins(stored) });
    this.applyEarly();
    this.applyRelaying();
    this.applyTransport();
    this.refreshCandidates();
    this.line = new RouterLine({
      realm: this.#realm,
      surroundings,
      recorded: (pin) => {
        const routers = this.machine.membership.record?.routers ?? [];
        return routers.filter((router) => router.pin === pin).flatMap(({ addresses }) => addresses);
      },
      masked: () => this.#isMasked(),
      target: () => this.#target(),
      listener: {
        online: (control) => {
          surroundings.log("router online", { network: stored.name });
          this.feed({ kind: "rendezvous", online: true });
          const { digest, entries } = this.shared();
          control
            .synchronise(digest, entries)
            .catch((error: unknown) => this.#log("synchronise failed", error));
          this.#nameStunServers();
          this.#surroundings.changed();
          this.#wakeWaiters();
        },
        offline: (error, isNews) => {
          if (isNews) surroundings.log("router offline", { network: stored.name, code: error.code });
          this.feed({ kind: "rendezvous", online: false });
          if (error.code === "revoked") surroundings.dataPlane.dropSessions(this.#realm);
          this.#wakeWaiters();
          this.#surroundings.changed();
        },
        entries: (entries) => this.learn(entries),
        presence: (members, complete) => this.feed({ kind: "presence", members, complete }),
        carried: (from) => this.feed({ kind: "carried", peer: from }),
        relay: (relay, name, endpoint) => {
          this.feed({ kind: "relay", relay, name, endpoint });
          this.applyTransport();
          this.#nameStunServers();
        },
      },
    });
    this.#maskChanged = () => this.line.applyMask();
    this.#nameStunServers();
  }

  /** Opens the interface where that is possible, and the network with or without it. */
  static async open(stored: StoredNetwork, surroundings: Surroundings): Promise<NetworkLoop> {
    const check = surroundings.system.rights.check();
    let device: NetworkInterface | null = null;
    if (check.ok && stored.member) {
      try {
        device = await NetworkInterface.open(
          surroundings.system,
          surroundings.journal,
          surroundings.mtu() ?? tunMtu,
        );
      } catch (error) {
        surroundings.log("interface failed", { error: String(error) });
      }
    }
    try {
      const loop = new NetworkLoop(stored, surroundings, device);
      await loop.#configuring;
      return loop;
    } catch (error) {
      await device?.close();
      throw error;
    }
  }

  get stored(): StoredNetwork {
    return this.#stored;
  }

  /** Has names looked up by a member, through which this machine goes to the internet. */
  lookUpBy(peer: SessionKey): Forward {
    return this.#lookUps.by(peer);
  }

  /** Own IPv6 address in the network; null before there is a certificate. */
  get address6(): string | null {
    const { identity, notary } = this.#surroundings;
    if (this.machine.ownCertificate() === null) return null;
    return ulaAddress(this.#stored.network, identity.key, notary.hash);
  }

  /** Name of the interface; null without TUN. */
  get interfaceName(): string | null {
    return this.#interface?.device.name ?? null;
  }

  /** Changes what is kept on disk. */
  update(change: Partial<StoredNetwork>): void {
    this.#stored = { ...this.#stored, ...change };
    if (change.epochs !== undefined) {
      this.#applyEpochs();
      this.#applyMask();
    }
    if (change.relay !== undefined) this.applyRelaying();
    this.#saveSoon();
  }

  /** Entries from anywhere: those with right signatures go to the machine. */
  learn(entries: readonly Signed[], from: SessionKey | null = null): void {
    const verified: Entry[] = [];
    for (const signed of entries) {
      const entry = this.#surroundings.notary.verify(signed);
      if (entry !== null) verified.push(entry);
    }
    const { membership } = this.machine;
    const news = verified.filter((entry) => !membership.holds(entry));
    if (verified.length > 0) this.feed({ kind: "entries", entries: verified });
    this.#gossip.heard(
      news.filter((entry) => membership.holds(entry)),
      from,
    );
    this.#openEnvelopes();
    this.#reconfigure();
    this.routes.learned();
    this.#applyMask();
    this.applyBroadcast();
  }

  /** Entries made here: learned, and told to the router as soon as it listens. */
  async publish(entries: readonly Signed[]): Promise<void> {
    this.learn(entries);
    await this.line.control()?.publish(entries);
  }

  /** The control socket, once the router has welcomed this node. Throws why not, after 10 s or at a refusal for good. */
  async online(): Promise<Control> {
    const end = Date.now() + onlineMillis;
    for (;;) {
      const control = this.line.control();
      if (control !== null) return control;
      const error = this.line.lastError();
      if (Date.now() > end || this.#closed || (error !== null && !errorKinds[error.code].retry)) {
        throw (
          error ?? new AppError("router-unreachable", { addresses: this.#stored.router.addresses.join(", ") })
        );
      }
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  /** What this node would tell any member. */
  shared(): SharedState {
    const entries = this.machine.membership.entries().filter((entry) => entry.kind !== "epoch");
    const text = entries
      .map((entry) => entry.hash)
      .sort()
      .join("\n");
    return { digest: sha256Base64(toUtf8(text)), entries };
  }

  /** Whether this node relays may have changed: by choice, or with the router role. */
  applyRelaying(): void {
    const { on, cost } = relaySetting(this.#stored, this.#surroundings.ownRouter() !== null);
    this.feed({ kind: "relaying", cost: on ? cost : null });
    this.#relays.refresh();
  }

  /** Which broadcasts pass may have been chosen anew, by an administrator or here. */
  applyBroadcast(): void {
    const options = broadcastOptions(this.machine.record(), this.#stored);
    const text = JSON.stringify(options);
    if (text === this.#broadcast) return;
    this.#broadcast = text;
    this.#surroundings.dataPlane.setBroadcast(this.#realm, options);
  }

  /** Whether ways are kept open may have been chosen anew. */
  applyEarly(): void {
    this.feed({ kind: "early", on: this.#stored.early ?? false });
  }

  /** Whether others may reach this machine may have been chosen anew. */
  applyInbound(): void {
    this.feed({ kind: "inbound", accepts: this.#surroundings.inbound() });
  }

  /** What may carry datagrams may have been chosen anew; or it has shown what works here. */
  applyTransport(): void {
    const { transport, worked } = this.#surroundings;
    this.feed({ kind: "transport", only: transport(), worked: worked.here() });
  }

  /** A link that was wanted stands, or does not any more. */
  linked(endpoint: string, up: boolean): void {
    this.line.linked(endpoint, up);
    this.feed({ kind: "link", endpoint, up });
  }

  /** Own addresses changed, or the port, or what the router sees. */
  refreshCandidates(): void {
    const { whereabouts } = this.#surroundings;
    this.feed({
      kind: "candidates",
      candidates: whereabouts.candidates(),
      nat: whereabouts.nat(),
      opensPorts: whereabouts.opensPorts(),
      takes: whereabouts.takes(),
    });
  }

  /** What this network calls out on the LAN with. */
  beaconNetwork(): BeaconNetwork {
    return {
      self: this.session.publicKey,
      keys: () => this.#beaconKeys,
      heard: (peer, endpoint) => this.feed({ kind: "neighbour", peer, endpoint }),
    };
  }

  /** The machine slept or moved: nothing measured before counts. */
  wake(move: Exclude<Move, { readonly kind: "gained" }>): void {
    this.line.hurry();
    if (move.kind === "moved") this.#notices.begin();
    this.feed({
      kind: "woke",
      slept: move.kind === "woke",
      awayMillis: move.kind === "woke" ? move.awayMillis : 0,
    });
  }

  /** Packets went to or came from these peers. */
  traffic(moved: Moved): void {
    this.feed({ kind: "traffic", ...moved });
    this.line.flows(this.machine.losesRelayed(this.#surroundings.now()));
  }

  /** Gives the machine an input and carries out what follows. */
  feed(input: Input): void {
    if (this.#closed) return;
    const effects = this.machine.handle(input, this.#surroundings.now());
    const nameOf = (key: string) => this.machine.membership.memberOf(asKey(key))?.certificate.name ?? null;
    this.#surroundings.trace.step({ network: this.#stored.name, input, effects, nameOf });
    for (const effect of effects) this.#perform(effect);
    this.#rearm();
  }

  /** An event of the data plane for this realm. */
  handleEvent(event: DataPlaneEvent): void {
    if (this.#closed) return;
    switch (event.kind) {
      case "response":
        this.#requests.handle(event);
        return;
      case "request":
        this.#answer(event);
        return;
      case "measured":
        for (const path of event.paths) if (this.line.isRouter(path.peer)) this.line.measured(path);
        this.feed({
          kind: "measured",
          paths: event.paths
            .filter((path) => !this.line.isRouter(path.peer))
            .map(({ realm: _, peer, ...measure }) => ({ ...measure, peer: asKey(peer) })),
        });
        this.#relays.refresh();
        return;
      case "unknownKey":
        this.#surroundings.log("unknown key", { network: this.#stored.name });
        this.#askForNews();
        return;
      case "failed":
        this.#surroundings.log("network failed", { network: this.#stored.name, message: event.message });
        return;
      case "mapped":
      case "pong":
      case "link":
        return;
      default:
        this.#peerEvent(event);
    }
  }

  /** Takes the network down; what is on disk stays. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#wakeWaiters();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.line.close();
    this.#surroundings.carriers.leave(this.#realm);
    this.#surroundings.whereabouts.outside.setServers(this.#realm, []);
    this.#relays.close();
    this.#gossip.forget();
    this.#requests.close();
    this.#surroundings.dataPlane.closeRealm(this.#realm);
    await this.#configuring;
    await this.routes.close();
    await this.#surroundings.names.close(this.#stored.network);
    await this.#interface?.close();
    if (this.#saving !== null) clearTimeout(this.#saving);
    this.#save();
  }

  #peerEvent(
    event: Extract<
      DataPlaneEvent,
      { readonly kind: "wanted" | "session" | "ended" | "heard" | "proved" | "lost" }
    >,
  ): void {
    if (this.line.isRouter(event.peer)) {
      this.line.handle(event);
      return;
    }
    const { realm: _, ...rest } = event;
    this.feed({ ...rest, peer: asKey(event.peer) } as Input);
    if (event.kind === "proved") this.#notices.reached(asKey(event.peer));
    if (event.kind === "session" && event.initiator && !event.rekey) this.#exchange(asKey(event.peer));
    if (event.kind === "session") this.#raiseStampFloor();
    if (event.kind === "session" && !event.rekey) this.#relays.renewed(asKey(event.peer));
    else if (event.kind === "ended") this.#relays.ended(asKey(event.peer));
    else if (event.kind === "proved" || event.kind === "lost") this.#relays.refresh();
  }

  #perform(effect: Effect): void {
    try {
      this.#performUnsafe(effect);
    } catch (error) {
      this.#log(`effect ${effect.kind}`, error);
    }
  }

  #performUnsafe(effect: Effect): void {
    const { dataPlane } = this.#surroundings;
    switch (effect.kind) {
      case "setPeer": {
        const stock = this.#stored.stock.find((client) => client.sessionKey === effect.peer);
        if (effect.peerKind === "stock" && stock === undefined) return;
        dataPlane.setPeer(this.#realm, {
          publicKey: effect.peer,
          kind: effect.peerKind,
          allowed: effect.allowed,
          ...(effect.sources === undefined ? {} : { sources: effect.sources }),
          keepaliveSeconds: 0,
          ...(effect.forward === undefined ? {} : { forward: effect.forward }),
          ...(stock === undefined ? {} : { presharedKey: stock.presharedKey }),
        });
        return;
      }
      case "removePeer":
        dataPlane.removePeer(this.#realm, effect.peer);
        return;
      case "setFilter":
        dataPlane.setFilter(this.#realm, effect.filter);
        return;
      case "confine":
        dataPlane.confinePeer(this.#realm, effect.peer, effect.only);
        return;
      case "links":
        this.#wantLinks(effect);
        return;
      case "doubt":
        this.line.doubt();
        return;
      case "setPaths":
        dataPlane.setPaths(this.#realm, effect.peer, effect.paths, effect);
        return;
      case "handshake":
        if (effect.endpoints.length > 0)
          dataPlane.handshake(this.#realm, effect.peer, effect.endpoints, effect.force);
        return;
      case "openRelay":
        this.#relays.open(effect);
        return;
      case "seek":
        this.#relays.seek(effect.peer);
        return;
      case "carry":
        this.#carry(effect.peer);
        return;
      case "askPunch":
        this.#punching.ask(effect).catch((error: unknown) => this.#log("ask for a punch", error));
        return;
      case "punch":
        this.#punching.perform(effect);
        return;
      case "connect":
        this.#punching.connect(effect).catch((error: unknown) => this.#log("connect over TCP", error));
        return;
      case "dropSessions":
        if (effect.peer === null) dataPlane.dropSessions(this.#realm);
        else dataPlane.dropSessions(this.#realm, effect.peer);
        return;
      case "publishNode":
        this.#publishNode(effect);
        return;
      case "setRoutes":
        this.routes.want(effect.prefixes);
        return;
      case "setUnreachable":
        dataPlane.setUnreachable(this.#realm, effect.peers);
        return;
      case "addressLost":
        this.#surroundings.log("address lost", { network: this.#stored.name, address: effect.address });
        return;
      case "selfRevoked":
        this.#surroundings.log("removed", { network: this.#stored.name });
        dataPlane.dropSessions(this.#realm);
        this.#surroundings.changed();
        return;
      case "store":
        this.#saveSoon();
        return;
      case "changed":
        this.#surroundings.changed();
    }
  }

  #wantLinks({ peer, wanted }: Extract<Effect, { readonly kind: "links" }>): void {
    const pin = this.machine.membership.memberOf(peer)?.identity ?? null;
    const target = { name: null, pin, path: null };
    this.#surroundings.carriers.want(
      { realm: this.#realm, peer },
      wanted.map((endpoint) => ({ endpoint, target })),
    );
  }

  #carry(peer: SessionKey): void {
    const datagram = toBase64(this.#surroundings.dataPlane.handshakeMessage(this.#realm, peer));
    this.line
      .control()
      ?.request({ call: "carry", to: peer, datagram })
      .catch((error: unknown) => this.#log("carry", error));
  }

  #publishNode(effect: Extract<Effect, { readonly kind: "publishNode" }>): void {
    const body = {
      network: this.#stored.network,
      identity: this.#surroundings.identity.key,
      version: this.#surroundings.now(),
      candidates: effect.candidates,
      relays: effect.relays,
      ...(effect.nat === undefined ? {} : { nat: effect.nat }),
      ...(effect.takes === undefined ? {} : { takes: effect.takes }),
      ...(effect.relay === undefined ? {} : { relay: effect.relay }),
      ...(effect.routes === undefined ? {} : { routes: effect.routes }),
      ...(effect.requests === undefined ? {} : { requests: effect.requests }),
    };
    const signed = signEntry("node", body, this.#surroundings.identity);
    // After this turn: the machine is in the middle of carrying out what it decided.
    setImmediate(() => {
      if (this.#closed) return;
      this.publish([signed]).catch((error: unknown) => this.#log("publish", error));
    });
  }

  #exchange(peer: SessionKey): void {
    exchangeState(this.#requests, peer, () => this.shared()).then(
      (entries) => this.learn(entries, peer),
      (error: unknown) => this.#log("exchange", error),
    );
  }

  #answer(event: Extract<DataPlaneEvent, { readonly kind: "request" }>): void {
    const { dataPlane } = this.#surroundings;
    const respond = (body: string) => dataPlane.respond(this.#realm, event.peer, event.id, body);
    if (event.type === controlKind.state && !this.line.isRouter(event.peer)) {
      const exchanged = answerExchange(event.body, this.shared());
      respond(exchanged?.answer ?? "{}");
      if (exchanged !== null) this.learn(exchanged.entries, asKey(event.peer));
      return;
    }
    if (event.type === controlKind.moved) this.feed({ kind: "moved", peer: asKey(event.peer) });
    if (event.type === controlKind.lookUp && !this.line.isRouter(event.peer)) {
      this.#lookUps.answer(event.body).then(respond, (error: unknown) => this.#log("look-up", error));
      return;
    }
    const isPunch = event.type === controlKind.punch && !this.line.isRouter(event.peer);
    const answer = isPunch ? this.#punching.answer(event) : this.#relays.answer(event);
    (answer ?? Promise.resolve("{}")).then(respond).catch((error: unknown) => this.#log("answer", error));
  }

  /** Somebody we do not know calls: the router may have told us too little. */
  #askForNews(): void {
    const { digest, entries } = this.shared();
    this.line
      .control()
      ?.synchronise(digest, entries)
      .catch((error: unknown) => this.#log("synchronise", error));
  }

  #openEnvelopes(): void {
    const known = new Map(this.#epochs().map((epoch) => [toBase64(epoch.key), epoch]));
    const before = known.size;
    for (const entry of this.machine.membership.entries()) {
      if (entry.kind !== "epoch" || entry.body.to !== this.session.publicKey) continue;
      const epoch = openEpoch(entry.body, this.#stored.sessionPrivate, this.#surroundings.cryptography);
      if (epoch !== null) known.set(toBase64(epoch.key), epoch);
    }
    if (known.size === before) return;
    this.update({
      epochs: [...known.values()]
        .sort(newestFirst)
        .map(({ number, key }) => ({ number, key: toBase64(key) })),
    });
  }

  #applyEpochs(): void {
    const epochs = this.#epochs().sort(newestFirst);
    this.#beaconKeys = epochs.slice(0, beaconEpochs).map(({ key }) => beaconKey(key));
    this.#surroundings.dataPlane.setEpochs(
      this.#realm,
      epochs.map(({ key }) => ({ id: epochId(key), key: toBase64(key) })),
    );
  }

  /** What comes under a mask of the network is taken always; the network record says whether members mask what they send. */
  #applyMask(): void {
    const on = this.#isMasked();
    const newest = this.#epochs().sort(newestFirst).slice(0, maskEpochs);
    const keys = newest.map(({ key }) => ({ id: epochId(key), key: maskKey(key) }));
    const text = JSON.stringify([on, keys]);
    if (text === this.#masked) return;
    this.#masked = text;
    this.#surroundings.dataPlane.setMask(this.#realm, keys, on);
    this.#maskChanged();
  }

  #isMasked(): boolean {
    return this.machine.record()?.mask === true;
  }

  #epochs(): EpochKey[] {
    return this.#stored.epochs.map(({ number, key }) => ({
      number,
      key: fromBase64(key) ?? new Uint8Array(32),
    }));
  }

  /** Address and route follow the own certificate and the network record. */
  #reconfigure(): void {
    const address = this.machine.ownCertificate()?.body.addresses[0];
    const range = this.machine.record()?.ranges[0];
    const { address6 } = this;
    if (address === undefined || address6 === null || range === undefined) return;
    const prefix = parsePrefix(range);
    const parsed = parseAddress(address);
    // The range is another one now, and the certificate for it is still to come.
    if (parsed === null || !isUsableIn(prefix, parsed)) return;
    const server = prefix === null ? null : resolverAddress(prefix);
    const resolver = server === null ? null : formatAddress(server);
    this.#claim([address, address6, ...(resolver === null ? [] : [resolver])]);
    const device = this.#interface;
    if (device === null) return;
    this.#configuring = this.#configuring
      .then(async () => {
        const no6 = await device.configure({
          address,
          range: this.#stored.force || prefix === null ? null : formatPrefix(prefix),
          address6,
          range6: ulaPrefix(this.#stored.network, this.#surroundings.notary.hash),
          resolver,
        });
        this.#answerNames(device.device.name, resolver);
        if (no6 !== null) this.#log("no IPv6 inside", no6);
      })
      .catch((error: unknown) => this.#log("configure", error));
  }

  /** Has the data plane keep here what is for this machine and for what it routes, though a peer is asked for more. */
  #claim(addresses: readonly string[]): void {
    const told = this.machine.membership.member(this.#surroundings.identity.key)?.node?.routes ?? [];
    const routed = told.filter(({ down }) => down !== true).map(({ prefix, as }) => as ?? prefix);
    const own = [...addresses, ...routed].flatMap((text) => parsePrefix(text) ?? []).map(formatPrefix);
    if (own.join() === this.#own.join()) return;
    this.#own = own;
    this.#surroundings.dataPlane.setOwn(this.#realm, own);
  }

  /** The interface has the address where names are answered for. */
  #answerNames(device: string, server: string | null): void {
    if (server === null || server === this.#resolver || this.#closed) return;
    this.#resolver = server;
    const { names, notary } = this.#surroundings;
    void names.open({
      id: this.#stored.network,
      device,
      server,
      version: () => this.machine.membership.entries(),
      network: () => namedNetwork(this.#stored, this.machine, notary.hash),
    });
  }

  #target(): { readonly addresses: readonly string[]; readonly pin: string; readonly greeting: Greeting } {
    const { identity } = this.#surroundings;
    const routers = this.machine.record()?.routers ?? [];
    const stored = this.#stored.router;
    const addresses = new Set([
      ...stored.addresses,
      ...routers.filter((router) => router.pin === stored.pin).flatMap((router) => router.addresses),
    ]);
    const certificate = this.machine.ownCertificate()?.signed;
    const network = this.#stored.network;
    const issuer =
      this.#stored.issuerSeed === null
        ? null
        : signingKey(fromBase64(this.#stored.issuerSeed) ?? new Uint8Array(32));
    const greeting: Greeting =
      certificate === undefined && issuer !== null
        ? { role: "issuer", network, issuer: issuer.key, sign: issuer.sign }
        : { role: "member", network, certificate: certificate ?? noCertificate(), sign: identity.sign };
    return { addresses: [...addresses], pin: stored.pin, greeting };
  }

  /** All routers of the network tell how this node looks from outside; its own would not. */
  #nameStunServers(): void {
    const routers = [this.#stored.router, ...(this.machine.record()?.routers ?? [])];
    const named = this.#stored.hostedHere ? [] : routers.flatMap(({ addresses }) => addresses);
    const servers = [...this.line.stunServers(), ...named];
    // Under a mask questions are masked as the session is, once it stands; before, they would give away who asks.
    const mayAsk = !this.#isMasked() || this.line.transport() !== null;
    this.#surroundings.whereabouts.outside.setServers(this.#realm, mayAsk ? servers : []);
  }

  #raiseStampFloor(): void {
    const floor = this.#surroundings.now() + 60_000;
    if (floor - this.#stored.stampMillis > 30_000) this.update({ stampMillis: floor });
  }

  #rearm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const deadline = this.machine.deadline();
    if (deadline === null || this.#closed) return;
    const wait = Math.min(Math.max(deadline - this.#surroundings.now(), 0), longestTimer);
    this.#timer = setTimeout(() => this.feed({ kind: "tick" }), wait);
  }

  #saveSoon(): void {
    if (this.#saving !== null || this.#closed) return;
    this.#saving = setTimeout(() => {
      this.#saving = null;
      this.#save();
    }, 200);
  }

  #save(): void {
    this.#stored = {
      ...this.#stored,
      entries: this.machine.membership.entries().map((entry) => entry.signed),
    };
    this.#surroundings.save(this.#stored);
  }

  #wakeWaiters(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }

  #log(event: string, error: unknown): void {
    this.#surroundings.log(event, {
      network: this.#stored.name,
      error: error instanceof Error ? error.message : String(error),
    });
  }
}

function newestFirst(one: EpochKey, other: EpochKey): number {
  return other.number - one.number || (toBase64(one.key) < toBase64(other.key) ? -1 : 1);
}

function asKey(text: string): SessionKey {
  return text as SessionKey;
}

function noCertificate(): never {
  throw new AppError("internal", { detail: "a member without certificate", logs: "the log folder" });
}

/** The newest, and the one that others may still have. */
const beaconEpochs = 2;
/** The current one, and two for who slept through the last changes. */
const maskEpochs = 3;
const onlineMillis = 10_000;
const longestTimer = 3_600_000;
