/** Joining a network through its router, over real TLS and over its twin in memory. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FoundedNetwork, testDevice } from "../fakes/founded-network.ts";
import { testSigner } from "../fakes/notary.ts";
import { codeOf, errorOf, issuerGreeting, secretGreeting, World } from "./control-world.ts";

describe.each(["tls", "memory"] as const)("joining over %s", (kind) => {
  let world: World;
  beforeEach(async () => {
    world = new World(kind);
    await world.start();
  });
  afterEach(() => world.close());

  it("[E13 Z11 C06] goes step by step: invite, name and address, certificate, members and key envelope", async () => {
    const hosted = await world.found();
    const { key, envelope } = await world.invite(hosted);
    const admin = await world.admin(hosted);
    const joined = await world.admit(hosted, key, { name: "laptop" });
    const { client, device } = joined;

    expect(client.control.welcome.record?.body).toBe(hosted.network.signedRecord().body);
    expect(client.control.welcome.mask).toBe(world.router.keys.mask);
    expect(client.control.welcome.delegation?.kind).toBe("delegation");
    expect(joined.name).toBe("laptop");
    expect(joined.address).toMatch(/^10\.20\.\d+\.\d+$/);
    expect(client.certificateOf(hosted.admin.identity.key)?.name).toBe("admin");
    expect(client.certificateOf(device.identity.key)?.addresses).toEqual([joined.address]);
    expect(client.of("epoch").map(({ signed }) => signed.body)).toEqual([envelope.body]);
    await admin.until(
      "the newcomer's certificate",
      () => admin.certificateOf(device.identity.key) !== undefined,
    );
    expect(world.realm.peers.has(device.sessionKey)).toBe(true);
  });

  it("gives the identical certificate the same answer again, also after the invite was used up by it", async () => {
    const hosted = await world.found();
    const { key } = await world.invite(hosted, { count: 1 });
    const first = await world.admit(hosted, key);
    const again = await world.connect({
      role: "invited",
      network: hosted.network.id,
      delegation: key.key,
      sign: key.sign,
    });
    await again.control.request({ call: "admit", certificate: first.certificate });
    const seen = (client: typeof again) => client.received.map(({ hash }) => hash).sort();
    expect(seen(again)).toEqual(seen(first.client));
    expect(again.of("epoch")).toHaveLength(1);
  });

  it("[E13] refuses an invite that is used up, expired, withdrawn or unknown, each by its code", async () => {
    const hosted = await world.found();
    const once = await world.invite(hosted, { count: 1 });
    await world.join(hosted, once.key);
    expect(await codeOf(world.admit(hosted, once.key))).toBe("invite-used");

    const brief = await world.invite(hosted, { expires: world.now() + 60_000 });
    const withdrawn = await world.invite(hosted);
    await world.publish(hosted, [hosted.network.close(withdrawn.key, [])]);
    expect(await codeOf(world.admit(hosted, withdrawn.key))).toBe("invite-withdrawn");
    world.shift = 120_000;
    expect(await codeOf(world.admit(hosted, brief.key))).toBe("invite-expired");
    expect(await codeOf(world.admit(hosted, testSigner()))).toBe("invite-withdrawn");
  });

  it("lets an expired invite in by no other door: a member that publishes for it changes nothing", async () => {
    const hosted = await world.found();
    const { key } = await world.invite(hosted, { expires: world.now() + 60_000 });
    const member = await world.join(hosted, key);
    world.shift = 120_000;
    const late = testDevice();
    const forged = hosted.network.certificate(
      late,
      { name: "late", addresses: ["10.20.7.7"], issued: world.now() - 100_000 },
      key,
    );
    await member.client.control.publish([forged]);
    expect(world.realm.peers.has(late.sessionKey)).toBe(false);
    expect(await codeOf(world.member(hosted, { device: late, certificate: forged }))).toBe("not-allowed");
  });

  it("[C07] gives a chosen address, and names the owner of one that is taken", async () => {
    const hosted = await world.found();
    const { key } = await world.invite(hosted);
    const first = await world.join(hosted, key, { name: "nas", address: "10.20.3.4" });
    expect(first.address).toBe("10.20.3.4");
    const taken = await errorOf(world.admit(hosted, key, { address: "10.20.3.4" }));
    expect(taken.code).toBe("address-taken");
    expect(taken.data).toMatchObject({ address: "10.20.3.4", owner: "nas" });
    expect(await codeOf(world.admit(hosted, key, { address: "10.99.0.1" }))).toBe("address-outside");
  });

  it("gives a duplicate name its number", async () => {
    const hosted = await world.found();
    const { key } = await world.invite(hosted);
    const names = [];
    for (const name of ["nas", "nas", "NAS"]) names.push((await world.join(hosted, key, { name })).name);
    expect(names).toEqual(["nas", "nas-2", "NAS-3"]);
  });

  it("refuses a certificate whose address another one holds meanwhile, and one for more than the invite allows", async () => {
    const hosted = await world.found();
    const { key } = await world.invite(hosted);
    const holder = testDevice();
    const holding = await world.connect({
      role: "invited",
      network: hosted.network.id,
      delegation: key.key,
      sign: key.sign,
    });
    await holding.control.request({
      call: "reserve",
      name: "a",
      address: "10.20.5.5",
      identity: holder.identity.key,
    });
    const sneaky = hosted.network.certificate(
      testDevice(),
      { name: "b", addresses: ["10.20.5.5"], issued: world.now() },
      key,
    );
    expect(await codeOf(holding.control.request({ call: "admit", certificate: sneaky }))).toBe(
      "address-taken",
    );
    const greedy = hosted.network.certificate(
      testDevice(),
      {
        name: "c",
        addresses: ["10.20.5.6"],
        issued: world.now(),
        rights: { relay: true, gateway: null, issue: true },
      },
      key,
    );
    expect(await codeOf(holding.control.request({ call: "admit", certificate: greedy }))).toBe("not-allowed");
    const foreign = hosted.network.certificate(
      testDevice(),
      { name: "d", addresses: ["10.20.5.7"] },
      testSigner(),
    );
    expect(await codeOf(holding.control.request({ call: "admit", certificate: foreign }))).toBe(
      "not-allowed",
    );
  });

  it("[C04 P12] lets in by name and secret; tells a wrong secret from a name that is not here", async () => {
    const hosted = await world.found({ name: "lan-party", secret: true });
    const device = testDevice();
    const client = await world.connect(secretGreeting(hosted.network));
    const { name, address } = await client.control.request({
      call: "reserve",
      name: "pc",
      identity: device.identity.key,
    });
    const certificate = hosted.network.certificate(device, { name, addresses: [address] });
    await client.control.request({ call: "admit", certificate });
    expect(client.certificateOf(device.identity.key)?.name).toBe("pc");
    expect((await world.member(hosted, { device, certificate })).control.welcome.record).not.toBeNull();

    const guess = secretGreeting(hosted.network);
    const stranger = testSigner();
    const { network: wrongId } = issuerGreeting(
      new FoundedNetwork({
        issuer: stranger,
      }),
    );
    const wrong = await errorOf(
      world.connect({
        ...guess,
        network: wrongId,
        issuer: stranger.key,
        sign: stranger.sign,
      } as typeof guess),
    );
    expect(wrong.code).toBe("wrong-secret");
    expect(wrong.data["name"]).toBe("lan-party");
    const unknown = {
      ...guess,
      network: wrongId,
      issuer: stranger.key,
      sign: stranger.sign,
      name: "elsewhere",
    };
    const missing = await errorOf(world.connect(unknown as typeof guess));
    expect(missing.code).toBe("no-network-here");
    expect(missing.message).toContain("elsewhere");
  });

  it("under approval waits with a narrow view until an administrator signs", async () => {
    const hosted = await world.found({ approval: true });
    const other = await world.invite(hosted);
    const { key } = await world.invite(hosted);
    const bystander = testDevice();
    await world.publish(hosted, [
      hosted.network.certificate(bystander, { name: "bystander", addresses: ["10.20.8.8"] }),
    ]);
    const joined = await world.admit(hosted, key, { name: "guest" });
    expect(joined.client.of("epoch")).toEqual([]);
    expect(joined.client.certificateOf(bystander.identity.key)).toBeUndefined();
    expect(joined.client.certificateOf(hosted.admin.identity.key)?.name).toBe("admin");
    expect(world.realm.peers.has(joined.device.sessionKey)).toBe(false);

    const waiting = await world.member(hosted, joined);
    expect(
      await codeOf(waiting.control.request({ call: "carry", to: bystander.sessionKey, datagram: "AAAA" })),
    ).toBe("not-allowed");
    const envelope = hosted.network.envelope(joined.device.sessionKey);
    const direct = hosted.network.certificate(joined.device, {
      name: joined.name,
      addresses: [joined.address],
      serial: 2,
    });
    const admin = await world.admin(hosted);
    await admin.control.publish([direct, envelope]);
    await waiting.until("the key", () => waiting.of("epoch").length === 1);
    expect(waiting.certificateOf(bystander.identity.key)?.name).toBe("bystander");
    await admin.until("the guest online", () => admin.isOnline(joined.device.identity.key));
    expect(world.realm.peers.has(joined.device.sessionKey)).toBe(true);
    expect(other.key.key).not.toBe(key.key);
  });
});
