/**
 * An application that speaks UDP, as a call does: small datagrams at a steady pace. `hear ADDRESS PORT` says at the end of
 * its input what came; `send ADDRESS PORT` with how many a second, their bytes and for how many seconds, how many it sent.
 * Both run on one machine, whose clock they share.
 */
import { createSocket } from "node:dgram";

/** What came of a stream of datagrams. */
export interface Heard {
  /** Each counted once. */
  readonly received: number;
  readonly twice: number;
  /** Milliseconds from one end to the other that half of them, and 99 of 100, needed at most. */
  readonly middleMillis: number;
  readonly p99Millis: number;
}

const [mode, address = "", port = "", perSecond = "", bytes = "", seconds = ""] = process.argv.slice(2);
const socket = createSocket("udp4");
if (mode === "hear") hear();
else send();

function hear(): void {
  const delays = new Map<number, number>();
  let twice = 0;
  socket.on("message", (datagram) => {
    const number = datagram.readUInt32BE(0);
    if (delays.has(number)) twice++;
    else delays.set(number, Number(process.hrtime.bigint() - datagram.readBigUInt64BE(4)) / 1e6);
  });
  socket.bind(Number(port), address, () => {
    socket.setRecvBufferSize(4 << 20);
    process.stdout.write("listening\n");
  });
  process.stdin.resume().on("end", () => {
    const sorted = [...delays.values()].toSorted((one, other) => one - other);
    const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
    const heard: Heard = { received: delays.size, twice, middleMillis: at(0.5), p99Millis: at(0.99) };
    process.stdout.write(`${JSON.stringify(heard)}\n`);
    process.exit(0);
  });
}

function send(): void {
  socket.unref();
  const begun = process.hrtime.bigint();
  const total = Number(perSecond) * Number(seconds);
  const datagram = Buffer.alloc(Number(bytes));
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.min(total, (Number(process.hrtime.bigint() - begun) / 1e9) * Number(perSecond));
    for (; sent < due; sent++) {
      datagram.writeUInt32BE(sent, 0);
      datagram.writeBigUInt64BE(process.hrtime.bigint(), 4);
      socket.send(Uint8Array.from(datagram), Number(port), address);
    }
    if (sent < total) return;
    clearInterval(timer);
    process.stdout.write(`sent ${sent}\n`);
  }, 1);
}
