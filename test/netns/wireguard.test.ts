import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { canHave, wireguardGo } from "./tools.ts";
import { ping, throughput } from "./traffic.ts";
import { waitUntil } from "./wait.ts";
import { parseProfile, startClient } from "./wireguard.ts";

const here = canHave(wireguardGo);
if (!here) console.warn("No stock WireGuard client here: it needs Go (go.dev). Its tests are skipped.");

describe.runIf(here)("a stock WireGuard client", () => {
  let lab: Lab;
  let serving: Install;

  beforeAll(async () => {
    lab = new Lab();
    serving = new Install(lab, lab.publicHost("serving"));
    await serving.start();
    inviteIn(await serving.ok("network", "create", "home"));
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
    const own = profile.interface["Address"]?.split("/")[0] ?? "";
    expect((await ping(serving.host, own)).received).toBe(3);
    const peer = await serving.peer("phone", (each) => each.state === "connected");
    expect(peer).toMatchObject({ kind: "stock", address: own, path: { kind: "direct" } });
    const there = await throughput(phone, { host: serving.host, address }, { seconds: 1 });
    const back = await throughput(phone, { host: serving.host, address }, { seconds: 1, reverse: true });
    for (const { bitsPerSecond } of [there, back]) expect(bitsPerSecond).toBeGreaterThan(5e6);
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
