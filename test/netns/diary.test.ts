import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { socketOf } from "../../src-main/engine/folder.ts";
import { attach } from "../../src-main/server/attach.ts";
import { diary } from "../../src-shared/diary.ts";
import type { NetworkGraph } from "../../src-shared/graph.ts";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { ping } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

let lab: Lab;
let alpha: Install;
let bravo: Install;
let charlie: Install;

beforeAll(async () => {
  lab = new Lab();
  const router = new Install(lab, lab.publicHost("router"));
  [alpha, bravo, charlie] = [
    new Install(lab, lab.publicHost("alpha")),
    new Install(lab, lab.publicHost("bravo")),
    new Install(lab, lab.publicHost("charlie")),
  ];
  await router.start(["router"]);
  const link = await router.routerLink();
  await Promise.all([alpha, bravo, charlie].map((node) => node.start()));
  const invite = inviteIn(await alpha.ok("network", "create", "home", "--router", link));
  await Promise.all([bravo.ok("join", invite), charlie.ok("join", invite)]);
});

afterAll(() => lab.close());

describe("what a node remembers and tells", () => {
  it("[Z23] a third member sees who is linked to whom, though it talks with neither", async () => {
    const { address } = await bravo.online("home");
    await charlie.online("home");
    expect((await ping(alpha.host, address, { count: 5, waitSeconds: 5 })).received).toBeGreaterThan(0);
    await alpha.peer("bravo", ({ path }) => path?.kind === "direct");
    const seen = await waitUntil(
      "charlie sees the link between alpha and bravo",
      async () => {
        const graph = await graphOf(charlie);
        const link = linkBetween(graph, "alpha", "bravo");
        return graph.complete && link?.kind === "direct" ? { graph, link } : null;
      },
      60_000,
    );
    // In whole milliseconds, so 0 on a cable.
    expect(seen.link.latencyMs).toBeGreaterThanOrEqual(0);
    expect(seen.graph.nodes.map(({ name }) => name).sort()).toEqual(["alpha", "bravo", "charlie"]);
    expect(linkBetween(seen.graph, "charlie", "alpha")).toBeUndefined();
  });

  it("the diary says how fast a peer was and why its path is what it is, also after a new start", async () => {
    const read = async () => diary.parse(JSON.parse(await alpha.ok("diary", "bravo", "--json")));
    const fresh = await waitUntil("the path is noted", async () => {
      const found = await read();
      return found.events.some(({ text }) => text.startsWith("direct: bravo ")) ? found : null;
    });
    expect(fresh.events.some(({ text }) => text === "session with bravo")).toBe(true);
    await alpha.end();
    await alpha.start();
    await alpha.online("home");
    const kept = await read();
    expect(kept.events.slice(0, fresh.events.length)).toEqual(fresh.events);
    const [point] = kept.points;
    expect(point).toMatchObject({ path: expect.stringMatching(/^direct /) });
    expect(point?.latencyMs).toBeGreaterThan(0);
    expect(kept.points.reduce((sum, { txBytes }) => sum + txBytes, 0)).toBeGreaterThan(84);
    expect(await alpha.ok("diary", "bravo")).toMatch(
      /^Latency {2}.*[▁-█]\n[\s\S]*\nTIME +WHAT\n[\s\S]*direct: bravo /,
    );
  });
});

async function graphOf(install: Install): Promise<NetworkGraph> {
  const attached = await attach(socketOf(install.folder));
  if (attached === null) throw new Error(`${install.name} does not run`);
  try {
    return await attached.client.call("networks.graph", { network: "home" });
  } finally {
    attached.client.close();
  }
}

function linkBetween({ nodes, links }: NetworkGraph, one: string, other: string) {
  const nameOf = (key: string) => nodes.find((node) => node.key === key)?.name ?? "";
  const wanted = [one, other].sort().join();
  return links.find(({ a, b }) => [nameOf(a), nameOf(b)].sort().join() === wanted);
}
