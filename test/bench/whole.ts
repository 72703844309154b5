/** The whole product: what a node costs when nothing happens, and how long joining takes. */
import { setTimeout as delay } from "node:timers/promises";
import { Install, inviteIn } from "../netns/install.ts";
import { Lab } from "../netns/lab.ts";
import { ping } from "../netns/traffic.ts";
import { waitUntil } from "../netns/wait.ts";
import { median, memory, processSeconds } from "./measure.ts";

export interface Whole {
  readonly peers: number;
  readonly idleMegabytes: number;
  /** Share of one core, 0–1, while the sessions of peers that were used lately are kept. */
  readonly idleShare: number;
  /** The same once they are not kept any more. */
  readonly restShare: number;
  readonly joinMillis: number;
}

/** Brings up a router, a node and its peers with sessions, then watches the node do nothing. */
export async function measureWhole(peers: number): Promise<Whole> {
  const lab = new Lab();
  try {
    const router = new Install(lab, lab.publicHost("router"));
    await router.start(["router", "--panel", "off"]);
    await router.ok("network", "create", "bench", "--no-join");
    const invite = inviteIn(await router.ok("invite", "bench", "--count", `${peers + 1}`));
    const node = new Install(lab, lab.publicHost("node"));
    const engine = await node.start(["up", "--foreground", "--panel", "off"]);
    await node.ok("join", invite);
    const { address } = await node.online("bench");
    const joins: number[] = [];
    for (let number = 1; number <= peers; number++) {
      const peer = new Install(lab, lab.publicHost(`peer${number}`));
      await peer.start(["up", "--foreground", "--panel", "off"]);
      const begun = performance.now();
      await peer.ok("join", invite);
      await waitUntil(`${peer.name} reaches the node`, async () => {
        return (await ping(peer.host, address, { count: 1, waitSeconds: 0.3 })).received === 1;
      });
      joins.push(performance.now() - begun);
      if (number % 10 === 0) process.stderr.write(`${number} of ${peers} peers\n`);
    }
    await waitUntil("all peers are connected", async () => {
      const { peers: seen } = await node.status();
      return seen.filter((peer) => peer.state !== "connecting").length === peers;
    });
    const share = async () => {
      const before = processSeconds(engine.pid);
      await delay(watchMillis);
      return (processSeconds(engine.pid) - before) / (watchMillis / 1000);
    };
    await delay(settleMillis);
    const idleShare = await share();
    const idleMegabytes = memory([engine.pid], "VmRSS") ?? Number.NaN;
    await delay(restMillis - settleMillis - watchMillis);
    return {
      peers,
      idleMegabytes,
      idleShare,
      restShare: await share(),
      joinMillis: median(joins) ?? Number.NaN,
    };
  } finally {
    await lab.close();
  }
}

/** Until what the joins began has ended, and the last ping has been forgotten as traffic. */
const settleMillis = 45_000;
/** Nothing is kept for a peer whose last packet is five minutes old. */
const restMillis = 330_000;
const watchMillis = 60_000;
