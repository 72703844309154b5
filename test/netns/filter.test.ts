import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FilterRule } from "../../drivers/dataplane.ts";
import type { Host } from "./host.ts";
import { Lab } from "./lab.ts";
import { meet, RemotePlane } from "./plane.ts";
import { ping } from "./traffic.ts";

// What the data plane lets in, and what senders hear of the rest, between two hosts with real interfaces.
let lab: Lab;
let one: RemotePlane;
let two: RemotePlane;

beforeEach(async () => {
  lab = new Lab();
  const [from, to] = lab.cable("one", "two");
  one = await RemotePlane.start(from, 1, { packets: true });
  two = await RemotePlane.start(to, 2, { packets: true });
  const [endpoint, back] = await meet(one, two, `${to.address}:7743`);
  await one.use(two, endpoint);
  await two.use(one, back);
});

afterEach(() => lab.close());

describe("the packet filter", () => {
  it("[W04 Z25] lets one port in, turns others away at once, and takes answers to what went out", async () => {
    for (const port of [8001, 8002]) await serve(two.host, two.address, port);
    await serve(one.host, one.address, 8003);
    await two.call("setFilter", "net", { rules: [tcp(8001)], otherwise: false });
    expect(await connect(one.host, two.address, 8001)).toMatchObject({ said: "hello from 8001" });
    const refused = await connect(one.host, two.address, 8002);
    expect(refused).toMatchObject({ error: "ECONNREFUSED" });
    expect(refused.millis).toBeLessThan(900);
    const { stdout } = await one.host.run("ping", ["-c", "1", "-W", "5", two.address]);
    expect(stdout).toContain("Packet filtered");
    expect((await ping(two.host, one.address)).received).toBe(3);
    expect(await connect(two.host, one.address, 8003)).toMatchObject({ said: "hello from 8003" });
    const { refused: counts } = await two.call("counters");
    expect(counts["filtered"]).toBeGreaterThanOrEqual(2);
    await two.call("setFilter", "net", null);
    expect(await connect(one.host, two.address, 8002)).toMatchObject({ said: "hello from 8002" });
  });

  it("[W04] ends a connection that new rules refuse, and leaves the others", async () => {
    for (const port of [8001, 8002]) await serve(two.host, two.address, port);
    await two.call("setFilter", "net", { rules: [tcp(8001), tcp(8002)], otherwise: false });
    const [kept, ended] = [talk(one.host, two.address, 8001), talk(one.host, two.address, 8002)];
    for (const talker of [kept, ended]) await talker.says(/hello/);
    await two.call("setFilter", "net", { rules: [tcp(8001)], otherwise: false });
    kept.write("still there?\n");
    await kept.says(/heard still there\?/);
    ended.write("and you?\n");
    await ended.says(/ECONNRESET/);
  });
});

describe("who sends to nobody", () => {
  it("[E24] is told at once: no route to an address, no way to a peer that is out of reach", async () => {
    const nobody = "10.98.0.77";
    const { stdout } = await one.host.run("ping", ["-c", "1", "-W", "5", nobody]);
    expect(stdout).toContain("Destination Net Unreachable");
    const noRoute = await connect(one.host, nobody, 80);
    expect(noRoute).toMatchObject({ error: "ENETUNREACH" });
    expect(noRoute.millis).toBeLessThan(900);
    two.host.runNow("ip", "link", "set", "eth0", "down");
    await one.next("lost");
    await one.call("setUnreachable", "net", [two.key]);
    const down = await connect(one.host, two.address, 80);
    expect(down).toMatchObject({ error: "EHOSTUNREACH" });
    expect(down.millis).toBeLessThan(900);
    two.host.runNow("ip", "link", "set", "eth0", "up");
    // It is in reach again with the first probe that it answers.
    await one.next("proved");
    expect((await ping(one.host, two.address)).received).toBe(3);
  });
});

function tcp(port: number): FilterRule {
  return { from: [`${one.address}/32`], to: [], protocol: "tcp", ports: [[port, port]], allow: true };
}

/** Greets whoever connects and repeats what it hears. */
async function serve(host: Host, address: string, port: number): Promise<void> {
  const program = `require("node:net").createServer((socket) => {
    socket.on("error", () => {}).write("hello from ${port}");
    socket.on("data", (data) => socket.write("heard " + data));
  }).listen(${port}, "${address}", () => console.log("ready"));`;
  await host.start(process.execPath, ["-e", program]).says(/ready/);
}

interface Outcome {
  readonly said?: string;
  readonly error?: string;
  readonly millis: number;
}

/** Connects once, and waits for the first word. */
async function connect(host: Host, address: string, port: number): Promise<Outcome> {
  const program = `const begun = performance.now();
    const done = (outcome) => {
      console.log(JSON.stringify({ ...outcome, millis: performance.now() - begun }));
      process.exit();
    };
    require("node:net").connect(${port}, "${address}")
      .on("data", (data) => done({ said: String(data) }))
      .on("error", ({ code }) => done({ error: code }));`;
  const { stdout } = await host.run(process.execPath, ["-e", program]);
  return JSON.parse(stdout);
}

/** A connection that says what is written to it, and prints what it hears and how it ends. */
function talk(host: Host, address: string, port: number) {
  const program = `const socket = require("node:net").connect(${port}, "${address}");
    process.stdin.pipe(socket);
    socket.on("data", (data) => console.log(String(data))).on("error", ({ code }) => console.log(code));`;
  return host.start(process.execPath, ["-e", program]);
}
