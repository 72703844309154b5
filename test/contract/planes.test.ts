/** Port planes at a router over real TCP and TLS: which ports open, who meets whom, what ends with a token. */
import { createHash, randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMemoryStore } from "../../src-main/server/memory-store.ts";
import type { Router, RouterOptions } from "../../src-main/server/router.ts";
import { createRouter } from "../../src-main/server/router.ts";
import { openControl } from "../../src-main/transport/control.ts";
import type { Greeting } from "../../src-main/transport/greeting.ts";
import { planeName } from "../../src-shared/plane.ts";
import { settleRouter } from "../../src-shared/router-settings.ts";
import type { Signed } from "../../src-shared/trust.ts";
import type { TestDevice } from "../fakes/founded-network.ts";
import { FoundedNetwork, testDevice } from "../fakes/founded-network.ts";
import { testSigner } from "../fakes/notary.ts";
import { FakeRealm } from "../fakes/router-realm.ts";
import { codeOf, memberGreeting, notary, secretGreeting, TestClient } from "./control-world.ts";

let folder: string;
let store = createMemoryStore();
let realm: FakeRealm;
let derived: number;
const ends: (() => Promise<unknown> | unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "starmesh-planes-"));
  store = createMemoryStore();
  derived = 0;
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(folder, { recursive: true, force: true });
});

/** The network of a port and a token, as router and members derive it. */
function planeOf(port: number, token: string): FoundedNetwork {
  const issuer = testSigner(createHash("sha256").update(`${port} ${token}`).digest());
  return new FoundedNetwork({ name: planeName(port), secret: true, issuer });
}

async function start(
  planes: { readonly bind: number; readonly nums: number; readonly token: string } | null,
  change: Partial<RouterOptions> = {},
): Promise<Router> {
  const router = await createRouter({
    folder,
    settings: settingsWith(planes),
    notary,
    store,
    openRealm: async (settings) => {
      realm = new FakeRealm(settings);
      return realm;
    },
    found: async (port, token) => {
      derived++;
      const network = planeOf(port, token);
      return { network: network.id, record: network.signedRecord() };
    },
    isHere: () => false,
    now: Date.now,
    log: () => undefined,
    ...change,
  });
  ends.push(() => router.stop());
  await router.start();
  return router;
}

function settingsWith(
  planes: { readonly bind: number; readonly nums: number; readonly token: string } | null,
) {
  return settleRouter({ listen: "127.0.0.1:0", planes });
}

async function connect(router: Router, port: number, greeting: Greeting): Promise<TestClient> {
  const client = new TestClient();
  client.control = await openControl({
    addresses: [`127.0.0.1:${port}`],
    pin: router.keys.pin,
    notary,
    greeting,
    listener: client,
  });
  ends.push(() => client.control.close());
  return client;
}

/** Joins a plane by its token as a node does, and comes back as a member. */
async function comeIn(router: Router, network: FoundedNetwork, port: number, name: string) {
  const device: TestDevice = testDevice();
  const first = await connect(router, port, secretGreeting(network));
  const reserved = await first.control.request({ call: "reserve", name, identity: device.identity.key });
  const certificate: Signed = network.certificate(device, {
    name: reserved.name,
    addresses: [reserved.address],
  });
  await first.control.request({ call: "admit", certificate });
  first.control.close();
  const client = await connect(router, port, memberGreeting(network, device, certificate));
  return { device, certificate, client };
}

/** The first of a row of ports that were free just now, below those that the system gives to whoever asks for any. */
async function freeRow(length: number): Promise<number> {
  for (;;) {
    const first = randomInt(12_000, 32_000);
    const servers = Array.from({ length }, (_, at) => createServer().listen(first + at, "127.0.0.1"));
    const isFree = await Promise.all(servers.map((server) => once(server, "listening"))).then(
      () => true,
      () => false,
    );
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    if (isFree) return first;
  }
}

describe("port planes", () => {
  it("[E10 E11] are as many ports as asked for, from the first on; those of others are left out and listed, and taken when free", async () => {
    const bind = await freeRow(6);
    const tcp = createServer().listen(bind + 1, "127.0.0.1");
    await once(tcp, "listening");
    const udp = createSocket("udp4").bind(bind + 3, "127.0.0.1");
    await once(udp, "listening");
    ends.push(() => udp.close());
    const router = await start({ bind, nums: 6, token: "correct-horse" });
    expect(router.state()?.planes).toEqual({
      bind,
      nums: 6,
      token: "correct-horse",
      open: 4,
      busy: [bind + 1, bind + 3],
      used: [],
    });
    expect(derived).toBe(0);
    const beyond = connect(router, bind + 6, secretGreeting(planeOf(bind + 6, "correct-horse")));
    expect(await codeOf(beyond)).toBe("router-unreachable");

    await new Promise((resolve) => tcp.close(resolve));
    expect(await router.apply(settingsWith({ bind, nums: 6, token: "correct-horse" }))).toBe(true);
    expect(router.state()?.planes).toMatchObject({ open: 5, busy: [bind + 3] });
    expect(await router.apply(settingsWith({ bind: bind + 4, nums: 2, token: "correct-horse" }))).toBe(true);
    expect(router.state()?.planes).toMatchObject({ open: 2, busy: [] });
    const left = connect(router, bind, secretGreeting(planeOf(bind, "correct-horse")));
    expect(await codeOf(left)).toBe("router-unreachable");
    expect(await router.apply(settingsWith(null))).toBe(true);
    expect(router.state()?.planes).toBeNull();
  });

  it("[E16 P12] let those meet who came to the same port with the token, and nobody else", async () => {
    const bind = await freeRow(2);
    const router = await start({ bind, nums: 2, token: "correct-horse" });
    const [red, green] = [planeOf(bind, "correct-horse"), planeOf(bind + 1, "correct-horse")];
    const [one, two, other] = [
      await comeIn(router, red, bind, "one"),
      await comeIn(router, red, bind, "two"),
      await comeIn(router, green, bind + 1, "one"),
    ];
    expect(derived).toBe(2);
    await one.client.until("the other is online", () => one.client.isOnline(two.device.identity.key));
    await two.client.until("the other is online", () => two.client.isOnline(one.device.identity.key));
    expect(other.client.isOnline(one.device.identity.key)).toBe(false);
    expect(other.client.certificateOf(one.device.identity.key)).toBeUndefined();
    expect(router.state()?.planes?.used).toEqual([
      { port: bind, members: 2, online: 2 },
      { port: bind + 1, members: 1, online: 1 },
    ]);
    expect(router.state()?.networks).toEqual([]);
    // From the first member on its datagrams are taken at the port itself.
    expect([...realm.taken.keys()]).toEqual(expect.arrayContaining([`udp ${bind}`, `udp ${bind + 1}`]));
    expect(one.client.control.welcome).toMatchObject({ udp: true });

    const guess = planeOf(bind, "battery-staple");
    expect(await codeOf(connect(router, bind, secretGreeting(guess)))).toBe("wrong-secret");
    // The other port's network, and the router's own port, are other places.
    expect(await codeOf(connect(router, bind, secretGreeting(green)))).toBe("no-network-here");
    const abroad = memberGreeting(red, one.device, one.certificate);
    expect(await codeOf(connect(router, bind + 1, abroad))).toBe("network-closed");
    expect(await codeOf(connect(router, router.state()?.port ?? 0, abroad))).toBe("network-closed");
    expect(await codeOf(connect(router, router.state()?.port ?? 0, secretGreeting(red)))).toBe(
      "wrong-secret",
    );
  });

  it("[E16] are founded once, however many come at the same time", async () => {
    const bind = await freeRow(1);
    const router = await start({ bind, nums: 1, token: "correct-horse" });
    const network = planeOf(bind, "correct-horse");
    const names = ["one", "two", "three", "four"];
    const all = await Promise.all(names.map((name) => comeIn(router, network, bind, name)));
    expect(derived).toBe(1);
    expect(new Set(all.map(({ client }) => client.control.welcome.record?.body)).size).toBe(1);
    expect(router.state()?.planes?.used).toMatchObject([{ members: 4 }]);
  });

  it("[E10 P12] stay over a restart, and end with their token", async () => {
    const bind = await freeRow(2);
    const planes = { bind, nums: 2, token: "correct-horse" };
    const router = await start(planes);
    const network = planeOf(bind, planes.token);
    const one = await comeIn(router, network, bind, "one");
    await router.stop();
    const again = await start(planes);
    const greeting = memberGreeting(network, one.device, one.certificate);
    const back = await connect(again, bind, greeting);
    expect(derived).toBe(1);
    expect(realm.taken.has(`udp ${bind}`)).toBe(true);
    expect(await again.apply(settingsWith({ ...planes, token: "battery-staple" }))).toBe(true);
    await back.until("it was told", () => back.ended !== null);
    expect(await codeOf(connect(again, bind, greeting))).toBe("network-closed");
    expect(again.state()?.planes?.used).toEqual([]);
    await comeIn(again, planeOf(bind, "battery-staple"), bind, "one");
    expect(again.state()?.planes?.used).toMatchObject([{ port: bind, members: 1 }]);
  });

  it("[P12] the token of a port is asked for with a limit on tries", async () => {
    const bind = await freeRow(1);
    const router = await start({ bind, nums: 1, token: "correct-horse" });
    const tries = Array.from({ length: 12 }, (_, at) =>
      codeOf(connect(router, bind, secretGreeting(planeOf(bind, `guess-number-${at}`)))),
    );
    const codes = await Promise.all(tries);
    expect(codes.filter((code) => code === "wrong-secret")).toHaveLength(10);
    expect(codes.filter((code) => code === "too-many-tries")).toHaveLength(2);
    expect(derived).toBe(1);
  });
});
