/** A laboratory of network namespaces: an internet, NATs with LANs behind them, hosts. Nothing leaves it. */
import type { ChildProcess } from "node:child_process";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Host } from "./host.ts";

/** How a NAT chooses the outer port: kept and the same for all destinations, or a random one for each. */
export type NatKind = "cone" | "symmetric";

/** A NAT router: one address on the internet, one LAN behind it, no way in unasked. */
export interface Nat {
  readonly host: Host;
  /** Outer address. */
  readonly outer: string;
  /** First three octets of the LAN: `192.168.1`. */
  readonly lan: string;
}

export class Lab {
  /** Scratch folder of this run; goes with it. */
  readonly folder: string;
  readonly #prefix: string;
  readonly #reaper: ChildProcess;
  readonly #closed: Promise<void>;
  readonly #hosts = new Map<string, number>();
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

  /** A host with one public address; everything public reaches everything public. */
  publicHost(name: string): Host {
    const { outer, gateway } = this.#attach(name, "eth0");
    const host = this.#host(name, [outer], this.internet);
    host.setUp(`addr add ${outer}/30 dev eth0`, "link set eth0 up", `route add default via ${gateway}`);
    untilCarried(host);
    return host;
  }

  /** A NAT router on the internet, with an empty LAN `192.168.N.0/24`. */
  nat(name: string, kind: NatKind, lanNumber: number): Nat {
    const { outer, gateway } = this.#attach(name, "wan");
    const host = this.#host(name, [outer]);
    const lan = `192.168.${lanNumber}`;
    host.setUp(
      `addr add ${outer}/30 dev wan`,
      "link set wan up",
      `route add default via ${gateway}`,
      "link add lan type bridge",
      `addr add ${lan}.1/24 dev lan`,
      "link set lan up",
    );
    host.runNow("sysctl", "-qw", "net.ipv4.ip_forward=1");
    // Without the dropped input an unasked packet would be answered, and that answer would take the outer port.
    host.nftables(`
      table ip nat {
        chain leave {
          type nat hook postrouting priority srcnat;
          oifname "wan" masquerade ${kind === "symmetric" ? "fully-random" : ""};
        }
      }
      table ip guard {
        chain enter {
          type filter hook input priority filter; policy drop;
          iifname { "lo", "lan" } accept;
          ct state established,related accept;
        }
        chain pass {
          type filter hook forward priority filter; policy drop;
          iifname "lan" accept;
          ct state established,related accept;
        }
      }`);
    return { host, outer, lan };
  }

  /** A host on the LAN of a NAT, `192.168.N.number`. */
  lanHost(name: string, nat: Nat, number: number): Host {
    this.#namespace(name);
    const port = `lan${number}`;
    this.#link(name, "eth0", nat.host.name, port);
    nat.host.setUp(`link set ${port} master lan up`);
    const address = `${nat.lan}.${number}`;
    const host = this.#host(name, [address], nat.host, nat.outer);
    host.setUp(`addr add ${address}/24 dev eth0`, "link set eth0 up", `route add default via ${nat.lan}.1`);
    untilCarried(host);
    return host;
  }

  /** Two hosts on one cable, `10.255.0.1` and `10.255.0.2`, and nothing else. */
  cable(one: string, other: string): readonly [Host, Host] {
    this.#namespace(one);
    this.#namespace(other);
    this.#link(one, "eth0", other, "eth0");
    const hosts = [this.#host(one, ["10.255.0.1"]), this.#host(other, ["10.255.0.2"])] as const;
    for (const host of hosts) host.setUp(`addr add ${host.address}/24 dev eth0`, "link set eth0 up");
    hosts.forEach(untilCarried);
    return hosts;
  }

  /** Ends all processes in the namespaces, and the namespaces. Idempotent. */
  async close(): Promise<void> {
    this.#reaper.ref();
    this.#reaper.stdin?.end();
    await this.#closed;
  }

  #attach(name: string, device: string): { readonly outer: string; readonly gateway: string } {
    const internet = this.internet;
    const number = this.#publicHosts++;
    const [gateway, outer] = [`203.0.113.${number * 4 + 1}`, `203.0.113.${number * 4 + 2}`];
    this.#namespace(name);
    this.#link(name, device, internet.name, `p${number}`);
    internet.setUp(`addr add ${gateway}/30 dev p${number}`, `link set p${number} up`);
    return { outer, gateway };
  }

  #makeInternet(): Host {
    this.#namespace("internet");
    const host = this.#host("internet", []);
    host.runNow("sysctl", "-qw", "net.ipv4.ip_forward=1");
    // Private addresses are nobody's here: silence, as on the real one.
    host.setUp(
      ...["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map((range) => `route add blackhole ${range}`),
    );
    return host;
  }

  #namespace(name: string): void {
    if (this.#hosts.has(name)) throw new Error(`two hosts are called ${name}`);
    this.#hosts.set(name, this.#hosts.size);
    execFileSync("ip", ["netns", "add", this.#namespaceOf(name)]);
    execFileSync("ip", ["-n", this.#namespaceOf(name), "link", "set", "lo", "up"]);
  }

  #link(one: string, device: string, other: string, otherDevice: string): void {
    const ends = ["netns", this.#namespaceOf(one), "type", "veth", "peer", "name", otherDevice];
    execFileSync("ip", ["link", "add", device, ...ends, "netns", this.#namespaceOf(other)]);
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
  rm -rf "$2/$1"-*
`;
