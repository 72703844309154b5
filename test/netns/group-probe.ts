/**
 * Calls out to many and hears what others call, inside a namespace. Arguments: own address, port, multicast groups to join. Reads
 * one JSON command a line; what is heard is a JSON line.
 */
import { createSocket } from "node:dgram";
import { createInterface } from "node:readline";

/** A text for an address that stands for many. */
export interface GroupSend {
  readonly to: string;
  readonly text: string;
}

export interface GroupHeard {
  readonly from: string;
  readonly text: string;
}

const [own = "", port = "0", ...groups] = process.argv.slice(2);
const socket = createSocket({ type: own.includes(":") ? "udp6" : "udp4", reuseAddr: true });
socket.on("message", (bytes, { address }) => {
  const heard: GroupHeard = { from: address, text: bytes.toString() };
  process.stdout.write(`${JSON.stringify(heard)}\n`);
});
await new Promise<void>((resolve) => socket.bind(Number(port), () => resolve()));
socket.setBroadcast(true);
socket.setMulticastLoopback(false);
socket.setMulticastTTL(255);
socket.setMulticastInterface(own);
for (const group of groups) socket.addMembership(group, own);
process.stdout.write("ready\n");
for await (const line of createInterface({ input: process.stdin })) {
  const { to, text }: GroupSend = JSON.parse(line);
  await new Promise<void>((resolve) => socket.send(text, Number(port), to, () => resolve()));
}
