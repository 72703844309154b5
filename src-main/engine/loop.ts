/** One network while it is up: feeds its machine with what happens and carries out what it decides. */

import type { DataPlaneEvent } from "../../drivers/dataplane.ts";
import { fromBase64, toUtf8 } from "../../src-shared/bytes.ts";
import { AppError, errorKinds } from "../../src-shared/errors.ts";
import type { SessionKey } from "../../src-shared/ids.ts";
import type { Entry, Signed } from "../../src-shared/trust.ts";
import type { Input } from "../mesh/effect.ts";
import { Network } from "../mesh/network.ts";
import type { Control } from "../transport/control.ts";
import type { Greeting } from "../transport/greeting.ts";
import type { BeaconNetwork } from "./beacons.ts";
import { broadcastOptions } from "./broadcast.ts";
import type { SessionPair } from "./crypto.ts";
import { networkPrologue, sessionPair, sha256Base64, signingKey } from "./crypto.ts";
import { Effects } from "./effects.ts";
import { Epochs } from "./epochs.ts";
import type { SharedState } from "./exchange.ts";
import { everywhere } from "./exit.ts";
import { Gossip } from "./gossip.ts";
import { NetworkInterface, tunMtu } from "./interface.ts";
import { LookUps } from "./look-ups.ts";
import { MemberRequests } from "./member-requests.ts";
import { MoveNotices } from "./move-notices.ts";
import type { Move } from "./moves.ts";
import { NetworkRoutes } from "./network-routes.ts";
import { OwnAddresses } from "./own-addresses.ts";
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
  /** Own addresses in the network. */
  readonly addresses: OwnAddresses;
  readonly #gossip: Gossip;
  readonly #notices: MoveNotices;
  readonly #epochs: Epochs;
  readonly #effects: Effects;
  readonly #answers: MemberRequests;
  #stored: StoredNetwork;
  /** What the data plane was last told of broadcasts. */
  #broadcast = "null";
  /** Tells the router's line, once there is one. */
  #maskChanged: () => void = () => undefined;
  #interface: NetworkInterface | null = null;
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
    const stands = {
      surroundings,
      machine: this.machine,
      stored: () => this.#stored,
      isClosed: () => this.#closed,
      log: (event: string, error: unknown) => this.#log(event, error),
    };
    this.addresses = new OwnAddresses({ ...stands, device });
    this.#epochs = new Epochs({
      realm: this.#realm,
      dataPlane: surroundings.dataPlane,
      cryptography: surroundings.cryptography,
      machine: this.machine,
      sessionKey: this.session.publicKey,
      stored: () => this.#stored,
      keep: (change) => this.update(change),
      masked: () => this.#maskChanged(),
    });
    this.routes = new NetworkRoutes({
      surroundings,
      forwarding: surroundings.forwarding,
      machine: this.machine,
      stored: () => this.#stored,
      device: device?.device.name ?? null,
      sources: () => this.addresses.all(),
      ready: () => this.addresses.settled(),
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
    const punching = new Punching({
      realm: this.#realm,
      dataPlane: surroundings.dataPlane,
      requests: this.#requests,
      facts: () => this.machine.punchFacts(),
      latestPort: () => surroundings.whereabouts.latestPort(),
      linkAddress: () => this.line.linkAddress(),
      links: surroundings.carriers,
      feed: (input) => this.feed(input),
    });
    this.#effects = new Effects({
      ...stands,
      routes: this.routes,
      relays: this.#relays,
      punching,
      line: () => this.line,
      publish: (entries) => this.publish(entries),
      store: () => this.#saveSoon(),
    });
    this.#answers = new MemberRequests({
      realm: this.#realm,
      dataPlane: surroundings.dataPlane,
      requests: this.#requests,
      lookUps: this.#lookUps,
      relays: this.#relays,
      punching,
      isRouter: (key) => this.line.isRouter(key),
      shared: () => this.shared(),
      learn: (entries, from) => this.learn(entries, from),
      moved: (peer) => this.feed({ kind: "moved", peer }),
      log: stands.log,
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
    this.#epochs.apply();
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
      masked: () => this.#epochs.isMasked,
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
      await loop.addresses.settled();
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

  /** Name of the interface; null without TUN. */
  get interfaceName(): string | null {
    return this.#interface?.device.name ?? null;
  }

  /** Changes what is kept on disk. */
  update(change: Partial<StoredNetwork>): void {
    this.#stored = { ...this.#stored, ...change };
    if (change.epochs !== undefined) {
      this.#epochs.apply();
      this.#epochs.applyMask();
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
    this.#epochs.open();
    this.addresses.apply();
    this.routes.learned();
    this.#epochs.applyMask();
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
      keys: () => this.#epochs.beaconKeys,
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
    for (const effect of effects) this.#effects.perform(effect);
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
        this.#answers.answer(event);
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
    await this.addresses.settled();
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
    if (event.kind === "session" && event.initiator && !event.rekey)
      this.#answers.exchange(asKey(event.peer));
    if (event.kind === "session") this.#raiseStampFloor();
    if (event.kind === "session" && !event.rekey) this.#relays.renewed(asKey(event.peer));
    else if (event.kind === "ended") this.#relays.ended(asKey(event.peer));
    else if (event.kind === "proved" || event.kind === "lost") this.#relays.refresh();
  }

  /** Somebody we do not know calls: the router may have told us too little. */
  #askForNews(): void {
    const { digest, entries } = this.shared();
    this.line
      .control()
      ?.synchronise(digest, entries)
      .catch((error: unknown) => this.#log("synchronise", error));
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
    const mayAsk = !this.#epochs.isMasked || this.line.transport() !== null;
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

function asKey(text: string): SessionKey {
  return text as SessionKey;
}

function noCertificate(): never {
  throw new AppError("internal", { detail: "a member without certificate", logs: "the log folder" });
}

const onlineMillis = 10_000;
const longestTimer = 3_600_000;
