import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Host } from "./host.ts";
import { Install, inviteIn } from "./install.ts";
import type { Nat } from "./lab.ts";
import { Lab } from "./lab.ts";
import { ping } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

// Two sites whose LANs have the same addresses, and a third machine in a LAN with those addresses as well.
let lab: Lab;
let east: Site;
let west: Site;

interface Site {
  readonly nat: Nat;
  readonly gateway: Install;
  readonly host: Host;
}

const lan = "192.168.1.0/24";

beforeAll(async () => {
  lab = new Lab();
  const router = new Install(lab, lab.publicHost("router"));
  await router.start(["router"]);
  const link = await router.routerLink();
  [east, west] = [site("east"), site("west")];
  await Promise.all([east.gateway.start(), west.gateway.start()]);
  const invite = inviteIn(await east.gateway.ok("network", "create", "twins", "--router", link));
  await west.gateway.ok("join", invite);
  await Promise.all([east, west].map(({ gateway }) => gateway.online("twins")));
});

afterAll(() => lab.close());

describe("two LANs with the same addresses", () => {
  it("[E15 P28] a clash is named with free addresses for the other end, and the own LAN is not covered", async () => {
    await east.gateway.ok("route", "advertise", lan);
    const overlap = await waitUntil(
      "the clash is told",
      async () => (await west.gateway.status()).overlaps[0],
    );
    expect(overlap).toMatchObject({ kind: "route", wanted: lan, local: lan, interface: "eth0" });
    expect(overlap.map).toEqual({ prefix: lan, as: "10.9.1.0/24" });
    expect(overlap.advice).toContain(`starmesh route advertise ${lan} --as 10.9.1.0/24`);
    expect(west.gateway.host.runNow("ip", "route")).not.toContain(`${lan} dev starmesh`);
    expect((await ping(west.gateway.host, west.host.address)).received).toBe(3);
  });

  it("[W06 Z07 E08 E01] hosts of both reach each other by the addresses that the gateways give them", async () => {
    await east.gateway.ok("route", "advertise", lan, "--as", "10.9.1.0/24");
    await west.gateway.ok("route", "advertise", lan, "--as", "10.9.2.0/24");
    await waitUntil("the request has come", async () =>
      (await east.gateway.status()).routes.some(({ prefix }) => prefix === "10.9.2.0/24"),
    );
    await east.gateway.ok("route", "accept", "west", "10.9.2.0/24");
    await reaches(east.host, "10.9.2.10");
    await reaches(west.host, "10.9.1.10");
    expect((await west.gateway.status()).overlaps).toEqual([]);
    // What comes from the other site has its addresses there, so that it can be answered.
    await west.gateway.ok("route", "advertise", lan, "--as", "10.9.2.0/24", "--no-snat");
    const capture = west.host.start("tcpdump", ["-n", "-l", "-i", "eth0", "icmp[icmptype] == icmp-echo"]);
    await capture.says(/listening on/);
    await waitUntil("the mapped source arrives", async () => {
      await ping(east.host, "10.9.2.10", { count: 1, waitSeconds: 0.5 });
      return capture.stdout.includes("IP 10.9.1.10 > 192.168.1.10");
    });
    await capture.stop();
  });
});

describe("the routing table", () => {
  it("[C21] says which member gets which route by which gateway, until it is taken back", async () => {
    const { gateway } = east;
    const has = (prefix: string) => gateway.host.runNow("ip", "route").includes(`${prefix} dev starmesh`);
    expect(has("10.9.2.0/24")).toBe(true);
    await gateway.ok("route", "set", "10.9.2.0/24", "--via", "west", "--for", "west");
    await waitUntil("a member that is not named loses it", () => !has("10.9.2.0/24"));
    await gateway.ok("route", "set", "10.9.2.0/24", "--via", "west=7");
    await waitUntil("all have it", () => has("10.9.2.0/24"));
    const route = (await gateway.status()).routes.find(({ prefix }) => prefix === "10.9.2.0/24");
    expect(route).toMatchObject({ central: true, via: "west", gateways: [{ priority: 7 }] });
    await gateway.ok("route", "unset", "10.9.2.0/24");
    await reaches(east.host, "10.9.2.10");
    expect((await gateway.status()).routes.every(({ central }) => !central)).toBe(true);
  });
});

describe("a network whose own addresses are used by a LAN", () => {
  let range: string;
  let proposed: string;

  it("[E15 P28] is named in the checks, with free addresses to move to, and for each member that is not reached", async () => {
    const { gateway } = west;
    const { address } = await east.gateway.online("twins");
    range = (await gateway.online("twins")).range ?? "";
    const [a, b, c] = address.split(".");
    const local = `${a}.${b}.${c}.0/24`;
    // A cable to another LAN is plugged in.
    gateway.host.setUp(
      "link add eth1 type veth peer name eth1peer",
      "link set eth1 up",
      "link set eth1peer up",
    );
    gateway.host.setUp(`address add ${a}.${b}.${c}.250/24 dev eth1`);
    const overlap = await waitUntil("the clash is told", async () =>
      (await gateway.status()).overlaps.find(({ kind }) => kind === "range"),
    );
    expect(overlap).toMatchObject({ wanted: range, local, interface: "eth1", map: null });
    proposed = overlap.move ?? "";
    expect(overlap.advice).toContain(`starmesh network renumber twins ${proposed}`);
    expect(await gateway.ok("netcheck")).toContain(`${local} on eth1 has the same addresses as ${range}`);
    const { verdict } = await gateway.peer("east", (peer) => peer.verdict?.code === "same-addresses");
    expect(verdict?.remedy?.code).toBe("renumber");
  });

  it("[P28 C22] moves elsewhere by one step of an administrator; members follow, and who is off when it comes back", async () => {
    const before = await Promise.all([east, west].map(({ gateway }) => gateway.online("twins")));
    await east.gateway.ok("policy", "set", "--keep", rulesFile(before[1]?.address ?? ""));
    expect(await west.gateway.run("network", "renumber", "twins", proposed)).toMatchObject({ code: 1 });
    await west.gateway.end();
    const refused = await east.gateway.run("network", "renumber", "twins", "192.168.0.0/16");
    expect(refused.stderr).toContain(lan);
    const preview = await east.gateway.ok("network", "renumber", "twins", proposed, "--preview");
    expect(preview).toContain(before[1]?.address);
    expect((await east.gateway.online("twins")).range).toBe(range);
    await east.gateway.ok("network", "renumber", "twins", proposed);
    const moved = (text: string | undefined) =>
      [...proposed.split(".").slice(0, 2), ...(text ?? "").split(".").slice(2)].join(".");
    await waitUntil("the administrator's own address is another", async () => {
      return (await east.gateway.online("twins")).address === moved(before[0]?.address);
    });
    await west.gateway.start();
    await waitUntil("who was off follows", async () => {
      return (await west.gateway.online("twins")).address === moved(before[1]?.address);
    });
    expect((await west.gateway.status()).overlaps).toEqual([]);
    expect(await east.gateway.ok("policy", "show")).toContain(moved(before[1]?.address));
    await reaches(west.gateway.host, moved(before[0]?.address));
    await reaches(east.gateway.host, moved(before[1]?.address));
    await reaches(east.host, "10.9.2.10");
  });
});

/** A policy that lets everything pass, one rule by address. */
function rulesFile(address: string): string {
  const path = join(lab.folder, "rules.yaml");
  writeFileSync(path, `default: all\nrules:\n  - {from: any, to: ${address}, ports: "tcp:22"}\n`);
  return path;
}

function site(name: string): Site {
  const nat = lab.nat(`nat-${name}`, "port-restricted", 1);
  const gateway = new Install(lab, lab.lanHost(name, nat, 2));
  const host = lab.lanHost(`host-${name}`, nat, 10);
  nat.host.setUp(`route add 10.9.0.0/16 via ${nat.lan}.2`);
  return { nat, gateway, host };
}

async function reaches(from: Host, address: string): Promise<void> {
  await waitUntil(
    `${from.name} reaches ${address}`,
    async () => (await ping(from, address, { count: 1, waitSeconds: 1 })).received === 1,
  );
}
