/** A stock WireGuard client: the Go implementation, told by its socket what a profile says. */
import { connect } from "node:net";
import type { Child, Host } from "./host.ts";
import { have, wireguardGo } from "./tools.ts";
import { waitUntil } from "./wait.ts";

/** Values of a WireGuard configuration file, by section. */
export interface Profile {
  readonly interface: Readonly<Record<string, string>>;
  readonly peers: readonly Readonly<Record<string, string>>[];
}

/** Reads a configuration file as `wg-quick` does: `Key = value` under `[Interface]` and `[Peer]`. */
export function parseProfile(text: string): Profile {
  const sections: { readonly name: string; readonly values: Record<string, string> }[] = [];
  for (const line of text.split("\n").map((each) => each.replace(/#.*/, "").trim())) {
    const heading = /^\[(\w+)\]$/.exec(line)?.[1];
    const [key = "", ...value] = line.split("=");
    if (heading !== undefined) sections.push({ name: heading, values: {} });
    else if (line !== "")
      Object.assign(sections.at(-1)?.values ?? {}, { [key.trim()]: value.join("=").trim() });
  }
  const named = (name: string) => sections.filter((each) => each.name === name).map((each) => each.values);
  return { interface: named("Interface")[0] ?? {}, peers: named("Peer") };
}

/** Starts a client on a host with a profile, its interface up, its address and routes set. */
export async function startClient(host: Host, profile: Profile, device = "wg0"): Promise<Child> {
  // Its socket lies in a folder of its own, which goes with it: the real one is the whole machine's.
  const program = [
    "-c",
    'mount -t tmpfs none /run && exec "$@"',
    "sh",
    await have(wireguardGo),
    "-f",
    device,
  ];
  const client = host.start("sh", program, { env: { LOG_LEVEL: "error" } });
  const socket = `/proc/${client.pid}/root/run/wireguard/${device}.sock`;
  const answer = await waitUntil("the client's socket", () => configure(socket, profile).catch(() => null));
  if (!answer.includes("errno=0")) throw new Error(`wireguard refused the profile: ${answer}`);
  host.setUp(
    ...list(profile.interface["Address"]).map((address) => `addr add ${address} dev ${device}`),
    `link set ${device} up mtu ${profile.interface["MTU"] ?? "1420"}`,
    ...profile.peers.flatMap((peer) =>
      list(peer["AllowedIPs"]).map((prefix) => `route replace ${prefix} dev ${device}`),
    ),
  );
  return client;
}

/** `set=1` of the cross-platform userspace interface (wireguard.com/xplatform). */
function configure(path: string, profile: Profile): Promise<string> {
  const lines = ["set=1", `private_key=${hex(profile.interface["PrivateKey"])}`];
  const port = profile.interface["ListenPort"];
  if (port !== undefined) lines.push(`listen_port=${port}`);
  for (const peer of profile.peers) {
    lines.push(`public_key=${hex(peer["PublicKey"])}`);
    if (peer["PresharedKey"] !== undefined) lines.push(`preshared_key=${hex(peer["PresharedKey"])}`);
    if (peer["Endpoint"] !== undefined) lines.push(`endpoint=${peer["Endpoint"]}`);
    if (peer["PersistentKeepalive"] !== undefined) {
      lines.push(`persistent_keepalive_interval=${peer["PersistentKeepalive"]}`);
    }
    lines.push(...list(peer["AllowedIPs"]).map((prefix) => `allowed_ip=${prefix}`));
  }
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let answer = "";
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => {
      answer += text;
      if (answer.endsWith("\n\n")) socket.end();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
    socket.write(`${lines.join("\n")}\n\n`);
  });
}

function list(value: string | undefined): readonly string[] {
  return (value ?? "")
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

function hex(key: string | undefined): string {
  return Buffer.from(key ?? "", "base64").toString("hex");
}
