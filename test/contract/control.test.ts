/** The control protocol between nodes and a router, over real TLS and over its twin in memory. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FoundedNetwork, testDevice } from "../fakes/founded-network.ts";
import type { TestClient } from "./control-world.ts";
import { codeOf, errorOf, issuerGreeting, notary, World } from "./control-world.ts";

describe.each(["tls", "memory"] as const)("control socket over %s", (kind) => {
  let world: World;
  beforeEach(async () => {
    world = new World(kind);
    await world.start();
  });
  afterEach(() => world.close());

  describe("hosting", () => {
    it("[E13] wants the token, and a record that the issuer stands behind", async () => {
      const hosted = await world.found();
      const { network } = hosted;
      expect(
        await codeOf(world.connect({ role: "host", network: network.id, token: "AAAAAAAAAAAAAAAAAAAAAA" })),
      ).toBe("wrong-token");
      const old = world.hostGreeting(network);
      await world.router.keys.renewToken();
      expect(await codeOf(world.connect(old))).toBe("wrong-token");
      const host = await world.connect(world.hostGreeting(network));
      expect(host.control.welcome.record).toBeNull();
      const other = await world.connect({ ...world.hostGreeting(network), network: hosted.network.id });
      expect(
        await codeOf(
          other.control.request({ call: "reserve", name: "x", identity: hosted.admin.identity.key }),
        ),
      ).toBe("not-allowed");
    });

    it("takes no network whose record another key signed", async () => {
      const { network } = await world.found();
      const foreign = new FoundedNetwork();
      const client = await world.connect(world.hostGreeting(foreign));
      const forged = {
        ...foreign.signedRecord(),
        key: network.issuer.key,
        signature: network.signedRecord().signature,
      };
      expect(await codeOf(client.control.request({ call: "host", entries: [forged] }))).toBe("not-allowed");
      expect(await codeOf(client.control.request({ call: "host", entries: [network.signedRecord()] }))).toBe(
        "not-allowed",
      );
    });

    it("holds one network with a secret per name", async () => {
      await world.found({ name: "lan", secret: true });
      expect(await codeOf(world.found({ name: "lan", secret: true }))).toBe("network-exists");
      await world.found({ name: "lan" });
    });

    it("forgets a network for an administrator alone, and tells its members", async () => {
      const hosted = await world.found();
      const { key } = await world.invite(hosted);
      const member = await world.join(hosted, key);
      expect(await codeOf(member.client.control.request({ call: "unhost" }))).toBe("not-admin");
      const admin = await world.admin(hosted);
      await admin.control.request({ call: "unhost" });
      await member.client.until("the end", () => member.client.ended !== null);
      expect(member.client.ended?.code).toBe("network-closed");
      expect(await codeOf(world.member(hosted, member))).toBe("network-closed");
      expect(world.router.state()?.networks).toEqual([]);
      expect(world.realm.peers.size).toBe(0);
    });
  });

  describe("the router's identity", () => {
    it("[E13] is proved by signature: another router at the address is refused before anything is told", async () => {
      const hosted = await world.found();
      const wrong = await errorOf(
        world.connect(issuerGreeting(hosted.network), { pin: await someOtherPin() }),
      );
      expect(wrong.code).toBe("router-wrong");
      expect(wrong.data["address"]).toBe(world.address);
    });

    it("is reported where none was pinned", async () => {
      const hosted = await world.found();
      const { name } = hosted.network.record;
      const client = await world.connect(issuerGreeting(hosted.network), { pin: null, name });
      expect(client.control.router).toMatchObject({
        pin: world.router.keys.pin,
        sessionKey: world.router.keys.sessionKey,
      });
    });

    it("is found among addresses of which others are dead; all dead is said with all of them", async () => {
      const hosted = await world.found();
      const addresses = ["127.0.0.1:1", world.address];
      const client = await world.connect(issuerGreeting(hosted.network), { addresses });
      expect(client.control.address).toBe(world.address);
      expect(client.control.remote).toBe("127.0.0.1");
      const dead = await errorOf(
        world.connect(issuerGreeting(hosted.network), { addresses: ["127.0.0.1:1", "127.0.0.1:2"] }),
      );
      expect(dead.code).toBe("router-unreachable");
      expect(dead.message).toContain("127.0.0.1:1, 127.0.0.1:2");
    });
  });

  describe("a restart", () => {
    it("[C09] loses neither members nor invites nor reservations", async () => {
      const hosted = await world.found();
      const { key } = await world.invite(hosted, { count: 2 });
      const first = await world.join(hosted, key, { name: "first", address: "10.20.1.1" });
      const pin = world.router.keys.pin;
      await world.restart();
      expect(world.router.keys.pin).toBe(pin);
      expect(world.realm.peers.has(first.device.sessionKey)).toBe(true);
      const back = await world.member(hosted, first);
      await back.control.synchronise("", []);
      expect(back.certificateOf(first.device.identity.key)?.addresses).toEqual(["10.20.1.1"]);
      expect(await codeOf(world.admit(hosted, key, { address: "10.20.1.1" }))).toBe("address-taken");
      const second = await world.join(hosted, key, { name: "second" });
      expect(await codeOf(world.admit(hosted, key))).toBe("invite-used");

      await second.client.control.publish([hosted.network.revocation(second.device, second.device.identity)]);
      await second.client.until("the end", () => second.client.ended !== null);
      await world.restart();
      expect(await codeOf(world.member(hosted, second))).toBe("revoked");
      const { key: other } = await world.invite(hosted);
      expect(await codeOf(world.admit(hosted, other, { address: second.address }))).toBe("address-taken");
    });
  });

  it("serves 200 members of one network, each of whom sees all others", {
    timeout: 300_000,
  }, async () => {
    const hosted = await world.found();
    const devices = Array.from({ length: 200 }, () => testDevice());
    const certificates = devices.map((device, at) =>
      hosted.network.certificate(device, {
        name: `node-${at}`,
        addresses: [`10.20.${1 + Math.floor(at / 100)}.${at % 100}`],
      }),
    );
    await world.publish(hosted, certificates);
    const clients: TestClient[] = [];
    for (let at = 0; at < 200; at += 20) {
      const wave = devices.slice(at, at + 20).map((device, index) => {
        const certificate = certificates[at + index] ?? fail();
        return world.member(hosted, { device, certificate });
      });
      clients.push(...(await Promise.all(wave)));
    }
    const all = (client: TestClient) =>
      [...client.online.values()].filter(({ online }) => online).length === 200;
    await Promise.all(clients.map((client) => client.until("all online", () => all(client))));
    const [first] = clients;
    const [device] = devices;
    await first?.control.publish([hosted.network.nodeRecord(device ?? fail(), 1)]);
    await Promise.all(
      clients.slice(1).map((client) => client.until("the record", () => client.of("node").length === 1)),
    );
    expect(first?.of("node")).toEqual([]);
    expect(world.router.state()?.networks[0]).toMatchObject({ members: 201, online: 200 });
  });
});

async function someOtherPin(): Promise<string> {
  return notary.hash(new Uint8Array(32));
}

function fail(): never {
  throw new Error("a test's own mistake");
}
