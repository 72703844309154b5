/** A laboratory of network namespaces: an internet, NATs with LANs behind them, hosts. Nothing leaves it. */
import type { ChildProcess } from "node:child_process";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Host } from "./host.ts";
import type { Impairment } from "./line.ts";
import { Line } from "./line.ts";
import type { NatKind } from "./nat.ts";
import { firewallRules, natRules } from "./nat.ts";

/** What a NAT is besides its kind. */
export interface NatOptions {
  readonly kind: NatKind;
  /** Turns back what goes from its LAN to its own outer ports. */
  readonly hairpin?: boolean;
  /** False: no UDP passes. */
  readonly udp?: boolean;
  /** The NAT before it (a carrier's), and the number of the host that it is there; without: the internet. */
  readonly behind?: { readonly nat: Nat; readonly number: number };
  /** IPv6 without translation, behind a firewall that lets answers in only. */
  readonly ipv6?: boolean;
}

/** What a host with a public address is besides. */
export interface PublicHostOptions {
  /** One address of each family. */
  readonly ipv6?: boolean;
  /** There is a line before it (`Lab.line`), until which nothing passes. */
  readonly line?: boolean;
}

/** A NAT router: one address on the internet, one LAN behind it, no way in unasked. */
export interface Nat {
  readonly host: Host;
  /** Outer address. */
  readonly outer: string;
  /** First three octets of the LAN: `192.168.1`. */
  readonly lan: string;
  /** First four groups of the LAN's IPv6 addresses: `2001:db8:3:1`; null without. */
  readonly lan6: string | null;
}

export class Lab {
  /** Scratch folder of this run; goes with it. */
  readonly folder: string;
  readonly #prefix: string;
  readonly #reaper: ChildProcess;
  readonly #closed: Promise<void>;
  readonly #hosts = new Map<string, number>();
  /** What lies in the middle of a host's cable, by the host's name. */
  readonly #middles = new Map<string, Host>();
  readonly #looks: (() => void)[] = [];
  #internet: Host | null = null;
  #publicHosts = 0;

  constructor() {
    reapLeftovers();
    this.#prefix = `${marker}-${process.pid}-${startTime(process.pid)}`;
    this.folder = mkdtempSync(join(tmpdir(), `${this.#prefix}-`));
    // It outlives this process by a moment: whatever ends us closes its standard input, and it cleans up.
    this.#reaper = spawn(
      "/bin/sh",
      ["-c", `cat >/dev/null; ${reapScript}`, "reaper", this.#prefix, tmpdir()],
      {
        detached: true,
        stdio: ["pipe", "ignore", "ignore"],
      },
    );
    this.#closed = new Promise((resolve) => this.#reaper.once("exit", () => resolve()));
    this.#reaper.unref();
  }

  /** What every datagram between the sites passes. */
  get internet(): Host {
    this.#internet ??= this.#makeInternet();
    return this.#internet;
  }

  /** A host with one public address, or with `ipv6` one of each family; everything public reaches everything public. */
  publicHost(name: string, { ipv6 = false, line = false }: PublicHostOptions = {}): Host {
    const { outer, gateway, site } = this.#attach(name, "eth0", line);
    const outer6 = ipv6 ? [`${site}::2`] : [];
    const host = this.#host(name, [outer, ...outer6], this.internet);
    host.setUp(`addr add ${outer}/30 dev eth0`, "link set eth0 up", `route add default via ${gateway}`);
    if (ipv6) host.setUp(`addr add ${site}::2/64 dev eth0 nodad`, `route add ::/0 via ${site}::1`);
    untilCarried(host);
    return host;
  }

  /** A NAT router with an empty LAN `192.168.N.0/24`. */
  nat(name: string, kind: NatKind | NatOptions, lanNumber: number): Nat {
    const options = typeof kind === "string" ? { kind } : kind;
    const { outer, gateway, site, length } =
      options.behind === undefined
        ? { ...this.#attach(name, "wan"), length: 30 }
        : { ...this.#attachBehind(name, options.behind), length: 24 };
    const host = this.#host(name, [outer]);
    const lan = `192.168.${lanNumber}`;
    host.setUp(
      `addr add ${outer}/${length} dev wan`,
      "link set wan up",
      `route add default via ${gateway}`,
      "link add lan type bridge",
      `addr add ${lan}.1/24 dev lan`,
      "link set lan up",
    );
    host.runNow("sysctl", "-qw", "net.ipv4.ip_forward=1");
    const { kind: behaviour, hairpin = false, udp = true, ipv6 = false } = options;
    host.nftables(natRules({ kind: behaviour, outer, lan, hairpin, udp }));
    if (!ipv6 || site === null) return { host, outer, lan, lan6: null };
    host.runNow("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1");
    host.setUp(
      `addr add ${site}::2/64 dev wan nodad`,
      `route add ::/0 via ${site}::1`,
      `addr add ${site}:1::1/64 dev lan nodad`,
    );
    this.internet.setUp(`route add ${site}:1::/64 via ${site}::2`);
    host.nftables(firewallRules);
    return { host, outer, lan, lan6: `${site}:1` };
  }

  /** A host on the LAN of a NAT, `192.168.N.number`. */
  lanHost(name: string, nat: Nat, number: number): Host {
    this.#plugIn(name, "eth0", { nat, number });
    const address = `${nat.lan}.${number}`;
    const address6 = nat.lan6 === null ? [] : [`${nat.lan6}::${number}`];
    const host = this.#host(name, [address, ...address6], nat.host, nat.outer);
    host.setUp(`addr add ${address}/24 dev eth0`, "link set eth0 up", `route add default via ${nat.lan}.1`);
    if (nat.lan6 !== null)
      host.setUp(`addr add ${nat.lan6}::${number}/64 dev eth0 nodad`, `route add ::/0 via ${nat.lan6}::1`);
    untilCarried(host);
    return host;
  }

  /** Another cable from a host to a NAT's LAN: the device is there, switched off and without address. */
  wire(host: Host, device: string, nat: Nat): void {
    const port = `${device}-${this.#hosts.get(host.name)}`;
    this.#link(host.name, device, nat.host.name, port);
    nat.host.setUp(`link set ${port} master lan up`);
  }

  /** Two hosts on one cable, `10.255.0.1` and `10.255.0.2`, and nothing else; if asked, with a line before the first. */
  cable(one: string, other: string, { line = false } = {}): readonly [Host, Host] {
    this.#namespace(one);
    this.#namespace(other);
    const link = line ? this.#linkByLine : this.#link;
    link.call(this, one, "eth0", other, "eth0");
    const hosts = [this.#host(one, ["10.255.0.1"]), this.#host(other, ["10.255.0.2"])] as const;
    for (const host of hosts) host.setUp(`addr add ${host.address}/24 dev eth0`, "link set eth0 up");
    hosts.forEach(untilCarried);
    return hosts;
  }

  /** Begins to pass what goes `there` from a host that was made with a line before it, and `back`. */
  async line(host: Host, impairment: Impairment = {}): Promise<Line> {
    const middle = this.#middles.get(host.name);
    if (middle === undefined) throw new Error(`there is no line before ${host.name}`);
    const line = await Line.start(middle);
    await line.set(impairment);
    return line;
  }

  /** Has `look` called once all processes have ended; what it throws is the failure of whoever closes. */
  atTheEnd(look: () => void): void {
    this.#looks.push(look);
  }

  /** Ends all processes in the namespaces, and the namespaces. Idempotent. */
  async close(): Promise<void> {
    this.#reaper.ref();
    this.#reaper.stdin?.end();
    await this.#closed;
    for (const look of this.#looks.splice(0)) look();
  }

  #attach(
    name: string,
    device: string,
    line = false,
  ): { readonly outer: string; readonly gateway: string; readonly site: string } {
    const internet = this.internet;
    const number = this.#publicHosts++;
    const [gateway, outer] = [`203.0.113.${number * 4 + 1}`, `203.0.113.${number * 4 + 2}`];
    const site = `2001:db8:${(number + 1).toString(16)}`;
    this.#namespace(name);
    const link = line ? this.#linkByLine : this.#link;
    link.call(this, name, device, internet.name, `p${number}`);
    internet.setUp(
      `addr add ${gateway}/30 dev p${number}`,
      `addr add ${site}::1/64 dev p${number} nodad`,
      `link set p${number} up`,
    );
    return { outer, gateway, site };
  }

  #attachBehind(name: string, { nat, number }: { readonly nat: Nat; readonly number: number }) {
    this.#plugIn(name, "wan", { nat, number });
    return { outer: `${nat.lan}.${number}`, gateway: `${nat.lan}.1`, site: null };
  }

  /** A new namespace whose device is on the LAN of a NAT. */
  #plugIn(name: string, device: string, at: { readonly nat: Nat; readonly number: number }): void {
    this.#namespace(name);
    const port = `lan${at.number}`;
    this.#link(name, device, at.nat.host.name, port);
    at.nat.host.setUp(`link set ${port} master lan up`);
  }

  #makeInternet(): Host {
    this.#namespace("internet");
    const host = this.#host("internet", []);
    host.runNow("sysctl", "-qw", "net.ipv4.ip_forward=1");
    host.runNow("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1");
    // Private addresses are nobody's here: silence, as on the real one.
    host.setUp(
      ...["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map((range) => `route add blackhole ${range}`),
    );
    return host;
  }

  #namespace(name: string): void {
    if (this.#hosts.has(name)) throw new Error(`two hosts are called ${name}`);
    this.#hosts.set(name, this.#hosts.size);
    const namespace = this.#namespaceOf(name);
    // `ip netns exec` mounts it over the machine's own file, which engines under test would change otherwise.
    mkdirSync(`/etc/netns/${namespace}`, { recursive: true });
    writeFileSync(`/etc/netns/${namespace}/resolv.conf`, "nameserver 127.0.0.1\n");
    execFileSync("ip", ["netns", "add", namespace]);
    execFileSync("ip", ["-n", namespace, "link", "set", "lo", "up"]);
  }

  #link(one: string, device: string, other: string, otherDevice: string): void {
    const ends = ["netns", this.#namespaceOf(one), "type", "veth", "peer", "name", otherDevice];
    execFileSync("ip", ["link", "add", device, ...ends, "netns", this.#namespaceOf(other)]);
  }

  #linkByLine(one: string, device: string, other: string, otherDevice: string): void {
    const name = `${one}-line`;
    this.#namespace(name);
    const middle = this.#host(name, []);
    middle.runNow(
      "sysctl",
      "-qw",
      "net.ipv6.conf.all.disable_ipv6=1",
      "net.ipv6.conf.default.disable_ipv6=1",
    );
    this.#link(one, device, name, "near");
    this.#link(other, otherDevice, name, "far");
    middle.setUp("link set near up", "link set far up");
    // A line carries packets, not the super-packets that the kernel hands from end to end of a cable.
    for (const [end, at] of [
      [one, device],
      [other, otherDevice],
    ] as const)
      execFileSync("ip", ["-n", this.#namespaceOf(end), "link", "set", at, "gso_max_segs", "1"]);
    this.#middles.set(one, middle);
  }

  #namespaceOf(name: string): string {
    return `${this.#prefix}-${name}`;
  }

  #host(
    name: string,
    addresses: readonly string[],
    gateway: Host | null = null,
    outer: string | null = null,
  ): Host {
    return new Host({ name, namespace: this.#namespaceOf(name), addresses, gateway, outer });
  }
}

/** The kernel takes a moment, on a busy machine up to a second, to see that a cable has both its ends. */
function untilCarried(host: Host): void {
  host.runNow("sh", "-c", 'until ip link show eth0 | grep -q "state UP"; do sleep 0.01; done');
}

/** Ends what a run that was killed together with its reaper has left: its mark names a process that is no more. */
function reapLeftovers(): void {
  const namespaces = execFileSync("ip", ["netns", "list"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).split("\n");
  const marks = [...namespaces, ...readdirSync(tmpdir())]
    .map((name) => new RegExp(`^${marker}-(\\d+)-(\\d+)-`).exec(name))
    .filter((match) => match !== null)
    .filter(([, pid, start]) => startTime(Number(pid)) !== start)
    .map(([mark]) => mark.slice(0, -1));
  for (const mark of new Set(marks)) execFileSync("/bin/sh", ["-c", reapScript, "reaper", mark, tmpdir()]);
}

/** Clock ticks from the machine's start to the process's; tells a process from a later one with its number. */
function startTime(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ")[19];
  } catch {
    return undefined;
  }
}

const marker = "mesh-lab";

/** $1: mark, $2: folder of scratch folders. */
const reapScript = `
  for namespace in $(ip netns list | cut -d" " -f1 | grep "^$1-"); do
    ip netns pids "$namespace" | xargs -r kill -KILL 2>/dev/null
    ip netns delete "$namespace"
  done
  rm -rf "$2/$1"-* /etc/netns/"$1"-*
`;
