import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { ping } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

// Two nodes on one LAN; the router that introduced them is on the internet.
let lab: Lab;
let router: Install;
let one: Install;
let other: Install;
let oneAddress: string;

beforeAll(async () => {
  lab = new Lab();
  const nat = lab.nat("nat", "port-restricted", 1);
  router = new Install(lab, lab.publicHost("router"));
  one = new Install(lab, lab.lanHost("one", nat, 2));
  other = new Install(lab, lab.lanHost("other", nat, 3));
  await router.start(["router"]);
  const link = await router.routerLink();
  await Promise.all([one.start(), other.start()]);
  await other.ok("join", inviteIn(await one.ok("network", "create", "home", "--router", link)));
  oneAddress = (await one.online("home")).address;
  await other.online("home");
});

afterAll(() => lab.close());

describe("neighbours on a LAN", () => {
  it("[E04 Z17] find each other with no server and no internet, both at new addresses and started anew", async () => {
    // Nobody has spoken to the other yet, so nothing but the records that the router carried is known.
    await Promise.all([one.end(), other.end(), router.end()]);
    for (const [node, number] of [
      [one, 71],
      [other, 72],
    ] as const) {
      node.host.setUp("addr flush dev eth0", "link set eth0 up", `addr add 192.168.1.${number}/24 dev eth0`);
    }
    await Promise.all([one.start(), other.start()]);
    await waitUntil("a ping", async () => (await ping(other.host, oneAddress)).received > 0);
    const peer = await other.peer("one", ({ path }) => path !== null);
    expect(peer.path?.kind).toBe("direct");
    expect(peer.path?.remote).toMatch(/^(192\.168\.1\.71|\[fe80::.*\]):7743$/);
  });

  it("[E04 C09 W12] find a neighbour that moves to another address, the router still off", async () => {
    one.host.setUp("addr flush dev eth0", "addr add 192.168.1.88/24 dev eth0");
    const moved = Date.now();
    await waitUntil(
      "a ping",
      async () => (await ping(other.host, oneAddress, { count: 1 })).received > 0,
      30_000,
    );
    process.stdout.write(`a neighbour at a new address, no server: ${Date.now() - moved} ms\n`);
    const peer = await other.peer("one", ({ path }) => /192\.168\.1\.88|fe80/.test(path?.remote ?? ""));
    expect(peer.state).toBe("connected");
  });

  it("says nothing on the wire that others could read", async () => {
    const capture = other.host.start("tcpdump", ["-ni", "eth0", "-c", "2", "-X", "-l", "udp port 7742"]);
    await capture.says(/listening on/);
    one.host.setUp("addr add 192.168.1.89/24 dev eth0");
    const { stdout } = await capture.ended();
    expect(stdout).toMatch(/239\.255\.77\.43\.7742/);
    expect(stdout).not.toMatch(/home|"port"|one/);
  });
});
