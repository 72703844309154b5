/**
 * A connection as a person at a remote shell has one: a line every 20 ms, each echoed. `serve ADDRESS PORT` echoes;
 * `type ADDRESS PORT` types until its standard input ends, then prints `{sent, echoed, gaps}`: how long no echo came,
 * the longest silences in milliseconds.
 */
import { connect, createServer } from "node:net";

const [mode, address = "", port = "0"] = process.argv.slice(2);
if (mode === "serve") serve();
else type();

function serve(): void {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  server.listen(Number(port), address, () => process.stdout.write("listening\n"));
}

function type(): void {
  const socket = connect({ host: address, port: Number(port), noDelay: true });
  const gaps: number[] = [];
  let [sent, echoed, last] = [0, 0, performance.now()];
  let timer: NodeJS.Timeout | undefined;
  socket.once("connect", () => {
    last = performance.now();
    timer = setInterval(() => {
      sent++;
      socket.write(`${String(sent).padStart(7)}\n`);
    }, everyMillis);
    process.stdout.write("typing\n");
  });
  socket.on("data", (data) => {
    const now = performance.now();
    gaps.push(now - last);
    last = now;
    echoed += data.length / lineLength;
  });
  const end = (error: string | null) => {
    clearInterval(timer);
    gaps.push(performance.now() - last);
    const longest = gaps
      .sort((one, other) => other - one)
      .slice(0, 3)
      .map(Math.round);
    process.stdout.write(`${JSON.stringify({ sent, echoed: Math.floor(echoed), gaps: longest, error })}\n`);
    process.exit(0);
  };
  socket.on("error", (error) => end(error.message));
  process.stdin.resume().once("end", () => end(null));
}

const everyMillis = 20;
const lineLength = 8;
