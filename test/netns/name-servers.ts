/** Servers of the domain name system in the laboratory, and hosts that ask them. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Child, RunOptions } from "./host.ts";
import { Host } from "./host.ts";
import { waitUntil } from "./wait.ts";

/** Starts a real server on a host that knows these names and no others. */
export async function startNameServer(host: Host, names: Readonly<Record<string, string>>): Promise<Child> {
  const records = Object.entries(names).map(([name, address]) => `--address=/${name}/${address}`);
  const options = [
    "--keep-in-foreground",
    "--no-resolv",
    "--no-hosts",
    "--no-daemon",
    "--log-queries",
    "--log-facility=-",
  ];
  const server = host.start("dnsmasq", [...options, "--conf-file=/dev/null", "--user=root", ...records]);
  await server.says(/started/);
  return server;
}

/** From now on the programs of a host ask this server; answers how the file reads now. */
export function giveNameServer(host: Host, server: string): () => string {
  const folder = `/etc/netns/${host.namespace}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/resolv.conf`, `search lan\nnameserver ${server}\noptions timeout:3 attempts:1\n`);
  return () => readFileSync(`${folder}/resolv.conf`, "utf8");
}

/** First IPv4 address that the programs of a host find for a name, by the system's library; null when there is none. */
export async function lookUp(host: Host, name: string): Promise<string | null> {
  const { code, stdout } = await host.run("getent", ["ahostsv4", name]);
  return code === 0 ? (stdout.split(/\s/)[0] ?? null) : null;
}

/** A host with `/run` of its own, in which systemd-resolved runs with a bus, and asks a server. */
export class ResolvedHost extends Host {
  readonly #holder: Child;

  private constructor(host: Host, holder: Child) {
    super(host);
    this.#holder = holder;
  }

  /** Starts bus and resolver on a host. */
  static async start(host: Host, server: string): Promise<ResolvedHost> {
    giveNameServer(host, "127.0.0.53");
    const script = `
      mount -t tmpfs tmpfs /run && mkdir -p /run/dbus /run/systemd/resolve /run/lock
      printf '[Resolve]\\nDNS=%s\\nLLMNR=no\\nMulticastDNS=no\\nDNSSEC=no\\n' "$0" > /run/resolved.conf
      mount --bind /run/resolved.conf /etc/systemd/resolved.conf
      chown -R systemd-resolve: /run/systemd/resolve
      dbus-daemon --system --nofork --nopidfile & exec ${resolvedProgram}`;
    const holder = host.start("unshare", ["--mount", "sh", "-c", script, server]);
    const resolved = new ResolvedHost(host, holder);
    await waitUntil("systemd-resolved answers", async () => {
      if (holder.process.exitCode !== null) throw new Error(holder.stdout + holder.stderr);
      return (await resolved.run("resolvectl", ["dns"])).code === 0;
    });
    return resolved;
  }

  override start(program: string, args: readonly string[], options: RunOptions = {}): Child {
    const mounts = `--mount=/proc/${this.#holder.pid}/ns/mnt`;
    return super.start("nsenter", [mounts, "--", program, ...args], options);
  }
}

/** Where Debian has it. */
export const resolvedProgram = "/lib/systemd/systemd-resolved";
