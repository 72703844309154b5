import { describe, expect, it } from "vitest";
import { Doors } from "../../../src-main/engine/doors.ts";
import type { Door } from "../../../src-main/mesh/reach.ts";

const door = (host: string): Door => ({ protocol: "udp", address: `${host}:7743`, port: 0 });

/** Doors over sockets that answer at once for the hosts given. */
function bench(open: readonly string[], isPlain = true) {
  const bound: string[] = [];
  const asked: string[] = [];
  const clock = { now: 1_800_000_000_000 };
  const doors = new Doors({
    dataPlane: {
      bind: (socket) => bound.push(socket),
      unbind: (socket) => void bound.splice(bound.indexOf(socket), 1),
      stun: (socket, server) => {
        asked.push(`${socket} ${server}`);
        const address = open.includes(server) ? "198.51.100.9:4711" : null;
        queueMicrotask(() => doors.handle({ kind: "mapped", socket, server, address }));
      },
    },
    now: () => clock.now,
    isPlain: () => isPlain,
  });
  return { doors, bound, asked, clock };
}

describe("the doors of a router", () => {
  it("[W18] are tried by UDP from a socket that is new each time, and closed again", async () => {
    const { doors, bound, asked } = bench(["203.0.113.2:7743"]);
    const tries = await doors.tryAll("pin", [door("203.0.113.2"), door("203.0.113.6")]);
    expect(tries.map(({ outcome }) => outcome)).toEqual(["reached", "silent"]);
    await doors.tryAll("pin", [door("203.0.113.2")]);
    expect(new Set(asked.map((each) => each.split(" ")[0])).size).toBe(3);
    expect(bound).toEqual([]);
  });

  it("are left alone where they lie on a LAN, or where plain UDP is not wanted", async () => {
    const inside = ["192.168.1.1", "127.0.0.1", "localhost"].map(door);
    const { doors, asked } = bench([]);
    expect(await doors.tryAll("pin", inside)).toEqual([]);
    expect(asked).toEqual([]);
    expect(await bench([], false).doors.tryAll("pin", [door("203.0.113.2")])).toEqual([]);
  });

  it("are tried now and then for each router, not whenever it asks", async () => {
    const { doors, clock } = bench(["203.0.113.2:7743"]);
    const count = async (router: string) => (await doors.tryAll(router, [door("203.0.113.2")])).length;
    const rounds: number[] = [];
    for (let round = 0; round < 7; round++) rounds.push(await count("pin"));
    expect(rounds).toEqual([1, 1, 1, 1, 1, 0, 0]);
    expect(await count("another")).toBe(1);
    clock.now += 20_000;
    expect([await count("pin"), await count("pin")]).toEqual([1, 0]);
  });
});
