import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RouteStatus } from "../../src-shared/route-status.ts";
import type { Host } from "./host.ts";
import { Install, inviteIn } from "./install.ts";
import type { Nat } from "./lab.ts";
import { Lab } from "./lab.ts";
import { ping } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

// Three sites: a LAN each, with a gateway that runs Starmesh and a host that knows nothing but its default route.
let lab: Lab;
let router: Install;
let sites: readonly [Site, Site, Site];

interface Site {
  readonly nat: Nat;
  readonly gateway: Install;
  readonly host: Host;
  /** `192.168.N.0/24`. */
  readonly prefix: string;
}

beforeAll(async () => {
  lab = new Lab();
  router = new Install(lab, lab.publicHost("router"));
  await router.start(["router"]);
  const link = await router.routerLink();
  sites = [site("north", 1), site("south", 2), site("west", 3)];
  await Promise.all(sites.map(({ gateway }) => gateway.start()));
  const [north, ...others] = sites;
  const invite = inviteIn(await north.gateway.ok("network", "create", "sites", "--router", link));
  for (const { gateway } of others) await gateway.ok("join", invite);
  await Promise.all(sites.map(({ gateway }) => gateway.online("sites")));
});

afterAll(() => lab.close());

describe("three sites behind gateways", () => {
  it("[P18 C14] ask an administrator for what they would route, and take nothing over before it is granted", async () => {
    const [north, south] = sites;
    const asked = await south.gateway.ok("route", "advertise", south.prefix);
    expect(asked).toContain("has to grant it");
    await waitUntil("the administrator sees the request", async () => {
      const route = await routeOn(north.gateway, south.prefix);
      return route?.state === "waits" && route.gateways[0]?.name === "south";
    });
    expect(north.gateway.host.runNow("ip", "route")).not.toContain(south.prefix);
    await north.gateway.ok("route", "accept", "south", south.prefix);
    await waitUntil("the route is set", () =>
      north.gateway.host.runNow("ip", "route").includes(`${south.prefix} dev starmesh0`),
    );
  });

  it("[P01 P03 P24 P25 P32 Z01 Z03 Z06 E01 E08 C22] host reaches host across, all pairs, with nothing set up in any system", async () => {
    const [north, south, west] = sites;
    // The administrator grants itself at once.
    expect(await north.gateway.ok("route", "advertise", north.prefix)).toContain(`routes ${north.prefix}`);
    await west.gateway.ok("route", "advertise", west.prefix);
    await waitUntil("the request has come", async () => (await routeOn(north.gateway, west.prefix)) !== null);
    await north.gateway.ok("route", "accept", "west", west.prefix);
    for (const from of sites) {
      for (const to of sites) {
        if (from === to) continue;
        await waitUntil(
          `${from.host.name} reaches ${to.host.name}`,
          async () => (await ping(from.host, to.host.address, { count: 1, waitSeconds: 1 })).received === 1,
        );
      }
    }
    const listed = await north.gateway.ok("route", "list");
    expect(listed).toContain(west.prefix);
    const route = await routeOn(north.gateway, south.prefix);
    expect(route).toMatchObject({ state: "carried", via: "south", reasonCode: "only" });
  });
});

/** LAN number N: the LAN's router is .1, the gateway .2, the host .10; the LAN's router knows where the other sites are. */
function site(name: string, number: number): Site {
  const nat = lab.nat(`nat-${name}`, "port-restricted", number);
  const gateway = new Install(lab, lab.lanHost(name, nat, 2));
  const host = lab.lanHost(`host-${name}`, nat, 10);
  for (const other of [1, 2, 3].filter((each) => each !== number))
    nat.host.setUp(`route add 192.168.${other}.0/24 via ${nat.lan}.2`);
  return { nat, gateway, host, prefix: `${nat.lan}.0/24` };
}

async function routeOn(node: Install, prefix: string): Promise<RouteStatus | null> {
  return (await node.status()).routes.find((route) => route.prefix === prefix) ?? null;
}
