import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Host } from "./host.ts";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { ping } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

let lab: Lab;
let router: Install;
let link: string;

beforeAll(async () => {
  lab = new Lab();
  router = new Install(lab, lab.publicHost("router"));
  await router.start(["router"]);
  link = await router.routerLink();
});

afterAll(() => lab.close());

describe("two networks with one range", () => {
  it("[E09] stay apart, on one router and with the same addresses", async () => {
    const [red, green] = await Promise.all([plane("red"), plane("green")]);
    for (const { one, other, address } of [red, green]) {
      await waitUntil(`${one.name} reaches its own`, () => reaches(one.host, address));
      await other.peer(one.name, (peer) => peer.state === "connected");
    }
    expect(red.address).toBe(green.address);
    const peers = (await red.one.status()).peers.map((peer) => peer.name);
    expect(peers).toEqual([red.other.name]);
    // With red's own member gone, nobody of green answers in its place.
    await red.other.end();
    await waitUntil("no answer", async () => !(await reaches(red.one.host, red.address)));
    expect(await reaches(green.one.host, green.address)).toBe(true);
  });

  it("[E15] refuses a second network over a range in use, and with --force goes on without a route there", async () => {
    const { one } = await plane("blue");
    const invite = await inviteTo("cyan", "10.66.0.0/16");
    await expectForce(one, { invite, network: "cyan", line: /10\.66\.0\.0\/16.*10\.66\.\d+\.\d+.*--force/ });
  });

  it("[E15] refuses a network over the machine's own LAN, and with --force goes on without a route there", async () => {
    const local = new Install(lab, lab.lanHost("local", lab.nat("nat", "port-restricted", 9), 2));
    await local.start();
    const invite = await inviteTo("wide", "192.168.0.0/16");
    const line = /192\.168\.0\.0\/16.*192\.168\.9\.0\/24.*eth0.*--force/;
    await expectForce(local, { invite, network: "wide", line });
    expect((await ping(local.host, "192.168.9.1")).received).toBe(3);
  });

  async function expectForce(
    node: Install,
    { invite, network, line }: { readonly invite: string; readonly network: string; readonly line: RegExp },
  ): Promise<void> {
    const refused = await node.run("join", invite);
    expect(refused.code).toBe(1);
    expect(oneLine(refused.stderr)).toMatch(line);
    const routes = node.host.runNow("ip", "-4", "route");
    await node.ok("join", invite, "--force");
    await node.online(network);
    expect(node.host.runNow("ip", "-4", "route")).toBe(routes);
  }

  async function plane(name: string) {
    const invite = await inviteTo(name, "10.66.0.0/16");
    const [one, other] = [node(`${name}-one`), node(`${name}-other`)];
    await Promise.all([one.start(), other.start()]);
    await one.ok("join", invite, "--ip", "10.66.0.10");
    await other.ok("join", invite, "--ip", "10.66.0.20");
    await Promise.all([one.online(name), other.online(name)]);
    return { one, other, address: "10.66.0.20" };
  }

  async function inviteTo(name: string, range: string): Promise<string> {
    return inviteIn(await router.ok("network", "create", name, "--no-join", "--cidr", range));
  }
});

describe("addresses and names", () => {
  it("[C06 E14 C07 Z11] gives each node its own, or the one that it picks", async () => {
    const invite = inviteIn(
      await router.ok("network", "create", "sorted", "--no-join", "--cidr", "10.77.0.0/16"),
    );
    const [picked, given] = [node("picked"), node("given")];
    await Promise.all([picked.start(), given.start()]);
    await Promise.all([picked.ok("join", invite, "--ip", "10.77.3.4"), given.ok("join", invite)]);
    expect((await picked.online("sorted")).address).toBe("10.77.3.4");
    const { address } = await given.online("sorted");
    expect(address).toMatch(/^10\.77\./);
    expect(address).not.toBe("10.77.3.4");
    const late = node("late");
    await late.start();
    const taken = await late.run("join", invite, "--ip", "10.77.3.4");
    expect(taken.code).toBe(1);
    expect(oneLine(taken.stderr)).toContain("10.77.3.4");
    await late.ok("join", invite, "--name", "picked");
    await late.online("sorted");
    await given.peer("picked-2", () => true);
  });
});

describe("a name and a secret", () => {
  it("[P12 C04 C15 E13] are all that a second machine needs; a wrong secret is refused", async () => {
    const [first, second, stranger] = [node("first"), node("second"), node("stranger")];
    await Promise.all([first.start(), second.start(), stranger.start()]);
    const created = await first.ok("network", "create", "den", "--secret", "--router", link);
    const secret = /--secret[ =]'?([^\s']+)/.exec(created)?.[1] ?? "";
    // Made when none is given: at least 60 bits.
    expect(secret.length).toBeGreaterThanOrEqual(12);
    const at = ["--router", router.host.address];
    const wrong = await stranger.run("join", "den", "--secret", `${secret}x`, ...at);
    expect({ code: wrong.code, line: oneLine(wrong.stderr) }).toEqual({
      code: 1,
      line: "Wrong secret for den.",
    });
    const unknown = await stranger.run("join", "lair", "--secret", secret, ...at);
    expect(unknown.code).toBe(1);
    expect(oneLine(unknown.stderr)).toMatch(/no network lair here/i);
    await second.ok("join", "den", "--secret", secret, ...at);
    const { address } = await second.online("den");
    await waitUntil("first reaches second", () => reaches(first.host, address));
    expect((await stranger.status()).networks).toEqual([]);
  });
});

describe("an install of its own", () => {
  it("[P27 C05 Z28 E23] starts in the background with one command and goes on after it", async () => {
    const solo = node("solo");
    // No engine runs yet: this command starts it, with the router role for the network that it hosts.
    const invite = inviteIn(await solo.ok("network", "create", "own"));
    const status = await solo.printedStatus();
    expect(status.router.on).toBe(true);
    expect(status.networks).toMatchObject([{ name: "own", state: "online" }]);
    const guest = node("guest");
    await guest.ok("join", invite);
    const { address } = await guest.online("own");
    await waitUntil("solo reaches guest", () => reaches(solo.host, address));
    await waitUntil("guest reaches solo", () => reaches(guest.host, status.networks[0]?.address ?? ""));
    await guest.ok("stop");
    await solo.ok("stop");
    await waitUntil("solo has ended", async () => (await solo.run("status")).code === 1);
    expect(solo.host.runNow("ip", "link")).not.toContain("starmesh");
  });

  it("[C30] keeps the order of its networks and which of them are connected at its start", async () => {
    const several = node("several");
    await several.start();
    for (const name of ["first", "second", "third"]) await several.ok("network", "create", name);
    await several.ok("network", "order", "third", "first");
    await several.ok("network", "start", "first", "down");
    await several.ok("network", "start", "second", "up");
    await several.ok("down", "second", "third");
    await several.end();
    await several.start();
    await several.online("second");
    const { networks } = await several.status();
    expect(networks.map(({ name, start, state }) => [name, start, state === "off"])).toEqual([
      ["third", "kept", true],
      ["first", "down", true],
      ["second", "up", false],
    ]);
    await several.end();
  });

  it("[E12 P27 P10] takes its public name and its port from a JSON file", async () => {
    const host = lab.publicHost("named");
    const named = new Install(lab, host);
    const file = join(lab.folder, "router.json");
    writeFileSync(file, JSON.stringify({ listen: "0.0.0.0:9999", public: ["vpn.example.net"] }));
    await named.start(["router", "--config", file]);
    const { router: role } = await named.status();
    expect(role.listen).toBe("0.0.0.0:9999");
    expect(role.publicAddresses).toEqual(["vpn.example.net:9999"]);
    await named.end();
    await named.start(["router", "--public", "203.0.113.99"]);
    expect((await named.status()).router.publicAddresses).toEqual([
      expect.stringMatching(/^203\.0\.113\.99:\d+$/),
    ]);
  });

  it("[E19] logs to its folder, and to the console with --debug", async () => {
    const quiet = node("quiet");
    await quiet.start();
    const logs = join(quiet.folder, "logs");
    await waitUntil(
      "a log",
      () => existsSync(logs) && readdirSync(logs).some((file) => text(join(logs, file)) !== ""),
    );
    const before = quiet.engine.stdout + quiet.engine.stderr;
    await quiet.end();
    const loud = await quiet.start(["up", "--foreground", "--debug"]);
    await waitUntil("the console shows more", () => (loud.stdout + loud.stderr).length > before.length + 50);
  });
});

function node(name: string): Install {
  return new Install(lab, lab.publicHost(name));
}

async function reaches(from: Host, address: string): Promise<boolean> {
  return (await ping(from, address, { count: 1, waitSeconds: 0.3 })).received === 1;
}

function text(path: string): string {
  return readFileSync(path, "utf8");
}

/** The only line of an error. */
function oneLine(stderr: string): string {
  const lines = stderr.trim().split("\n");
  expect(lines).toHaveLength(1);
  return lines[0] ?? "";
}
