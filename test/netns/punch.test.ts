import { randomInt } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Endpoint } from "../../drivers/dataplane.ts";
import type { NatOptions } from "./lab.ts";
import { Lab } from "./lab.ts";
import { meet, RemotePlane } from "./plane.ts";
import { ping } from "./traffic.ts";

// Data planes behind NATs, and one in the open that relays: what an engine would tell one of the other, the test does.
let lab: Lab;
let relay: RemotePlane;

beforeEach(() => {
  lab = new Lab();
});

afterEach(() => lab.close());

describe("two behind NATs", () => {
  it("[W21] [Z12] [C10] meet by 256 sockets on one side and a thousand ports on the other", async () => {
    const [random, cone] = await behind({ kind: "symmetric-random" }, { kind: "port-restricted" }, joinByUdp);
    const target = await mapped(cone, `${relay.host.address}:7743`);
    const outer = random.host.outer ?? "";
    const begun = performance.now();
    await random.call("punch", "net", cone.key, {
      targets: [target],
      sockets: 256,
      perSecond: 1000,
      seconds: 20,
    });
    // Some tries are needed where none of the thousand is among the 256: one time in sixty.
    const back = await spray(cone, random, outer);
    const { endpoint } = await random.next("heard", (event) => event.endpoint.startsWith(`${target}@`));
    console.log(`met by chance after ${Math.round(performance.now() - begun)} ms`);
    await Promise.all([random.use(cone, endpoint), cone.use(random, back)]);
    const { received } = await ping(random.host, cone.address);
    expect(received).toBe(3);
    const { relayed } = await relay.call("counters");
    await ping(random.host, cone.address, { count: 20, intervalSeconds: 0.02 });
    expect((await relay.call("counters")).relayed.datagrams).toBe(relayed.datagrams);
  });

  it("[W21] [Z12] [E18] without UDP meet over TCP, first through the relay, then directly", async () => {
    const nat: NatOptions = { kind: "port-restricted", udp: false };
    const [one, other] = await behind(nat, nat, joinByTcp);
    expect((await ping(one.host, other.address)).received).toBe(3);
    const server = `tcp/${relay.host.address}:7743`;
    const [own, others] = [`tcp/${await mapped(one, server)}`, `tcp/${await mapped(other, server)}`];
    const begun = performance.now();
    await one.call("connectLink", "main", others, { seconds: 10 });
    await other.call("connectLink", "main", own, { seconds: 10 });
    expect(await one.next("link", (event) => event.remote === others)).toMatchObject({ up: true });
    expect(await other.next("link", (event) => event.remote === own)).toMatchObject({ up: true });
    console.log(`TCP through both NATs after ${Math.round(performance.now() - begun)} ms`);
    await Promise.all([one.use(other, others), other.use(one, own)]);
    const { relayed } = await relay.call("counters");
    expect((await ping(one.host, other.address, { count: 20, intervalSeconds: 0.02 })).received).toBe(20);
    expect((await relay.call("counters")).relayed.datagrams).toBe(relayed.datagrams);
  });
});

/** Two behind NATs of their own, with a session through the relay. */
async function behind(
  nat: NatOptions,
  otherNat: NatOptions,
  join: (plane: RemotePlane) => Promise<Endpoint>,
): Promise<readonly [RemotePlane, RemotePlane]> {
  relay = await RemotePlane.start(lab.publicHost("relay"), 1);
  await relay.call("listenLinks", "main", "tcp", { port: 7743 });
  const home = async (name: string, options: NatOptions, number: number) =>
    RemotePlane.start(lab.lanHost(name, lab.nat(`${name}-nat`, options, number), 10), number, {
      packets: true,
    });
  const [one, other] = [await home("one", nat, 11), await home("other", otherNat, 12)];
  const endpoints = [await join(one), await join(other)];
  const channels = await relay.call("openChannel", "net", one.key, other.key);
  const [near] = await meet(one, other, `${endpoints[0]}#${channels.from}`);
  expect(near).toBe(`${endpoints[0]}#${channels.from}`);
  return [one, other];
}

async function joinByUdp(plane: RemotePlane): Promise<Endpoint> {
  const [near] = await meet(plane, relay, `${relay.host.address}:7743`);
  return near;
}

async function joinByTcp(plane: RemotePlane): Promise<Endpoint> {
  await plane.call("listenLinks", "main", "tcp", { port: 7743 });
  const remote = `tcp/${relay.host.address}:7743`;
  await plane.call("connectLink", "main", remote, { seconds: 10 });
  expect(await plane.next("link")).toMatchObject({ remote, up: true });
  const [near] = await meet(plane, relay, remote);
  return near;
}

/** Where a STUN server sees the plane's socket, or its TCP link to there. */
async function mapped(plane: RemotePlane, server: Endpoint): Promise<string> {
  await plane.call("stun", "main", server);
  const { address } = await plane.next("mapped", (event) => event.server === server);
  if (address === null) throw new Error(`${server} does not answer`);
  return address;
}

/** Probes a thousand ports of a host's, and others until one is hit: which. */
async function spray(from: RemotePlane, to: RemotePlane, address: string): Promise<Endpoint> {
  for (let tries = 0; ; tries++) {
    const ports = new Set<number>();
    while (ports.size < 1024) ports.add(randomInt(1024, 65_536));
    await from.call("punch", "net", to.key, {
      targets: [...ports].map((port) => `${address}:${port}`),
      sockets: 0,
      perSecond: 1000,
      seconds: 5,
    });
    const heard = from.next("heard", (event) => event.endpoint.startsWith(`${address}:`), 4000);
    const hit = await heard.then(({ endpoint }) => endpoint).catch(() => null);
    if (hit !== null) return hit;
    if (tries === 3) throw new Error("four thousand ports, and none of 256 among them");
  }
}
