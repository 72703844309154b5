/** Sends and hears UDP datagrams inside a namespace: one JSON command a line in; answers and what is heard, a line each. */
import type { Socket } from "node:dgram";
import { createSocket } from "node:dgram";
import { createInterface } from "node:readline";

/** Sends a text from a local port, which stays open from then on. */
export interface UdpSend {
  readonly from: number;
  readonly to: { readonly address: string; readonly port: number };
  readonly text: string;
}

/** A datagram that came to one of the open ports. */
export interface UdpHeard {
  readonly at: number;
  readonly from: { readonly address: string; readonly port: number };
  readonly text: string;
}

const sockets = new Map<string, Promise<Socket>>();

for await (const line of createInterface({ input: process.stdin })) {
  const { from, to, text }: UdpSend = JSON.parse(line);
  const family = to.address.includes(":") ? "udp6" : "udp4";
  const socket = await open(from, family);
  if (text === "") continue;
  await new Promise<void>((resolve) => socket.send(text, to.port, to.address, () => resolve()));
}

function open(port: number, family: "udp4" | "udp6"): Promise<Socket> {
  const name = `${family} ${port}`;
  const known = sockets.get(name);
  if (known !== undefined) return known;
  const socket = createSocket({ type: family, ipv6Only: family === "udp6" });
  socket.on("message", (bytes, { address, port: source }) => {
    const heard: UdpHeard = { at: port, from: { address, port: source }, text: bytes.toString() };
    process.stdout.write(`${JSON.stringify(heard)}\n`);
  });
  const opened = new Promise<Socket>((resolve) => socket.bind(port, () => resolve(socket)));
  sockets.set(name, opened);
  void opened.then(() => process.stdout.write(`open ${name}\n`));
  return opened;
}
