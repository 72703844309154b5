import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { WireguardClient } from "../../src-shared/wireguard.ts";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { canHave, wireguardGo } from "./tools.ts";
import { ping, throughput } from "./traffic.ts";
import { waitUntil } from "./wait.ts";
import type { Profile } from "./wireguard.ts";
import { parseProfile, startClient } from "./wireguard.ts";

const here = canHave(wireguardGo);
if (!here) console.warn("No stock WireGuard client here: it needs Go (go.dev). Its tests are skipped.");

describe.runIf(here)("a stock WireGuard client", () => {
  let lab: Lab;
  let serving: Install;
  let ann: Install;

  beforeAll(async () => {
    lab = new Lab();
    serving = new Install(lab, lab.publicHost("serving"));
    await serving.start();
    const invite = inviteIn(await serving.ok("network", "create", "home"));
    ann = new Install(lab, lab.publicHost("ann"));
    await ann.start();
    await ann.ok("join", invite);
    await ann.online("home");
  });

  afterAll(() => lab.close());

  it("[Z27] reaches the node that serves it, with the profile of `wg add` and nothing else", async () => {
    const printed = await serving.ok("wg", "add", "phone");
    const profile = parseProfile(printed);
    expect(Object.keys(profile.interface)).toEqual(expect.arrayContaining(["PrivateKey", "Address"]));
    const phone = lab.lanHost("phone", lab.nat("home-nat", "symmetric-random", 5), 2);
    await startClient(phone, profile);
    const { address } = await serving.online("home");
    await waitUntil(
      "the phone reaches the node",
      async () => (await ping(phone, address, { count: 1 })).received === 1,
    );
    const [own = ""] = addressesIn(profile);
    expect((await ping(serving.host, own)).received).toBe(3);
    const peer = await serving.peer("phone", (each) => each.state === "connected");
    expect(peer).toMatchObject({ kind: "stock", address: own, path: { kind: "direct" } });
    const there = await throughput(phone, { host: serving.host, address }, { seconds: 1 });
    const back = await throughput(phone, { host: serving.host, address }, { seconds: 1, reverse: true });
    for (const { bitsPerSecond } of [there, back]) expect(bitsPerSecond).toBeGreaterThan(5e6);
  });

  it("[Z27] [Z02] [P22] reaches the other members, and they it, through the node that serves it", async () => {
    const profile = parseProfile(await serving.ok("wg", "add", "laptop"));
    const laptop = lab.lanHost("laptop", lab.nat("hotel-nat", "symmetric-random", 6), 2);
    await startClient(laptop, profile);
    const { address, address6 } = await ann.online("home");
    const [own = "", own6 = ""] = addressesIn(profile);
    await waitUntil(
      "the laptop reaches ann",
      async () => (await ping(laptop, address, { count: 1 })).received === 1,
    );
    // Ann speaks first, over IPv6 as well; and between the two there is one hop, which says who it is.
    for (const [from, to] of [
      [ann.host, own],
      [ann.host, own6],
      [laptop, address6 ?? ""],
    ] as const)
      await waitUntil(
        `${from.name} reaches ${to}`,
        async () => (await ping(from, to, { count: 1 })).received === 1,
      );
    const { stdout } = await laptop.run("ping", ["-n", "-c", "1", "-t", "1", "-W", "2", address]);
    expect(stdout).toContain(
      `From ${(await serving.online("home")).address} icmp_seq=1 Time to live exceeded`,
    );
    const there = await throughput(laptop, { host: ann.host, address }, { seconds: 1 });
    const back = await throughput(laptop, { host: ann.host, address }, { seconds: 1, reverse: true });
    for (const { bitsPerSecond } of [there, back]) expect(bitsPerSecond).toBeGreaterThan(5e6);
    // The system's forwarding had no part in it.
    expect(serving.host.runNow("sysctl", "-n", "net.ipv4.ip_forward").trim()).toBe("0");
    const [listed] = await clients(serving);
    expect(listed).toMatchObject({ name: "laptop", address: own, here: true, connected: true });
    expect(listed?.rxBytes).toBeGreaterThan(1e6);
    expect(await clients(ann)).toMatchObject([
      { name: "laptop", gateway: "serving", here: false, rxBytes: null },
    ]);

    await serving.ok("wg", "revoke", "laptop");
    await waitUntil("ann hears of it", async () => (await clients(ann)).length === 0);
    expect((await ping(laptop, address, { count: 2, waitSeconds: 1 })).received).toBe(0);
    expect((await ping(ann.host, own, { count: 1, waitSeconds: 1 })).received).toBe(0);
  });

  it("[Z27] is served by any member that was given the right, as long as it has it", async () => {
    const refused = await ann.run("wg", "add", "tv");
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("member gateway ann on") });
    await serving.ok("member", "gateway", "ann", "on");
    const profile = parseProfile(
      await waitUntil("ann may", async () => {
        const { code, stdout } = await ann.run("wg", "add", "tv", "--allowed", "all");
        return code === 0 ? stdout : null;
      }),
    );
    expect(profile.peers).toMatchObject([{ AllowedIPs: "0.0.0.0/0, ::/0" }]);
    const inside = profile.peers.map((each) => ({ ...each, AllowedIPs: "10.0.0.0/8, fd00::/8" }));
    const tv = lab.publicHost("tv");
    await startClient(tv, { ...profile, peers: inside });
    const { address } = await serving.online("home");
    await waitUntil(
      "the TV reaches serving through ann",
      async () => (await ping(tv, address, { count: 1 })).received === 1,
    );
    await serving.ok("member", "gateway", "ann", "off");
    await waitUntil(
      "the TV is out",
      async () => (await ping(tv, address, { count: 1, waitSeconds: 1 })).received === 0,
    );
    expect(await clients(serving)).toEqual([]);
  });

  it("[Z27] [Z02] [P22] reaches a LAN behind another member that routes it, whose hosts know of nothing", async () => {
    const office = lab.nat("office-nat", "port-restricted", 9);
    const gate = new Install(lab, lab.lanHost("gate", office, 2));
    const printer = lab.lanHost("printer", office, 10);
    await gate.start();
    await gate.ok("join", inviteIn(await serving.ok("invite", "home")));
    await gate.online("home");
    await gate.ok("route", "advertise", "192.168.9.0/24");
    const route = async () =>
      (await serving.status()).routes.find(({ prefix }) => prefix === "192.168.9.0/24")?.state;
    await waitUntil("the request has come", async () => (await route()) === "waits");
    await serving.ok("route", "accept", "gate", "192.168.9.0/24");
    await waitUntil("it is carried", async () => (await route()) === "carried");
    const profile = parseProfile(await serving.ok("wg", "add", "scout"));
    expect(profile.peers[0]?.["AllowedIPs"]?.split(", ")).toContain("192.168.9.0/24");
    const scout = lab.publicHost("scout");
    await startClient(scout, profile);
    await waitUntil(
      "the scout reaches the printer",
      async () => (await ping(scout, printer.address, { count: 1, waitSeconds: 1 })).received === 1,
    );
  });

  it("members reach each other over IPv6, at the addresses that status shows", async () => {
    const [here, there] = [await serving.online("home"), await ann.online("home")];
    expect(there.address6).toMatch(/^fd/);
    expect(await serving.peer("ann", () => true)).toMatchObject({
      addresses: [there.address, there.address6],
    });
    for (const [from, to] of [
      [serving, there.address6],
      [ann, here.address6],
    ] as const)
      await waitUntil(
        `${from.name} reaches ${to}`,
        async () => (await ping(from.host, to ?? "", { count: 1 })).received === 1,
      );
    const far = { host: ann.host, address: there.address6 ?? "" };
    expect((await throughput(serving.host, far, { seconds: 1 })).bitsPerSecond).toBeGreaterThan(5e6);
  });

  it("[P12] gets no answer with another key", async () => {
    const profile = parseProfile(await serving.ok("wg", "add", "tablet"));
    const stranger = lab.publicHost("stranger");
    const privateKey = Buffer.alloc(32, 7).toString("base64");
    await startClient(stranger, { ...profile, interface: { ...profile.interface, PrivateKey: privateKey } });
    const { address } = await serving.online("home");
    expect((await ping(stranger, address, { count: 3, intervalSeconds: 0.5 })).received).toBe(0);
    expect(await serving.peer("tablet", () => true)).toMatchObject({ rxBytes: 0, lastHandshake: null });
  });
});

function addressesIn(profile: Profile): readonly string[] {
  return (profile.interface["Address"] ?? "").split(", ").map((each) => each.split("/")[0] ?? "");
}

/** `wg list --json`, those of other tests aside. */
async function clients(install: Install): Promise<readonly WireguardClient[]> {
  const all: WireguardClient[] = JSON.parse(await install.ok("wg", "list", "--json"));
  return all.filter(({ name }) => name === "laptop" || name === "tv");
}
