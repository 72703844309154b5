/** A router that asks members elsewhere to try its ports, and hears what they found. */
import { beforeEach, describe, expect, it } from "vitest";
import { HostedNetwork } from "../../src-main/server/hosted.ts";
import { createMemoryStore } from "../../src-main/server/memory-store.ts";
import { ReachCheck } from "../../src-main/server/reach-check.ts";
import type { Seat } from "../../src-main/server/seat.ts";
import { parsePrefix } from "../../src-shared/address.ts";
import type { Signed } from "../../src-shared/trust.ts";
import type { ReachTry, RouterMessage } from "../../src-shared/wire.ts";
import { FoundedNetwork, testDevice } from "../fakes/founded-network.ts";
import { createTestNotary } from "../fakes/notary.ts";

const notary = createTestNotary();
const pin = notary.hash(new Uint8Array([1]));
const address = "203.0.113.2:7743";
const here = { prefixes: [parsePrefix("203.0.113.0/30")].filter((each) => each !== null), addresses: [] };
const taken = [
  { transport: "udp" as const, port: { protocol: "udp" as const, port: 0 } },
  { transport: "tcp" as const, port: { protocol: "tcp" as const, port: 7744 } },
  { transport: "tls" as const, port: { protocol: "https" as const, port: 0 } },
  { transport: "quic" as const, port: null },
];

describe("the check from outside", () => {
  let network: FoundedNetwork;
  let hosted: HostedNetwork;
  let check: ReachCheck;

  beforeEach(async () => {
    const now = 1_800_000_000_000;
    network = new FoundedNetwork({ now });
    hosted = new HostedNetwork(
      { network: network.id, entries: [], reservations: [] },
      {
        notary,
        store: createMemoryStore(),
        now: () => now,
        keyChanged: () => undefined,
        refused: () => undefined,
      },
    );
    const elsewhere = { addresses: ["192.0.2.1:7743"], pin: notary.hash(new Uint8Array([2])) };
    await merge(network.signedRecord({ routers: [{ addresses: [address], pin }, elsewhere] }));
    check = new ReachCheck({ pin, networks: () => [hosted] });
  });

  function merge(...signed: readonly Signed[]): Promise<void> {
    return hosted.merge(signed.flatMap((each) => notary.verify(each) ?? []));
  }

  /** A member that is connected from an address, and what it does when it is asked. */
  async function member(
    name: string,
    remote: string,
    answer: (asked: Extract<RouterMessage, { kind: "reach" }>) => readonly ReachTry[] | null,
  ): Promise<{ readonly asked: () => number }> {
    const device = testDevice();
    await merge(network.certificate(device, { name, addresses: [`10.20.0.${hosted.keys().length + 2}`] }));
    let count = 0;
    const seat: Seat = {
      kind: "member",
      identity: device.identity.key,
      udp: false,
      farewell: null,
      outlet: {
        remote,
        send: (message) => {
          if (message.kind !== "reach") return;
          count++;
          const tries = answer(message);
          if (tries !== null) check.hear(seat, { call: "reached", id: message.id, tries: [...tries] });
        },
        sendBytes: () => undefined,
        refuse: () => undefined,
        close: () => undefined,
      },
    };
    hosted.sit(seat);
    return { asked: () => count };
  }

  const all = (outcome: ReachTry["outcome"]) => [{ protocol: "udp" as const, address, outcome }];

  it("[W18] asks members elsewhere, one at each address, and nobody on its own network", async () => {
    const near = await member("near", "203.0.113.1", () => all("reached"));
    const lan = await member("lan", "192.168.1.9", () => all("reached"));
    await member("far", "198.51.100.2", () => all("silent"));
    const twin = await member("twin", "198.51.100.2", () => all("reached"));
    await member("phone", "198.51.100.6", () => all("reached"));
    const found = await check.run(taken, here);
    expect([near, lan, twin].map(({ asked }) => asked())).toEqual([0, 0, 0]);
    expect(found.asked.map(({ name, from }) => `${name} ${from}`)).toEqual([
      "far 198.51.100.2",
      "phone 198.51.100.6",
    ]);
    const udp = found.doors.find(({ protocol }) => protocol === "udp");
    expect(udp).toMatchObject({
      address,
      transports: ["udp"],
      state: "partly",
      reachedBy: ["phone"],
      missedBy: ["far"],
    });
    expect(found.doors.map(({ protocol, address: at }) => `${protocol} ${at}`)).toEqual([
      `https ${address}`,
      `udp ${address}`,
      "tcp 203.0.113.2:7744",
    ]);
    expect(found).toMatchObject({ untested: ["quic"], recorded: [address] });
  });

  it("hears nobody who was not asked, and nothing of another question", async () => {
    await member("far", "198.51.100.2", ({ id }) => {
      for (const seat of hosted.audience.seats())
        check.hear(seat, { call: "reached", id: id + 1, tries: all("reached") });
      return all("silent");
    });
    const found = await check.run(taken, here);
    expect(found.doors.find(({ protocol }) => protocol === "udp")?.state).toBe("missed");
  });

  it("is one for all who ask at once, and ends with the router", async () => {
    const far = await member("far", "198.51.100.2", () => null);
    const both = Promise.all([check.run(taken, here), check.run(taken, here)]);
    expect(far.asked()).toBe(1);
    check.close();
    const [one, other] = await both;
    expect(one).toBe(other);
    expect(one.asked).toEqual([{ name: "far", from: "198.51.100.2", answered: false }]);
    expect(one.doors.every(({ state }) => state === "untried")).toBe(true);
  });

  it("says so at once where nobody is elsewhere", async () => {
    expect(await check.run(taken, here)).toMatchObject({ asked: [] });
  });
});
