import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Install, inviteIn } from "./install.ts";
import type { Nat } from "./lab.ts";
import { Lab } from "./lab.ts";
import { ping } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

// The node has two cables to two NATs, and its default route leads over the first; its peer has a public address.
let lab: Lab;
let router: Install;
let node: Install;
let peer: Install;
let nats: readonly [Nat, Nat];
let address: string;

beforeAll(async () => {
  lab = new Lab();
  nats = [lab.nat("nat-one", "port-restricted", 1), lab.nat("nat-two", "port-restricted", 2)];
  router = new Install(lab, lab.publicHost("router"));
  node = new Install(lab, lab.lanHost("node", nats[0], 2));
  peer = new Install(lab, lab.publicHost("peer"));
  lab.wire(node.host, "eth1", nats[1]);
  node.host.setUp(
    "link set eth1 up",
    "addr add 192.168.2.9/24 dev eth1",
    "route add default via 192.168.2.1 dev eth1 metric 500",
  );
  await router.start(["router"]);
  const link = await router.routerLink();
  await Promise.all([node.start(), peer.start()]);
  await node.ok("join", inviteIn(await peer.ok("network", "create", "home", "--router", link)));
  address = (await node.online("home")).address;
  await peer.online("home");
});

afterAll(() => lab.close());

/** The peer reaches the node, whose datagrams come from this NAT. */
async function seenBehind(nat: Nat): Promise<string> {
  await waitUntil("a ping", async () => (await ping(peer.host, address, { count: 1 })).received > 0);
  const { path } = await peer.peer(
    "node",
    (each) => each.path?.kind === "direct" && each.path.remote.startsWith(`${nat.outer}:`),
    30_000,
  );
  return path?.remote ?? "";
}

describe("what the user sets", () => {
  it("[E17] has the node use the interface that is named, and another one when that is", async () => {
    await seenBehind(nats[0]);
    await node.ok("set", "--bind", "eth1");
    await seenBehind(nats[1]);
    const shown = JSON.parse(await node.ok("set", "--json"));
    expect(shown.interfaces).toContainEqual({
      name: "eth1",
      addresses: expect.arrayContaining(["192.168.2.9"]),
    });
    await node.ok("up", "--bind", "192.168.1.2");
    await seenBehind(nats[0]);
    const missing = await node.run("set", "--bind", "eth7");
    expect(missing.code).toBe(1);
    expect(missing.stderr).toMatch(/no interface or address “eth7”.*eth0 \(192\.168\.1\.2/);
    await node.ok("set", "--bind", "all");
    await seenBehind(nats[0]);
  });

  it("[C18 C19] has it use a fixed port and a smaller MTU, over a restart too", async () => {
    await node.ok("set", "--port", "7911", "--mtu", "1300");
    await waitUntil("a ping", async () => (await ping(peer.host, address)).received > 0);
    await node.end();
    await node.start();
    await node.online("home");
    expect((await node.status()).node.port).toBe(7911);
    const [link] = JSON.parse(node.host.runNow("ip", "-j", "link", "show", "starmesh0"));
    expect(link.mtu).toBe(1300);
    expect(node.host.runNow("ss", "-Hlun")).toMatch(/:7911\b/);
    expect(node.host.runNow("ss", "-Hlun")).not.toMatch(/:7743\b/);
  });

  it("[W18 C18] has others try the address that a port was forwarded at by hand", async () => {
    nats[0].host.nftables(`
      table ip forwarded {
        chain come { type nat hook prerouting priority dstnat - 2; iifname "wan" udp dport 9000 dnat to 192.168.1.2:7911; }
      }
      insert rule ip nat pass ct status dnat accept`);
    await node.ok("set", "--declare", `${nats[0].outer}:9000`);
    const endpoint = `${nats[0].outer}:9000`;
    await waitUntil("it answers there", async () => {
      await ping(peer.host, address, { count: 1 });
      const { candidates } = JSON.parse(await peer.ok("path", "node", "--json"));
      return candidates.some(
        (one: { endpoint: string; kind: string; state: string }) =>
          one.endpoint === endpoint && one.kind === "declared" && one.state === "proved",
      );
    });
  });

  it("[C19] has it ask a STUN server by name or number", async () => {
    await node.ok("set", "--stun", `stun:${router.host.address}:7744`);
    await waitUntil("it was asked", async () => {
      const { stun } = JSON.parse(await node.ok("netcheck", "--json"));
      return stun?.some(
        ({ server, address: seen }: { server: string; address: string | null }) =>
          server === `${router.host.address}:7744` && seen?.startsWith(nats[0].outer),
      );
    });
  });
});
