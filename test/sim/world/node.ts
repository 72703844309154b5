/** One simulated machine: the product's own decisions on a modelled data plane, joined as the engine joins them. */
import type { Effect, Endpoint, Input } from "../../../src-main/mesh/effect.ts";
import type { Membership } from "../../../src-main/mesh/membership.ts";
import { Network } from "../../../src-main/mesh/network.ts";
import type { PeerView } from "../../../src-main/mesh/peer-view.ts";
import type { IdentityKey, SessionKey } from "../../../src-shared/ids.ts";
import type { Transport } from "../../../src-shared/status.ts";
import type { Entry, NatFacts } from "../../../src-shared/trust.ts";
import type { PunchFacts } from "../../../src-shared/wire.ts";
import { entryOf, hashOf, identityOf, sessionOf } from "../../fakes/entries.ts";
import { SimCarriers } from "./carriers.ts";
import type { Host } from "./internet.ts";
import { SimLine } from "./line.ts";
import type { SimLinks } from "./links.ts";
import type { Carrier } from "./plane.ts";
import { Plane } from "./plane.ts";
import type { Client, Router } from "./router.ts";

/** A peer's wish to punch. */
export interface PunchAsked {
  readonly from: SessionKey;
  readonly attempt: number;
  readonly facts: PunchFacts;
}

export interface NodeOptions {
  readonly name: string;
  readonly host: Host;
  readonly router: Router;
  readonly carrier: Carrier;
  /** Asks a node that runs. */
  readonly answerPunch: (key: SessionKey, asked: PunchAsked) => PunchFacts | null;
  readonly random: () => number;
  readonly links: SimLinks;
  /** Whether its plain UDP reaches the router. */
  readonly udp: boolean;
  /** Links that it takes where it is. */
  readonly takes: readonly Transport[];
  /** State that it holds in common with others; absent: its own. */
  readonly membership?: Membership;
}

/** A machine that runs Starmesh. */
export class SimNode {
  readonly name: string;
  readonly host: Host;
  readonly identity: IdentityKey;
  key: SessionKey;
  /** The session key before it left and joined anew. */
  formerKey: SessionKey;
  /** Peers that packets are for, each second. */
  wanted: SessionKey[] = [];
  machine: Network;
  plane: Plane;
  isRunning = false;
  line: SimLine;
  carriers: SimCarriers;
  readonly #options: NodeOptions;
  #armed: number | null = null;
  /** Counts runs, so that what an earlier run had begun ends with it. */
  #run = 0;
  #isAttached = false;
  #isBound = false;
  #stored: readonly Entry[] = [];
  /** How much of the router's log it has seen. */
  #heard = 0;
  /** Its own record, when the router was not there to take it. */
  #unsaid: readonly Entry[] = [];
  #version = 0;
  #measured = 0;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.name = options.name;
    this.host = options.host;
    this.identity = identityOf(options.name);
    this.key = sessionOf(options.name);
    this.formerKey = this.key;
    this.plane = this.#newPlane();
    this.machine = this.#newMachine();
    this.carriers = this.#newCarriers();
    this.line = this.#newLine();
    this.#rest();
  }

  /** Joins the network (again, with another session key, if it left), and runs. */
  join(entries: readonly Entry[]): void {
    const { router } = this.#options;
    const certificate = router.join(this.name, this.identity, this.key);
    this.#stored = [...entries, ...router.log, certificate];
    this.#heard = router.log.length;
    this.start();
  }

  /** Runs with what the disk has. */
  start(): void {
    this.isRunning = true;
    this.#run++;
    this.#isBound = false;
    this.plane = this.#newPlane();
    this.machine = this.#newMachine();
    this.carriers = this.#newCarriers();
    this.line = this.#newLine();
    this.feed({ kind: "entries", entries: this.#stored });
    // Whoever reaches the router by UDP knows its address outside by then.
    this.#later(400, () => {
      if (!this.#isBound) this.#tellCandidates(null);
    });
    this.#later(5 + this.#options.random() * 40, () => this.#attach());
    this.#later(1000 * this.#options.random(), () => this.#beat());
  }

  /** The process ends without a word. */
  stop(): void {
    this.#stored = this.machine.membership.entries();
    this.isRunning = false;
    this.#run++;
    this.plane.stop();
    this.#rest();
    this.#options.router.detach(this.key);
    this.#isAttached = false;
  }

  /** Says that it leaves, and ends. A later `join` uses another session key. */
  leave(): void {
    const { router, carrier } = this.#options;
    const body = {
      network: this.machine.membership.network,
      identity: this.identity,
      sessionKey: this.key,
      reason: "left" as const,
      at: carrier.clock.now,
      until: carrier.clock.now + 365 * 86_400_000,
    };
    router.publish([entryOf("revocation", body, this.identity)]);
    this.stop();
    this.formerKey = this.key;
    this.key = sessionOf(`${this.name} again`);
  }

  /** The machine slept: everything that was in flight is gone. */
  wake(): void {
    this.feed({ kind: "woke" });
  }

  feed(input: Input): void {
    if (!this.isRunning) return;
    const effects = this.machine.handle(input, this.#clock.now);
    for (const effect of effects) this.#perform(effect);
    this.#arm();
  }

  view(peer: SessionKey): PeerView {
    const view = this.machine.peer(peer, this.#clock.now);
    if (view === null) throw new Error(`${this.name} knows no such peer`);
    return view;
  }

  get #lan() {
    return { endpoint: this.host.endpoint, kind: "lan" as const };
  }

  get #clock(): Carrier["clock"] {
    return this.#options.carrier.clock;
  }

  #newPlane(): Plane {
    return new Plane(this.host, this.key, {
      carrier: this.#options.carrier,
      tell: (event) => {
        this.feed(event);
        if (event.kind === "traffic") this.line.hear({ kind: "flow", isLossy: false });
      },
      random: this.#options.random,
    });
  }

  #newMachine(): Network {
    return new Network({
      network: this.#options.router.membership.network,
      self: { identity: this.identity, sessionKey: this.key },
      ownRelay: () => null,
      random: this.#options.random,
      hash: hashOf,
      ...(this.#options.membership === undefined ? {} : { membership: this.#options.membership }),
    });
  }

  /** Runs later, unless the process ends before. */
  #later(millis: number, what: () => void): void {
    const run = this.#run;
    this.#clock.after(millis, () => {
      if (this.#run === run && this.isRunning) what();
    });
  }

  #beat(): void {
    const { router } = this.#options;
    if (this.#isAttached && !router.isUp) this.#detached();
    this.plane.beat(this.wanted);
    this.carriers.beat();
    this.line.beat();
    this.#later(1000, () => this.#beat());
  }

  #detached(): void {
    this.#isAttached = false;
    this.feed({ kind: "rendezvous", online: false });
    this.line.hear({ kind: "left" });
    this.#later(100 + this.#options.random() * 400, () => this.#attach());
  }

  #attach(): void {
    const { router, random } = this.#options;
    if (!router.isUp) {
      this.#later(300 + random() * 400, () => this.#attach());
      return;
    }
    this.#isAttached = true;
    this.feed({ kind: "rendezvous", online: true });
    router.attach(this.#client());
    if (this.#unsaid.length > 0) router.publish(this.#unsaid);
    this.#unsaid = [];
    this.#later(30 + random() * 20, () => {
      const udp = this.#options.udp ? router.endpoint : null;
      const links = router.takes.map((transport) => `${transport}/${router.endpoint}`);
      this.line.hear({ kind: "met", udp, links, worked: null });
    });
  }

  #newCarriers(): SimCarriers {
    const { host, links, random, carrier } = this.#options;
    return new SimCarriers({
      host,
      links,
      random,
      clock: carrier.clock,
      changed: (endpoint, up) => {
        this.line.hear({ kind: "link", endpoint, up });
        this.feed({ kind: "link", endpoint, up });
      },
    });
  }

  #newLine(): SimLine {
    const { router, random, carrier } = this.#options;
    return new SimLine({
      clock: carrier.clock,
      random,
      roundTrip: (endpoint) => this.#askRouter(endpoint),
      want: (links) => this.carriers.want("router", links),
      stands: (endpoint) => this.feed({ kind: "relay", relay: router.key, name: "router", endpoint }),
    });
  }

  #rest(): void {
    this.line.stop();
    this.carriers.stop();
  }

  /** A datagram of the session with the router, and its answer: the router follows to where it came from. */
  #askRouter(endpoint: Endpoint): number | null {
    const { router, carrier } = this.#options;
    if (!router.isUp || !this.#isAttached) return null;
    const arrival = carrier.send(this.host, endpoint);
    if (arrival === null || !router.reaches(arrival.source)) return null;
    router.bind(this.key, arrival.source);
    if (!endpoint.includes("/") && !this.#isBound) {
      this.#isBound = true;
      this.#later(2 * arrival.delayMillis, () => this.#tellCandidates(arrival.source));
    }
    return 2 * arrival.delayMillis;
  }

  /** `seen`: its source outside. */
  #tellCandidates(seen: Endpoint | null): void {
    const outside =
      seen === null || seen === this.host.endpoint ? [] : [{ endpoint: seen, kind: "reflexive" as const }];
    const links = this.#options.takes.map((transport) => ({
      endpoint: `${transport}/${this.host.endpoint}`,
      kind: "declared" as const,
    }));
    this.feed({ kind: "candidates", candidates: [this.#lan, ...outside, ...links], nat: natOf(this.host) });
  }

  #client(): Client {
    const run = this.#run;
    const while_ = (what: () => void) => {
      if (this.#run === run) what();
    };
    return {
      identity: this.identity,
      plane: this.plane,
      heard: this.#heard,
      told: (entries, known) =>
        while_(() => {
          this.#heard = Math.max(this.#heard, known);
          this.feed({ kind: "entries", entries });
        }),
      presence: (complete, members) => while_(() => this.feed({ kind: "presence", complete, members })),
      carried: (peer) => this.#later(20, () => this.feed({ kind: "carried", peer })),
      offered: (peer, channel, handshake) =>
        this.#later(20, () => {
          const at = this.line.way.endpoint;
          if (at === null) return;
          const endpoint = `${at}#${channel}`;
          this.feed({ kind: "relayOffered", peer, relay: this.#options.router.key, endpoint });
          this.plane.receiveMessage1(peer, endpoint, handshake);
        }),
    };
  }

  #arm(): void {
    const deadline = this.machine.deadline();
    if (deadline === null || deadline > this.#clock.now + longest) return;
    if (this.#armed !== null && this.#armed <= deadline) return;
    this.#armed = deadline;
    this.#later(Math.max(0, deadline - this.#clock.now), () => {
      if (this.#armed !== deadline) return;
      this.#armed = null;
      this.feed({ kind: "tick" });
    });
  }

  #perform(effect: Effect): void {
    const { router } = this.#options;
    switch (effect.kind) {
      case "openRelay":
        this.#openRelay(effect.peer);
        break;
      case "carry":
        if (this.#isAttached) this.#later(20, () => router.carry(this.key, effect.peer));
        break;
      case "publishNode": {
        const candidates = [...effect.candidates];
        const relays = [...effect.relays];
        const version = ++this.#version + this.#clock.now;
        const body = {
          network: router.membership.network,
          identity: this.identity,
          version,
          candidates,
          relays,
          nat: effect.nat,
          relay: effect.relay,
        };
        const entry = entryOf("node", body, this.identity);
        this.#later(0, () => this.feed({ kind: "entries", entries: [entry] }));
        if (this.#isAttached) this.#later(20, () => router.publish([entry]));
        else this.#unsaid = [entry];
        break;
      }
      case "askPunch":
        this.#askPunch(effect);
        break;
      case "links":
        this.carriers.want(effect.peer, effect.wanted);
        break;
      case "doubt":
        this.line.hear({ kind: "doubt" });
        break;
      // Nobody passes on in this world who is looked for; a test with namespaces does.
      case "seek":
      case "addressLost":
      case "selfRevoked":
      case "store":
      case "changed":
        break;
      default:
        this.plane.perform(effect);
    }
  }

  #askPunch({ peer, attempt }: Extract<Effect, { kind: "askPunch" }>): void {
    const own = this.#punchFacts();
    this.plane.ask(
      peer,
      (there) => this.#options.answerPunch(there.key, { from: this.key, attempt, facts: own }),
      (other) => {
        if (other !== null) this.feed({ kind: "punchAnswered", peer, attempt, own, other });
      },
    );
  }

  /** A peer asks to punch now: what it gets to know of this node. */
  answerPunch(asked: PunchAsked): PunchFacts {
    const own = this.#punchFacts();
    this.#later(0, () => {
      const { from: peer, attempt, facts: other } = asked;
      this.feed({ kind: "punchAsked", peer, attempt, own, other });
    });
    return own;
  }

  /** As the engine does it, a port is measured by a socket that nobody else uses. */
  #punchFacts(): PunchFacts {
    const facts = this.machine.punchFacts();
    if (facts.nat.mapping !== "sequential") return { ...facts, latest: null, tcp: null };
    const { carrier, router } = this.#options;
    const seen = carrier.outside(this.host, `${router.endpoint}@${measuring + ++this.#measured}`);
    return { ...facts, latest: Number(seen.split(":")[1]), tcp: null };
  }

  #openRelay(peer: SessionKey): void {
    const { router } = this.#options;
    const handshake = this.plane.handshakeMessage(peer);
    if (handshake === null) return;
    this.#later(20, () => {
      const answer = router.open(this.key, peer, handshake);
      const at = this.line.way.endpoint;
      if (answer === null || at === null) return;
      const opened = "refused" in answer ? answer : { endpoint: `${at}#${answer.channel}` };
      this.#later(20, () => this.feed({ kind: "relayOpened", peer, relay: router.key, opened }));
    });
  }
}

/** Where a path leads in one word. */
export function pathKind(view: PeerView): "lan" | "direct" | "relay" | null {
  const { path } = view;
  return path === null
    ? null
    : path.kind === "relay"
      ? "relay"
      : path.reasonCode === "same-lan"
        ? "lan"
        : "direct";
}

/** What STUN would have shown. */
function natOf({ place }: Host): NatFacts {
  const { kind } = place;
  const perDestination = kind?.port === "next" ? "sequential" : "random";
  const mapping = kind === null ? "none" : kind.mapping === "endpoint" ? "independent" : perDestination;
  return { mapping, step: mapping === "sequential" ? 1 : 0, portMapping: null, udp: true };
}

/** Numbers of the sockets that measure begin here. */
const measuring = 50_000;
/** Deadlines farther off (certificates expire in weeks) are none of a simulation's. */
const longest = 3_600_000;
