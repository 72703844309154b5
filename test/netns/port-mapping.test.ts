import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Install, inviteIn } from "./install.ts";
import type { Nat } from "./lab.ts";
import { Lab } from "./lab.ts";
import { openedPorts, startMiniupnpd } from "./miniupnpd.ts";
import { ping } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

// Three nodes, each behind a NAT that takes a random port for every destination; two of the gateways open ports.
let lab: Lab;
let router: Install;
const nats: Record<string, Nat> = {};
const nodes: Record<string, Install> = {};
const addresses: Record<string, string> = {};
let opened: Record<string, string>;

beforeAll(async () => {
  lab = new Lab();
  router = new Install(lab, lab.publicHost("router"));
  for (const [at, name] of ["plain", "pcp", "upnp"].entries()) {
    const nat = lab.nat(`nat-${name}`, "symmetric-random", at + 1);
    nats[name] = nat;
    nodes[name] = new Install(lab, lab.lanHost(name, nat, 2));
  }
  const [pcp, upnp] = await Promise.all([
    startMiniupnpd(lab, natOf("pcp")),
    startMiniupnpd(lab, natOf("upnp"), { upnpOnly: true }),
  ]);
  opened = { pcp: pcp.address, upnp: upnp.address };
  await router.start(["router"]);
  const link = await router.routerLink();
  await Promise.all(Object.values(nodes).map((node) => node.start()));
  const invite = inviteIn(await nodeOf("plain").ok("network", "create", "home", "--router", link));
  await Promise.all([nodeOf("pcp").ok("join", invite), nodeOf("upnp").ok("join", invite)]);
  for (const [name, node] of Object.entries(nodes)) addresses[name] = (await node.online("home")).address;
});

afterAll(() => lab.close());

describe("gateways that open ports", () => {
  it.each(["pcp", "upnp"])(
    "[Z12 C10 W18] let a node in directly through two symmetric NATs, by %s",
    async (name) => {
      const outer = await waitUntil("the port is open", () => openedPorts(natOf(name))[0]);
      await waitUntil("a ping", async () => (await ping(nodeOf("plain").host, addressOf(name))).received > 0);
      const remote = `${opened[name]}:${outer}`;
      const peer = await nodeOf("plain").peer(
        name,
        ({ path }) => path?.kind === "direct" && path.remote.startsWith("11.22.33."),
      );
      expect(peer.path?.remote).toBe(remote);
      // The packets may be there before the word of where they are let in.
      await waitUntil("the open port among the candidates", async () => {
        const { candidates } = JSON.parse(await nodeOf("plain").ok("path", name, "--json"));
        return candidates.some(
          (each: { endpoint: string; kind: string }) => each.endpoint === remote && each.kind === "mapped",
        );
      });
    },
  );

  it("[Z12] close them when the node ends, and open them again at its start", async () => {
    const node = nodeOf("pcp");
    await node.end();
    await waitUntil("the port is closed", () => openedPorts(natOf("pcp")).length === 0);
    await node.start();
    await waitUntil("the port is open again", () => openedPorts(natOf("pcp")).length === 1);
  });

  it("[C09 W11] are looked for by a node whose address goes meanwhile", async () => {
    const node = nodeOf("plain");
    await node.end();
    const searches = natOf("plain").host.start("tcpdump", ["-l", "-n", "-i", "lan", "udp port 1900"]);
    await searches.says(/listening on/);
    await node.start();
    await searches.says(/\.1900: /);
    node.host.setUp("addr flush dev eth0");
    await node.command(["netcheck"]).ended();
    node.host.setUp("addr add 192.168.1.2/24 dev eth0", "route replace default via 192.168.1.1");
    await searches.stop("SIGINT");
    await waitUntil("a ping", async () => (await ping(node.host, addressOf("pcp"))).received > 0);
    expect(node.engine.process.exitCode).toBeNull();
  });

  it("[C09 W12] open it for the new address of a node that moved on its LAN", async () => {
    const node = nodeOf("upnp");
    node.host.setUp(
      "addr flush dev eth0",
      "addr add 192.168.3.77/24 dev eth0",
      "route replace default via 192.168.3.1",
    );
    await waitUntil("the port leads to the new address", () =>
      natOf("upnp").host.runNow("nft", "list", "chain", "inet", "upnp", "mapped").includes("192.168.3.77"),
    );
  });
});

function natOf(name: string): Nat {
  const nat = nats[name];
  if (nat === undefined) throw new Error(name);
  return nat;
}

function nodeOf(name: string): Install {
  const node = nodes[name];
  if (node === undefined) throw new Error(name);
  return node;
}

function addressOf(name: string): string {
  return addresses[name] ?? "";
}
