/** A host of the laboratory: commands, children and packet filters inside its namespace. */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { execFileSync, spawn } from "node:child_process";
import { waitUntil } from "./wait.ts";

export interface HostOptions {
  readonly name: string;
  readonly namespace: string;
  readonly addresses: readonly string[];
  /** The NAT before it, or for a host with a public address the internet itself. */
  readonly gateway: Host | null;
  /** Address under which a NAT shows it to the internet. */
  readonly outer: string | null;
}

/** How a command ended, and all it said. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What it reads; left out, its standard input stays open for `write`. */
  readonly stdin?: string;
  /** A command that takes longer is ended. */
  readonly timeoutMillis?: number;
}

export class Host {
  readonly name: string;
  readonly namespace: string;
  readonly addresses: readonly string[];
  readonly gateway: Host | null;
  readonly outer: string | null;

  constructor(options: HostOptions) {
    this.name = options.name;
    this.namespace = options.namespace;
    this.addresses = options.addresses;
    this.gateway = options.gateway;
    this.outer = options.outer;
  }

  /** Its first address. */
  get address(): string {
    return this.addresses[0] ?? "";
  }

  /** Starts a child here; the laboratory ends it at the latest. */
  start(program: string, args: readonly string[], options: RunOptions = {}): Child {
    return new Child(["netns", "exec", this.namespace, program, ...args], options);
  }

  /** Runs a command here to its end, whatever its exit status. */
  run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    return this.start(program, args, { stdin: "", ...options }).ended(options.timeoutMillis ?? commandMillis);
  }

  /** Runs a short command of set-up; throws with its words when it fails. */
  runNow(program: string, ...args: readonly string[]): string {
    return execFileSync("ip", ["netns", "exec", this.namespace, program, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** Lines of `ip -batch`, each without the leading `ip`. */
  setUp(...lines: readonly string[]): void {
    execFileSync("ip", ["-n", this.namespace, "-batch", "-"], {
      input: `${lines.join("\n")}\n`,
      stdio: ["pipe", "pipe", "pipe"],
    });
  }

  /** Loads rules of nftables. */
  nftables(rules: string): void {
    execFileSync("ip", ["netns", "exec", this.namespace, "nft", "-f", "-"], {
      input: rules,
      stdio: ["pipe", "pipe", "pipe"],
    });
  }

  /**
   * Drops, without a word to either end, the UDP datagrams between this host and another (with it go all behind the
   * other's NAT). Answers how to let them through again.
   */
  blockUdp(other: Host): () => void {
    return this.#block(other, "meta l4proto udp");
  }

  /** The same of TCP as well. */
  block(other: Host): () => void {
    return this.#block(other, "meta l4proto { tcp, udp }");
  }

  #block(other: Host, what: string): () => void {
    if (this.outer === null && other.outer !== null) return other.#block(this, what);
    if (this.gateway === null || (this.outer !== null && this.gateway === other.gateway)) {
      const undo = [
        this.#refuse(`${neighbour(other)} ${what} drop`),
        other.#refuse(`${neighbour(this)} ${what} drop`),
      ];
      return () => {
        for (const each of undo) each();
      };
    }
    // Between the two, as a firewall does it: neighbours behind the same NAT go on talking.
    const [own, others] = [`{ ${this.addresses.join(", ")} }`, outside(other)];
    return this.gateway.#filter(
      "forward priority filter - 1",
      `ip saddr ${own} ip daddr ${others} ${what} drop
       ip saddr ${others} ip daddr ${own} ${what} drop`,
    );
  }

  /** Drops all UDP datagrams that arrive here from other hosts. */
  refuseUdp(): () => void {
    return this.#refuse(`iifname "eth0" meta l4proto udp drop`);
  }

  #refuse(rules: string): () => void {
    return this.#filter("prerouting priority raw", rules);
  }

  #filter(hook: string, rules: string): () => void {
    const table = `refuse${++refusals}`;
    this.nftables(`table inet ${table} {\nchain refuse { type filter hook ${hook};\n${rules}\n}\n}`);
    return () => this.nftables(`delete table inet ${table}`);
  }
}

/** Matches what a neighbour on the link sends, over IPv6's link-local addresses too. */
function neighbour(host: Host): string {
  const mac = /link\/ether (\S+)/.exec(host.runNow("ip", "link", "show", "eth0"))?.[1];
  return `ether saddr ${mac}`;
}

/** All addresses under which others see a host. */
function outside(host: Host): string {
  return `{ ${[...host.addresses, ...(host.outer === null ? [] : [host.outer])].join(", ")} }`;
}

/** A process inside a namespace. */
export class Child {
  readonly process: ChildProcessWithoutNullStreams;
  readonly #exit: Promise<number>;
  readonly #command: string;
  stdout = "";
  stderr = "";

  constructor(args: readonly string[], options: RunOptions) {
    this.#command = args.slice(3).join(" ");
    const child = spawn("ip", args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    // A child that is gone already needs no input.
    child.stdin.on("error", () => undefined);
    if (options.stdin !== undefined) child.stdin.end(options.stdin);
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.#exit = new Promise((resolve) => {
      child.once("close", (code, signal) => resolve(code ?? (signal === null ? -1 : 128)));
      child.once("error", () => resolve(127));
    });
    this.process = child;
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** Its end; one that takes longer than the time given is killed and that is an error. */
  async ended(millis = commandMillis): Promise<Ended> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.kill("SIGKILL");
    }, millis);
    const code = await this.#exit;
    clearTimeout(timer);
    if (late) throw new Error(`${this.#command}: no end after ${millis} ms\n${this.stdout}${this.stderr}`);
    return { code, stdout: this.stdout, stderr: this.stderr };
  }

  /** Waits until what it said matches; its early end is an error. */
  async says(pattern: RegExp, millis = 60_000): Promise<RegExpExecArray> {
    return waitUntil(
      `${this.#command} says ${pattern}`,
      () => {
        const match = pattern.exec(`${this.stdout}\n${this.stderr}`);
        if (match === null && this.process.exitCode !== null) {
          throw new Error(
            `${this.#command} ended with ${this.process.exitCode}\n${this.stdout}${this.stderr}`,
          );
        }
        return match;
      },
      millis,
    );
  }

  write(text: string): void {
    this.process.stdin.write(text);
  }

  kill(signal: NodeJS.Signals = "SIGTERM"): void {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill(signal);
  }

  /** Asks it to end and waits for it. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Ended> {
    this.kill(signal);
    return this.ended();
  }
}

const commandMillis = 60_000;
let refusals = 0;
