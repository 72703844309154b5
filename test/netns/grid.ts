/** Installs behind NATs of every kind, and how any two of them reach each other: what `npm run nat-grid` prints. */
import { setTimeout as delay } from "node:timers/promises";
import type { PeerStatus } from "../../src-shared/status.ts";
import { Install, inviteIn } from "./install.ts";
import type { Nat } from "./lab.ts";
import { Lab } from "./lab.ts";
import type { NatKind } from "./nat.ts";
import { parsePing } from "./traffic.ts";

/** How an install is connected. The last two only meet their own kind. */
export type SiteKind =
  | "public"
  | NatKind
  | "double-nat"
  | "ipv6-firewall"
  | "udp-blocked"
  | "hairpin"
  | "no-hairpin";

/** An install at its place. */
export interface Site {
  readonly kind: SiteKind;
  readonly install: Install;
  readonly nats: readonly Nat[];
}

/** How a pair came to talk. */
export interface Meeting {
  readonly outcome: "direct" | "relayed" | "none";
  /** From the first packet sent to its answer, or that of the first one answered; null: none came. */
  readonly firstMillis: number | null;
  /** Until both ends send directly; null: they did not. */
  readonly directMillis: number | null;
  /** Where the asking end sends to, and why. */
  readonly remote: string | null;
  readonly reason: string | null;
}

/** A router on the internet, and sites of the kinds asked for, two of each, in one network. */
export class Grid {
  readonly lab = new Lab();
  readonly #sites = new Map<SiteKind, readonly [Site, Site]>();
  #lans = 1;

  /** Starts everything; `said` hears what goes on. */
  async open(kinds: readonly SiteKind[], said: (text: string) => void = () => undefined): Promise<void> {
    const router = new Install(this.lab, this.lab.publicHost("router", { ipv6: true }));
    await router.start(["router"]);
    const link = await router.routerLink();
    said(`starting ${kinds.length * 2} nodes`);
    for (const kind of kinds) {
      this.#sites.set(
        kind,
        kind === "hairpin" || kind === "no-hairpin" ? this.#neighbours(kind) : this.#two(kind),
      );
    }
    const installs = this.sites().map(({ install }) => install);
    const [founder, ...others] = installs;
    if (founder === undefined) throw new Error("a grid needs sites");
    await founder.start();
    const invite = inviteIn(await founder.ok("network", "create", network, "--router", link));
    await inTurns(others, async (install) => {
      await install.start();
      await install.ok("join", invite);
    });
    await inTurns(this.sites(), settled);
    said("all of them are online");
  }

  sites(): readonly Site[] {
    return [...this.#sites.values()].flat();
  }

  /** Two sites that meet: of one kind both that there are, else one of each. */
  pair(one: SiteKind, other: SiteKind): readonly [Site, Site] {
    const [first, second] = [this.#sites.get(one), this.#sites.get(other)];
    if (first === undefined || second === undefined) throw new Error(`no site ${one} or ${other}`);
    return [first[0], second[1]];
  }

  /** Sends packets from one site to the other until both go directly, or for that long. */
  async meet([from, to]: readonly [Site, Site], millis: number): Promise<Meeting> {
    const { address } = await to.install.online(network);
    await from.install.peer(to.install.name, () => true);
    const begun = performance.now();
    const pinging = from.install.host.start("ping", ["-n", "-i", String(pingMillis / 1000), address]);
    let directMillis: number | null = null;
    let [there, back]: readonly (PeerStatus | null)[] = [null, null];
    while (directMillis === null && performance.now() - begun < millis) {
      [there, back] = await Promise.all([peerOf(from, to), peerOf(to, from)]);
      const both = there?.path?.kind === "direct" && back?.path?.kind === "direct";
      if (both) directMillis = Math.round(performance.now() - begun);
      else await delay(20);
    }
    pinging.kill("SIGINT");
    const answers = sequenced((await pinging.ended()).stdout);
    const firstMillis = answers.length === 0 ? null : Math.round(Math.min(...answers));
    return {
      outcome: directMillis !== null ? "direct" : firstMillis === null ? "none" : "relayed",
      firstMillis,
      directMillis,
      remote: there?.path?.remote ?? null,
      reason: there?.path?.reason ?? there?.reason ?? null,
    };
  }

  /** Makes two sites strangers again: no session, no path, and their NATs have forgotten everything. */
  async part(pair: readonly [Site, Site]): Promise<void> {
    for (const { install } of pair) await install.ok("down", network);
    for (const { host } of pair.flatMap(({ nats }) => nats)) {
      const { code } = await host.run("conntrack", ["-F"]);
      if (code !== 0) throw new Error("NATs forget by conntrack, which is missing: apt install conntrack");
      for (const set of ["sent", "sent_to"]) await host.run("nft", ["flush", "set", "ip", "nat", set]);
      await host.run("nft", ["flush", "map", "ip", "nat", "inward"]);
    }
    for (const { install } of pair) await install.ok("up", network);
    for (const site of pair) await settled(site);
  }

  async close(): Promise<void> {
    await this.lab.close();
  }

  #two(kind: Exclude<SiteKind, "hairpin" | "no-hairpin">): readonly [Site, Site] {
    return [this.#site(kind, "a"), this.#site(kind, "b")];
  }

  #site(kind: Exclude<SiteKind, "hairpin" | "no-hairpin">, letter: string): Site {
    const name = `${kind}-${letter}`;
    const { lab } = this;
    if (kind === "public") {
      return { kind, nats: [], install: new Install(lab, lab.publicHost(name, { ipv6: true })) };
    }
    const nats = this.#nats(kind, name);
    const inner = nats.at(-1);
    if (inner === undefined) throw new Error("a site behind no NAT");
    return { kind, nats, install: new Install(lab, lab.lanHost(name, inner, 2)) };
  }

  #nats(kind: Exclude<SiteKind, "public" | "hairpin" | "no-hairpin">, name: string): readonly Nat[] {
    const { lab } = this;
    switch (kind) {
      case "double-nat": {
        const carrier = lab.nat(`c-${name}`, "port-restricted", this.#lans++);
        const behind = { nat: carrier, number: 2 };
        return [carrier, lab.nat(`n-${name}`, { kind: "port-restricted", behind }, this.#lans++)];
      }
      case "ipv6-firewall":
        return [lab.nat(`n-${name}`, { kind: "symmetric-random", ipv6: true }, this.#lans++)];
      case "udp-blocked":
        return [lab.nat(`n-${name}`, { kind: "port-restricted", udp: false }, this.#lans++)];
      default:
        return [lab.nat(`n-${name}`, kind, this.#lans++)];
    }
  }

  /** Two homes behind one carrier's NAT, which turns back what they send to its outer address, or does not. */
  #neighbours(kind: "hairpin" | "no-hairpin"): readonly [Site, Site] {
    const { lab } = this;
    const options = { kind: "port-restricted", hairpin: kind === "hairpin" } as const;
    const carrier = lab.nat(`c-${kind}`, options, this.#lans++);
    const home = (letter: string, number: number): Site => {
      const behind = { nat: carrier, number };
      const nat = lab.nat(`n-${kind}-${letter}`, { kind: "port-restricted", behind }, this.#lans++);
      return {
        kind,
        nats: [carrier, nat],
        install: new Install(lab, lab.lanHost(`${kind}-${letter}`, nat, 2)),
      };
    };
    return [home("a", 2), home("b", 3)];
  }
}

/** Online, and to be reached through the router. */
async function settled({ install }: Site): Promise<void> {
  await install.online(network);
  await install.relayed();
}

async function peerOf(from: Site, to: Site): Promise<PeerStatus | null> {
  const { peers } = await from.install.status();
  return peers.find(({ name }) => name === to.install.name) ?? null;
}

/** For each answer the time since the first packet of all was sent. */
function sequenced(text: string): readonly number[] {
  const numbers = [...text.matchAll(/ icmp_seq=(\d+) /g)].map((match) => Number(match[1]));
  return parsePing(text).millis.map((millis, at) => ((numbers[at] ?? 1) - 1) * pingMillis + millis);
}

/** A few at a time, so that two cores are not asked for twenty things at once. */
async function inTurns<One>(all: readonly One[], work: (one: One) => Promise<unknown>): Promise<void> {
  const left = [...all];
  const worker = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await work(next);
  };
  await Promise.all([worker(), worker(), worker()]);
}

const network = "grid";
const pingMillis = 50;
