/** Starmesh at work on this one machine: a router on an internet of namespaces, nodes behind two NATs, live. */
import type { Server } from "node:net";
import { connect, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { socketOf } from "../../src-main/engine/folder.ts";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { ping, throughput } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

const { values } = parseArgs({
  options: {
    /** Ends by itself after that many lines of traffic. */
    seconds: { type: "string", default: "0" },
  },
});
if (process.platform !== "linux" || process.getuid?.() !== 0) {
  process.stderr.write("The demo needs Linux and root, for network namespaces: sudo npm run demo\n");
  process.exit(1);
}

let ending = false;
const lab = new Lab();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => void end(0));
await demonstrate().catch(async (error: unknown) => {
  // What a signal interrupts fails, and that is no news.
  if (ending) return;
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  await end(1);
});

async function demonstrate(): Promise<void> {
  say("A router on “the internet”, alpha behind one NAT, bravo and charlie on one LAN behind another.");
  const [natOne, natTwo] = [
    lab.nat("nat-one", "port-restricted", 1),
    lab.nat("nat-two", "port-restricted", 2),
  ];
  const router = new Install(lab, lab.publicHost("router"));
  const alpha = new Install(lab, lab.lanHost("alpha", natOne, 2));
  const bravo = new Install(lab, lab.lanHost("bravo", natTwo, 2));
  const charlie = new Install(lab, lab.lanHost("charlie", natTwo, 3));
  const nodes = [alpha, bravo, charlie];
  await router.start(["router"]);
  const link = await router.routerLink();
  await Promise.all(nodes.map((node) => node.start()));
  const invite = inviteIn(await alpha.ok("network", "create", "demo", "--router", link));
  const begun = performance.now();
  await Promise.all([bravo, charlie].map((node) => node.ok("join", invite)));
  const addresses = await Promise.all(nodes.map(async (node) => (await node.online("demo")).address));
  say(
    `bravo and charlie joined in ${Math.round(performance.now() - begun)} ms, with this one line:`,
    "",
    invite,
    "",
  );
  say("Panels, to open on this machine (each link logs in once, within 10 minutes):");
  for (const install of [router, ...nodes]) say(`  ${install.name.padEnd(8)} ${await panelLink(install)}`);
  const keys = "Keys: t = throughput, b = block or open UDP between alpha and bravo, q = end";
  say("", process.stdin.isTTY ? keys : "End it with Ctrl-C.", "");

  const pairs = [
    [alpha, bravo, addresses[1] ?? ""],
    [alpha, charlie, addresses[2] ?? ""],
    [bravo, charlie, addresses[2] ?? ""],
  ] as const;
  await waitUntil("all pairs talk", async () => {
    const answers = await Promise.all(pairs.map(([from, , address]) => once(from, address)));
    return answers.every((millis) => millis !== null);
  });
  await showThroughput(pairs[0]);
  listenForKeys({
    t: () => showThroughput(pairs[0]),
    b: toggleUdp(bravo, alpha),
    q: () => end(0),
  });
  for (let second = 1; !ending; second++) {
    const parts = await Promise.all(pairs.map(([from, to, address]) => describePair(from, to, address)));
    say(`${new Date().toTimeString().slice(0, 8)}  ${parts.join("  ·  ")}`);
    if (second === Number(values.seconds)) await end(0);
    await delay(1000);
  }
}

/** `alpha → bravo 0.8 ms direct 203.0.113.6:7743`. */
async function describePair(from: Install, to: Install, address: string): Promise<string> {
  const millis = await once(from, address);
  const path = (await from.status()).peers.find((peer) => peer.name === to.name)?.path ?? null;
  const way =
    path === null
      ? "no path"
      : path.kind === "direct"
        ? `direct ${path.remote}`
        : `via ${path.via.join(", ")}`;
  return `${from.name} → ${to.name} ${millis === null ? "no answer" : `${millis.toFixed(1)} ms`} ${way}`;
}

async function once(from: Install, address: string): Promise<number | null> {
  return (await ping(from.host, address, { count: 1, waitSeconds: 0.5 })).millis[0] ?? null;
}

async function showThroughput([from, to, address]: readonly [Install, Install, string]): Promise<void> {
  const { bitsPerSecond } = await throughput(from.host, { host: to.host, address }, { seconds: 2 });
  say(`one TCP stream, ${from.name} → ${to.name}: ${(bitsPerSecond / 1e9).toFixed(2)} Gbit/s`);
}

function toggleUdp(one: Install, other: Install): () => Promise<void> {
  let open: (() => void) | null = null;
  return async () => {
    say(`UDP between ${one.name} and ${other.name} is ${open === null ? "blocked" : "open"} now`);
    if (open === null) open = one.host.blockUdp(other.host);
    else {
      open();
      open = null;
    }
  };
}

/** The panel through a port of this machine's loopback, which leads to the node's own socket. */
async function panelLink(install: Install): Promise<string> {
  const server = createServer((caller) => {
    const socket = connect(socketOf(install.folder));
    caller.pipe(socket).pipe(caller);
    for (const [one, other] of [
      [caller, socket],
      [socket, caller],
    ] as const)
      one.on("error", () => other.destroy());
  });
  const port = await listen(server);
  const link = new URL(/http:\S+/.exec(await install.ok("panel"))?.[0] ?? "");
  link.port = String(port);
  return link.href;
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

function listenForKeys(keys: Readonly<Record<string, () => Promise<void>>>): void {
  if (!process.stdin.isTTY) return;
  process.stdin.setRawMode(true);
  process.stdin.on("data", (bytes) => {
    // Ctrl-C arrives as a byte here.
    const key = bytes[0] === 3 ? "q" : String.fromCharCode(bytes[0] ?? 0);
    void keys[key]?.().catch((error: unknown) => {
      if (!ending) say(String(error));
    });
  });
}

async function end(code: number): Promise<void> {
  if (ending) return;
  ending = true;
  say("cleaning up");
  await lab.close();
  process.exit(code);
}

function say(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}
