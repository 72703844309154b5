/** Relay channels that the router sets up between members. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { controlKind, relayOffer, relayOpened } from "../../src-shared/wire.ts";
import { testDevice } from "../fakes/founded-network.ts";
import { testSigner } from "../fakes/notary.ts";
import type { Hosted, Joined } from "./control-world.ts";
import { World } from "./control-world.ts";

const datagram = "AQIDBA==";

describe("relay", () => {
  let world: World;
  let hosted: Hosted;
  let one: Joined;
  let two: Joined;
  beforeEach(async () => {
    world = new World("memory");
    await world.start();
    hosted = await world.found();
    const { key } = await world.invite(hosted);
    one = await world.join(hosted, key, { name: "one" });
    two = await world.join(hosted, key, { name: "two" });
    for (const { device } of [one, two]) world.realm.sessions.add(device.sessionKey);
  });
  afterEach(() => world.close());

  async function open(
    from: Pick<Joined, "device" | "certificate">,
    to: { readonly sessionKey: string },
    change: object = {},
  ) {
    const body = { to: to.sessionKey, certificate: from.certificate, datagram, hops: 4, ...change };
    return relayOpened.parse(await world.realm.ask(from.device.sessionKey, controlKind.relayOpen, body));
  }

  it("opens a channel for each end, and offers the other its own with certificate and first datagram", async () => {
    const opened = await open(one, two.device);
    expect(opened).toEqual({ channel: expect.any(Number) });
    expect(world.realm.opened).toEqual([{ from: one.device.sessionKey, to: two.device.sessionKey }]);
    expect(world.realm.sent).toHaveLength(1);
    const [offer] = world.realm.sent;
    expect(offer).toMatchObject({ peer: two.device.sessionKey, type: controlKind.relayOffer });
    const told = relayOffer.parse(JSON.parse(offer?.body ?? ""));
    expect(told).toMatchObject({ from: one.device.sessionKey, datagram, certificate: one.certificate });
    expect(told.channel).not.toBe("channel" in opened ? opened.channel : null);
  });

  it("[E09] never joins two networks, whatever certificate is shown", async () => {
    const other = await world.found({ name: "other" });
    const { key } = await world.invite(other);
    const foreign = await world.join(other, key, { name: "foreign" });
    world.realm.sessions.add(foreign.device.sessionKey);
    expect(await open(one, foreign.device)).toEqual({ refused: "unknown" });
    expect(await open(one, foreign.device, { certificate: foreign.certificate })).toEqual({
      refused: "not-allowed",
    });
    // A second network in which somebody names a member's key as its own makes no bridge either.
    const bridge = other.network.certificate(
      { identity: testSigner(), sessionKey: one.device.sessionKey },
      { name: "x", addresses: ["10.20.4.4"] },
    );
    await world.publish(other, [bridge]);
    const through = await open(one, two.device, { certificate: bridge });
    expect(through).toEqual({ refused: "unknown" });
    expect(world.realm.opened).toEqual([]);
    expect(world.realm.sent).toEqual([]);
  });

  it("refuses strangers, garbage, oneself, and who has no session, each for its reason", async () => {
    const stranger = testDevice();
    const forged = hosted.network.certificate(one.device, { name: "one" }, testSigner());
    expect(await open(one, stranger)).toEqual({ refused: "unknown" });
    expect(await open(one, one.device)).toEqual({ refused: "not-allowed" });
    expect(await open(one, two.device, { certificate: forged })).toEqual({ refused: "not-allowed" });
    expect(await open(one, two.device, { certificate: two.certificate })).toEqual({ refused: "not-allowed" });
    expect(await open(one, two.device, { hops: 0 })).toEqual({ refused: "not-allowed" });
    expect(await world.realm.ask(one.device.sessionKey, controlKind.relayOpen, "{")).toEqual({
      refused: "not-allowed",
    });
    world.realm.end(two.device.sessionKey);
    expect(await open(one, two.device)).toEqual({ refused: "offline" });
    world.here.add(two.device.sessionKey);
    expect(await open(one, two.device)).toEqual({ refused: "here" });
    expect(world.realm.opened).toEqual([]);
    expect(world.router.refused()).toMatchObject({
      "relay not-allowed": 5,
      "relay unknown": 1,
      "relay offline": 1,
    });
  });

  it("ends with the member: a removed one's key is taken out, and is unknown from then on", async () => {
    await open(one, two.device);
    await world.publish(hosted, [hosted.network.revocation(two.device)]);
    expect(world.realm.peers.has(two.device.sessionKey)).toBe(false);
    expect(await open(one, two.device)).toEqual({ refused: "unknown" });
    expect(await open(two, one.device)).toEqual({ refused: "not-allowed" });
  });

  it("keeps a key that is a member of two networks until it is of none", async () => {
    const other = await world.found({ name: "other" });
    const twice = other.network.certificate(one.device, { name: "twice", addresses: ["10.20.4.4"] });
    await world.publish(other, [twice]);
    await world.publish(hosted, [hosted.network.revocation(one.device)]);
    expect(world.realm.peers.has(one.device.sessionKey)).toBe(true);
    expect(world.realm.sessions.has(one.device.sessionKey)).toBe(false);
    await world.publish(other, [other.network.revocation(one.device)]);
    expect(world.realm.peers.has(one.device.sessionKey)).toBe(false);
  });

  it("has a quota per member that comes back with time", async () => {
    world.stopped = Date.now();
    const asked = await Promise.all(Array.from({ length: 220 }, () => open(one, two.device)));
    const refused = asked.filter((answer) => "refused" in answer);
    expect(refused.length).toBe(20);
    expect(new Set(refused.map((answer) => JSON.stringify(answer)))).toEqual(
      new Set(['{"refused":"quota"}']),
    );
    expect(await open(two, one.device)).toHaveProperty("channel");
    world.shift = 10_000;
    expect(await open(one, two.device)).toHaveProperty("channel");
  });

  it("answers a comparison of states with the asker's own digest, and anything unknown with nothing", async () => {
    expect(await world.realm.ask(one.device.sessionKey, controlKind.state, { digest: "abc" })).toEqual({
      digest: "abc",
    });
    expect(await world.realm.ask(one.device.sessionKey, 99, { digest: "abc" })).toEqual({});
  });
});
