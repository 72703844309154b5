/** An install of Starmesh on a host of the laboratory: its command line, and its engine as a process. */
import { join } from "node:path";
import { socketOf } from "../../src-main/engine/folder.ts";
import { attach } from "../../src-main/server/attach.ts";
import type { Client } from "../../src-shared/api/client.ts";
import type { NetworkStatus, PeerStatus, Status } from "../../src-shared/status.ts";
import { root } from "./bundle.mjs";
import type { Child, Ended, Host, RunOptions } from "./host.ts";
import type { Lab } from "./lab.ts";
import { asUser } from "./ordinary-user.ts";
import { waitUntil } from "./wait.ts";

export interface InstallOptions extends RunOptions {
  /** Number of the user to run as; root without. */
  readonly user?: number;
  /** With the machine's control groups in sight, which a namespace hides. */
  readonly groups?: true;
}

export class Install {
  readonly host: Host;
  /** State folder. */
  readonly folder: string;
  /** Name that the machine tells Starmesh. */
  readonly name: string;
  readonly #lab: Lab;
  #engine: Child | null = null;
  #client: Client | null = null;

  constructor(lab: Lab, host: Host, name = host.name) {
    this.#lab = lab;
    this.host = host;
    this.name = name;
    this.folder = join(lab.folder, `state-${name}`);
  }

  /** Starts the engine in the foreground and waits until its socket answers. */
  async start(
    args: readonly string[] = ["up", "--foreground"],
    options: InstallOptions = {},
  ): Promise<Child> {
    const engine = this.command(args, options);
    this.#engine = engine;
    this.#lab.atTheEnd(() => {
      if (/^Something went wrong inside|^Node\.js v/m.test(engine.stderr))
        throw new Error(`${this.name}: ${engine.stderr}`);
    });
    await waitUntil(`the engine of ${this.name} answers`, async () => {
      if (engine.process.exitCode !== null) {
        throw new Error(`${this.name} ended early\n${engine.stdout}${engine.stderr}`);
      }
      return (await this.#attached()) !== null;
    });
    return engine;
  }

  /** The link that a router prints at its start. */
  async routerLink(): Promise<string> {
    const [link] = await this.engine.says(/starmesh:\/\/router\/\S+/);
    return link;
  }

  /** The engine that `start` started. */
  get engine(): Child {
    if (this.#engine === null) throw new Error(`${this.name} was not started`);
    return this.#engine;
  }

  /** Ends the engine by a signal and waits until it is gone; an engine that something kept alive is an error. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<Ended> {
    this.#client = null;
    const ended = await this.engine.stop(signal);
    if (ended.stderr.includes("Ended with something open")) throw new Error(`${this.name}: ${ended.stderr}`);
    return ended;
  }

  /** A command of `starmesh` that goes on by itself. */
  command(args: readonly string[], options: InstallOptions = {}): Child {
    const cli = [process.execPath, join(root, "out/cli.js"), "--state", this.folder, ...args];
    const command = options.user === undefined ? cli : asUser(options.user, cli);
    // A name of its own for each machine; namespaces of the network alone would all have the same.
    const groups = options.groups ? "mount -t cgroup2 groups /sys/fs/cgroup; " : "";
    const rename = `${groups}hostname "$0" && exec "$@"`;
    const named = ["--uts", "--mount", "sh", "-c", rename, this.name, ...command];
    return this.host.start("unshare", named, options);
  }

  /** Runs a command to its end. */
  async run(...args: readonly string[]): Promise<Ended> {
    return this.command(args, { stdin: "" }).ended();
  }

  /** Runs a command that must succeed; answers what it printed. */
  async ok(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...args);
    if (code !== 0)
      throw new Error(`starmesh ${args.join(" ")} on ${this.name}: exit ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  /** `status --json`. */
  async printedStatus(): Promise<Status> {
    return JSON.parse(await this.ok("status", "--json"));
  }

  /** What `status --json` prints, asked over the same socket without a process for each question. */
  async status(): Promise<Status> {
    const client = await this.#attached();
    if (client === null) throw new Error(`${this.name} does not run\n${this.#engine?.stderr ?? ""}`);
    return client.call("status.read", {});
  }

  /** Waits until this install is online in a network; answers how it stands there. */
  async online(network: string, millis?: number): Promise<NetworkStatus & { readonly address: string }> {
    return waitUntil(
      `${this.name} is online in ${network}`,
      async () => {
        const found = (await this.status()).networks.find((each) => each.name === network);
        return found?.state === "online" && found.address !== null
          ? { ...found, address: found.address }
          : null;
      },
      millis,
    );
  }

  /** Waits until its session with the router stands, so that it can be reached through it. */
  async relayed(): Promise<void> {
    await waitUntil(`${this.name} has a session with the router`, async () => {
      const found = await (await this.#attached())?.call("netcheck.run", {});
      return found?.routers.some(({ udp, linkMs }) => udp || linkMs !== null);
    });
  }

  /** Waits until a peer's state is as asked; says in the failure what it was. */
  async peer(name: string, matches: (peer: PeerStatus) => boolean, millis?: number): Promise<PeerStatus> {
    let last: PeerStatus | undefined;
    return waitUntil(
      `${this.name} sees ${name} as ${matches}`,
      async () => {
        last = (await this.status()).peers.find((each) => each.name === name);
        return last !== undefined && matches(last) ? last : null;
      },
      millis,
    ).catch((error: unknown) => {
      throw new Error(`${error instanceof Error ? error.message : error}\nlast: ${JSON.stringify(last)}`);
    });
  }

  async #attached(): Promise<Client | null> {
    if (this.#client !== null) return this.#client;
    const attached = await attach(socketOf(this.folder)).catch(() => null);
    if (attached === null) return null;
    this.#client = attached.client;
    void attached.closed.then(() => {
      if (this.#client === attached.client) this.#client = null;
    });
    return attached.client;
  }
}

/** The invite that a command printed alone on a line. */
export function inviteIn(text: string): string {
  const found = /^starmesh:\/\/join\/\S+$/m.exec(text)?.[0];
  if (found === undefined) throw new Error(`no invite in:\n${text}`);
  return found;
}
