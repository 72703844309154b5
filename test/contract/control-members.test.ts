/** Members of one network at their router, over real TLS and over its twin in memory. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Signed } from "../../src-shared/trust.ts";
import { testDevice } from "../fakes/founded-network.ts";
import { testSigner } from "../fakes/notary.ts";
import { codeOf, errorOf, memberGreeting, notary, World } from "./control-world.ts";

const day = 86_400_000;

describe.each(["tls", "memory"] as const)("members over %s", (kind) => {
  let world: World;
  beforeEach(async () => {
    world = new World(kind);
    await world.start();
  });
  afterEach(() => world.close());

  it("[E09] sees nothing of another network, and can do nothing there", async () => {
    const one = await world.found({ name: "one" });
    const two = await world.found({ name: "two" });
    const inOne = await world.join(one, (await world.invite(one)).key, { name: "a" });
    const inTwo = await world.join(two, (await world.invite(two)).key, { name: "b" });
    await inOne.client.control.synchronise("", []);
    const networks = new Set(inOne.client.received.map(({ body }) => body.network));
    expect([...networks]).toEqual([one.network.id]);
    const admin = await world.admin(one);
    expect(admin.isOnline(inTwo.device.identity.key)).toBe(false);
    const client = inOne.client.control;
    const carry = client.request({ call: "carry", to: inTwo.device.sessionKey, datagram: "AAAA" });
    expect(await codeOf(carry)).toBe("peer-unreachable");
    expect(await codeOf(client.publish([two.network.revocation(inTwo.device)]))).toBe("not-allowed");
    const crossed = memberGreeting(two.network, inOne.device, inOne.certificate);
    expect(await codeOf(world.connect(crossed))).toBe("not-allowed");
    expect(await codeOf(world.connect(memberGreeting(one.network, inTwo.device, inOne.certificate)))).toBe(
      "not-allowed",
    );
  });

  it("get their own key envelopes only; open invites' go to administrators", async () => {
    const hosted = await world.found();
    const { key, envelope: invited } = await world.invite(hosted);
    const one = await world.join(hosted, key, { name: "one" });
    const two = await world.join(hosted, key, { name: "two" });
    const admin = await world.admin(hosted);
    const sealed = [one, two].map(({ device }) => hosted.network.envelope(device.sessionKey));
    await admin.control.publish(sealed);
    await Promise.all(
      [one, two].map(({ client }) => client.until("its key", () => client.of("epoch").length > 0)),
    );
    expect(one.client.of("epoch").map(({ signed }) => signed.body)).toEqual([sealed[0]?.body]);
    expect(two.client.of("epoch").map(({ signed }) => signed.body)).toEqual([sealed[1]?.body]);
    const back = await world.member(hosted, one);
    await back.until("its key", () => back.of("epoch").length > 0);
    expect(back.of("epoch").map(({ signed }) => signed.body)).toEqual([sealed[0]?.body]);
    expect(admin.of("epoch").map(({ signed }) => signed.body)).toContain(invited.body);
  });

  it("[Z23] tell of their links, and see those of all others, while they are there", async () => {
    const hosted = await world.found();
    const { key } = await world.invite(hosted);
    const [one, two, three] = [
      await world.join(hosted, key, { name: "one" }),
      await world.join(hosted, key, { name: "two" }),
      await world.join(hosted, key, { name: "three" }),
    ];
    const keyOf = ({ device }: typeof one) => device.sessionKey;
    await one.client.control.request({
      call: "links",
      links: [
        { to: keyOf(two), via: [], ms: 12.5 },
        { to: keyOf(three), via: ["nas"], ms: null },
        { to: testDevice().sessionKey, via: [], ms: 1 },
      ],
    });
    await two.client.control.request({ call: "links", links: [{ to: keyOf(one), via: [], ms: 12 }] });
    const seen = await three.client.control.request({ call: "graph", have: null });
    const ends = (seen.graph?.links ?? []).map(({ a, b, via }) => ({
      pair: [seen.graph?.keys[a], seen.graph?.keys[b]].sort(),
      via,
    }));
    expect(ends).toHaveLength(2);
    expect(ends).toContainEqual({ pair: [keyOf(one), keyOf(two)].sort(), via: [] });
    expect(ends).toContainEqual({ pair: [keyOf(one), keyOf(three)].sort(), via: ["nas"] });
    const again = await three.client.control.request({ call: "graph", have: seen.version });
    expect(again).toEqual({ version: seen.version, graph: null });

    one.client.control.close();
    await two.client.until("one gone", () => !two.client.isOnline(one.device.identity.key));
    const after = await two.client.control.request({ call: "graph", have: seen.version });
    expect(after.graph?.links).toEqual([{ a: 0, b: 1, via: [], ms: 12 }]);
    expect(after.graph?.keys).toEqual([keyOf(two), keyOf(one)]);
  });

  it("[C08] hear who comes, goes, and whose UDP session stands", async () => {
    const hosted = await world.found();
    const { key } = await world.invite(hosted);
    const one = await world.join(hosted, key, { name: "one" });
    const two = await world.join(hosted, key, { name: "two" });
    const { identity } = two.device;
    await one.client.until("two online", () => one.client.isOnline(identity.key));
    expect(one.client.online.get(identity.key)?.udp).toBe(false);
    await two.client.control.request({ call: "presence", udp: true });
    await one.client.until("two by UDP", () => one.client.online.get(identity.key)?.udp === true);
    two.client.control.close();
    await one.client.until("two gone", () => !one.client.isOnline(identity.key));
    expect(two.client.isOnline(one.device.identity.key)).toBe(true);
  });

  it("[C08] have one place: a second connection of a node ends the first, and it stays online", async () => {
    const hosted = await world.found();
    const { key } = await world.invite(hosted);
    const one = await world.join(hosted, key, { name: "one" });
    const two = await world.join(hosted, key, { name: "two" });
    const again = await world.member(hosted, two);
    await two.client.until("the end", () => two.client.ended !== null);
    await again.control.request({ call: "presence", udp: true });
    await one.client.until("two by UDP", () => one.client.online.get(two.device.identity.key)?.udp === true);
    expect(one.client.isOnline(two.device.identity.key)).toBe(true);
  });

  it("[C10] reach each other's records at once, and by difference after an absence", async () => {
    const hosted = await world.found();
    const { key } = await world.invite(hosted);
    const one = await world.join(hosted, key, { name: "one" });
    const two = await world.join(hosted, key, { name: "two" });
    await two.client.control.publish([hosted.network.nodeRecord(two.device, 1)]);
    await one.client.until("where two is", () => one.client.of("node").length === 1);
    await one.client.control.synchronise("", []);
    one.client.control.close();
    await two.client.control.publish([hosted.network.nodeRecord(two.device, 2, "198.51.100.9:7743")]);
    const own = hosted.network.nodeRecord(one.device, 1);
    const back = await world.member(hosted, one);
    const known = [...one.client.received, entryOf(own)];
    await back.control.synchronise("not the digest", known);
    expect(back.of("node").map(({ body }) => body.version)).toEqual([2]);
    expect(back.of("certificate")).toEqual([]);
    await two.client.until("where one is", () =>
      two.client.of("node").some(({ body }) => body.identity === one.device.identity.key),
    );
  });

  it("carry a sealed datagram to each other where UDP fails", async () => {
    const hosted = await world.found();
    const { key } = await world.invite(hosted);
    const one = await world.join(hosted, key, { name: "one" });
    const two = await world.join(hosted, key, { name: "two" });
    const carry = (to: typeof two.device.sessionKey) =>
      one.client.control.request({ call: "carry", to, datagram: "AQIDBA==" });
    await carry(two.device.sessionKey);
    await two.client.until("the datagram", () => two.client.datagrams.length === 1);
    await one.client.until("two online", () => one.client.isOnline(two.device.identity.key));
    expect(two.client.datagrams).toEqual([
      { from: one.device.sessionKey, datagram: new Uint8Array([1, 2, 3, 4]) },
    ]);
    two.client.control.close();
    await one.client.until("two gone", () => !one.client.isOnline(two.device.identity.key));
    expect(await codeOf(carry(two.device.sessionKey))).toBe("peer-unreachable");
  });

  it("are told at once of a removal; the removed one is told and cut, and stays out", async () => {
    const hosted = await world.found();
    const { key } = await world.invite(hosted);
    const stays = await world.join(hosted, key, { name: "stays" });
    const goes = await world.join(hosted, key, { name: "goes" });
    const admin = await world.admin(hosted);
    await admin.control.publish([hosted.network.revocation(goes.device)]);
    await Promise.all([
      goes.client.until("the end", () => goes.client.ended?.code === "revoked"),
      stays.client.until("the revocation", () => stays.client.of("revocation").length === 1),
    ]);
    expect(goes.client.ended?.message).toContain("home");
    expect(world.realm.peers.has(goes.device.sessionKey)).toBe(false);
    expect(await codeOf(world.member(hosted, goes))).toBe("revoked");
  });

  it("are not removed by one who may not, nor by one who was removed", async () => {
    const hosted = await world.found();
    const { key } = await world.invite(hosted);
    const stays = await world.join(hosted, key, { name: "stays" });
    const envies = await world.join(hosted, key, { name: "envies" });
    await envies.client.control.publish([hosted.network.revocation(stays.device, envies.device.identity)]);
    expect(world.router.refused()["entry unfounded"]).toBe(1);
    await stays.client.control.request({ call: "presence", udp: true });
    expect(world.realm.peers.has(stays.device.sessionKey)).toBe(true);
  });

  it("may leave by their own hand, and find their address again within 30 days", async () => {
    const hosted = await world.found();
    const { key } = await world.invite(hosted, { expires: world.now() + 60 * day });
    const leaves = await world.join(hosted, key, { name: "laptop", address: "10.20.9.9" });
    await leaves.client.control.publish([hosted.network.revocation(leaves.device, leaves.device.identity)]);
    await leaves.client.until("the end", () => leaves.client.ended !== null);
    world.shift = 20 * day;
    expect(await codeOf(world.admit(hosted, key, { name: "other", address: "10.20.9.9" }))).toBe(
      "address-taken",
    );
    const again = { identity: leaves.device.identity, sessionKey: testDevice().sessionKey };
    const back = await world.join(hosted, key, { name: "laptop", device: again });
    expect(back.address).toBe("10.20.9.9");
    await back.client.control.publish([hosted.network.revocation(again, again.identity, world.now() + 1)]);
    await back.client.until("the end", () => back.client.ended !== null);
    world.shift = 55 * day;
    const heir = await world.join(hosted, key, { name: "heir", address: "10.20.9.9" });
    expect(heir.address).toBe("10.20.9.9");
  });

  it("with an unknown or expired certificate are refused, and a stranger's signature proves nothing", async () => {
    const hosted = await world.found();
    const device = testDevice();
    const forged = hosted.network.certificate(device, {}, testSigner());
    expect(await codeOf(world.member(hosted, { device, certificate: forged }))).toBe("not-allowed");
    const { key } = await world.invite(hosted);
    const member = await world.join(hosted, key);
    const thief = { identity: testSigner(), sessionKey: member.device.sessionKey };
    expect(await codeOf(world.connect(memberGreeting(hosted.network, thief, member.certificate)))).toBe(
      "not-allowed",
    );
  });

  it("[C07] an administrator is told whose address it gave away, and nothing changes", async () => {
    const hosted = await world.found();
    const { key } = await world.invite(hosted);
    const holder = await world.join(hosted, key, { name: "holder", address: "10.20.6.6" });
    const admin = await world.admin(hosted);
    const rival = testDevice();
    const twice = hosted.network.certificate(
      rival,
      { name: "rival", addresses: ["10.20.6.6"] },
      hosted.admin.identity,
    );
    const refused = await errorOf(admin.control.publish([twice]));
    expect(refused).toMatchObject({ code: "address-taken", data: { owner: "holder" } });
    expect(world.realm.peers.has(rival.sessionKey)).toBe(false);
    expect(world.realm.peers.has(holder.device.sessionKey)).toBe(true);
  });

  it("a gateway reserves for and admits the stock clients that it serves; others may not", async () => {
    const hosted = await world.found();
    const { key } = await world.invite(hosted);
    const plain = await world.join(hosted, key, { name: "plain" });
    const admin = await world.admin(hosted);
    const phone = testDevice();
    const ask = { call: "reserve", name: "phone", identity: phone.identity.key } as const;
    expect(await codeOf(plain.client.control.request(ask))).toBe("not-allowed");
    const { name, address } = await admin.control.request(ask);
    const stock = hosted.network.certificate(
      phone,
      {
        kind: "stock",
        name,
        addresses: [address],
        gateway: hosted.admin.identity.key,
        rights: { relay: false, gateway: null, issue: false },
      },
      hosted.admin.identity,
    );
    await admin.control.request({ call: "admit", certificate: stock });
    await plain.client.until(
      "the phone",
      () => plain.client.certificateOf(phone.identity.key)?.kind === "stock",
    );
  });
});

function entryOf(signed: Signed) {
  const entry = notary.verify(signed);
  if (entry === null) throw new Error("a test's own mistake");
  return entry;
}
