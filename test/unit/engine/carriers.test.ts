import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LinkOwner } from "../../../src-main/engine/carriers.ts";
import { Carriers } from "../../../src-main/engine/carriers.ts";

const tcp = "tcp/198.51.100.7:7744";
const tls = "tls/198.51.100.7:443";
const target = { name: null, pin: null, path: null };
let calls: string[] = [];
let busy: number[] = [];
let told: string[] = [];
let streams: { readonly fail: () => void; closed: boolean }[] = [];
/** What opens a stream does next; at the end of the list it opens. */
let outcomes: ("open" | "fail" | "hang")[] = [];
let failures: string[];
let carriers: Carriers;

beforeEach(() => {
  vi.useFakeTimers();
  [calls, busy, told, streams, outcomes, failures] = [[], [], [], [], [], []];
  carriers = new Carriers({
    dataPlane: {
      listenLinks: (_socket, transport, { port }) => {
        if (busy.includes(port)) throw Object.assign(new Error("in use"), { code: "EADDRINUSE" });
        calls.push(`listen ${transport} ${port}`);
        return port || 50_000;
      },
      connectLink: (_socket, to, { seconds }) => void calls.push(`connect ${to} ${seconds}`),
      closeLink: (_socket, to) => void calls.push(`close ${to}`),
      stun: (_socket, server) => void calls.push(`stun ${server}`),
    },
    openStream: ({ endpoint }, signal) => {
      calls.push(`stream ${endpoint}`);
      const outcome = outcomes.shift() ?? "open";
      if (outcome === "fail") return Promise.reject(new Error("refused"));
      if (outcome === "hang")
        return new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason)),
        );
      let fail: () => void = () => undefined;
      const closed = new Promise<string>((resolve) => {
        fail = () => resolve("reset");
      });
      const stream = { closed: false, fail };
      streams.push(stream);
      const close = () => {
        stream.closed = true;
      };
      return Promise.resolve({ closed, close });
    },
    wishes: () => [7743, 7744],
    address: () => undefined,
    random: () => 1,
    changed: (endpoint, up) => void told.push(`${endpoint} ${up ? "up" : "down"}`),
    failed: (endpoint, cause) => void failures.push(`${endpoint} ${cause}`),
  });
});

afterEach(() => {
  carriers.reset();
  vi.useRealTimers();
});

const ann: LinkOwner = { realm: "home", peer: "ann" };
const bob: LinkOwner = { realm: "home", peer: "bob" };
const settle = () => vi.advanceTimersByTimeAsync(1);
const link = (remote: string, up: boolean) => carriers.handle({ kind: "link", socket: "main", remote, up });

describe("[W21] single links", () => {
  it("come from the first port that is to be had, which is kept", () => {
    busy = [7743];
    expect([carriers.listen("tcp"), carriers.listen("tcp")]).toEqual([7744, 7744]);
    expect(calls).toEqual(["listen tcp 7744"]);
  });

  it("of transports over UDP share the port of the socket", () => {
    expect(carriers.listen("kcp")).toBe(50_000);
    expect(calls).toEqual(["listen kcp 0"]);
  });

  it("are opened once for all who ask for the same, and say whether they stand", async () => {
    const asked = [carriers.connect(tcp, 5), carriers.connect(tcp, 5)];
    link(tcp, true);
    expect(await Promise.all(asked)).toEqual([true, true]);
    expect(calls).toEqual(["listen tcp 7743", `connect ${tcp} 5`]);
    const again = carriers.connect(tcp, 5);
    link(tcp, false);
    expect(await again).toBe(false);
  });

  it("say at which address the other end sees them", async () => {
    const asked = carriers.seenBy(tcp);
    carriers.handle({ kind: "mapped", socket: "main", server: tcp, address: "203.0.113.9:50123" });
    expect(await asked).toBe("203.0.113.9:50123");
  });

  it("end without an answer when the socket is bound anew", async () => {
    const [up, address] = [carriers.connect(tcp, 5), carriers.seenBy(tcp)];
    carriers.reset();
    expect([await up, await address]).toEqual([false, null]);
    carriers.listen("tcp");
    expect(calls.filter((call) => call.startsWith("listen"))).toHaveLength(2);
  });

  it("are not to be had without a port", async () => {
    busy = [7743, 7744];
    expect(await carriers.connect(tcp, 5)).toBe(false);
  });
});

describe("links that are wanted", () => {
  it("[P16] are opened by the data plane or as streams, told, and closed when nobody wants them any more", async () => {
    carriers.want(ann, [
      { endpoint: tcp, target },
      { endpoint: tls, target },
    ]);
    carriers.want(bob, [{ endpoint: tls, target }]);
    link(tcp, true);
    await settle();
    expect(told.sort()).toEqual([`${tcp} up`, `${tls} up`]);
    carriers.want(ann, []);
    await settle();
    expect(calls.at(-1)).toBe(`close ${tcp}`);
    expect([streams[0]?.closed, carriers.count]).toEqual([false, 1]);
    carriers.want(bob, []);
    await settle();
    expect([streams[0]?.closed, carriers.count]).toEqual([true, 0]);
    expect(told.slice(2)).toEqual([`${tcp} down`, `${tls} down`]);
  });

  it("[C09] go with the network that wanted them, whether they stand or are tried; those of others stay", async () => {
    outcomes = ["open", "fail"];
    carriers.want(ann, [
      { endpoint: tls, target },
      { endpoint: "tls/203.0.113.7:443", target },
    ]);
    carriers.want({ realm: "homeland", peer: "ann" }, [{ endpoint: tcp, target }]);
    await settle();
    carriers.leave("home");
    await settle();
    expect([streams[0]?.closed, carriers.count]).toEqual([true, 1]);
    carriers.leave("homeland");
    await settle();
    expect([vi.getTimerCount(), carriers.count]).toEqual([0, 0]);
  });

  it("are told to whoever wants them later", async () => {
    carriers.want(ann, [{ endpoint: tls, target }]);
    await settle();
    told = [];
    carriers.want(bob, [{ endpoint: tls, target }]);
    await settle();
    expect([told, streams.length]).toEqual([[`${tls} up`], 1]);
  });

  it("[C08] [C09] that end or do not come to stand are opened again for ever, at most every 20 s, and say once why", async () => {
    outcomes = Array.from({ length: 30 }, () => "fail" as const);
    carriers.want(ann, [{ endpoint: tls, target }]);
    await settle();
    const times: number[] = [Date.now()];
    while (streams.length === 0) {
      const before = calls.length;
      await vi.advanceTimersByTimeAsync(100);
      if (calls.length > before) times.push(Date.now());
    }
    const pauses = times.slice(1).map((time, at) => time - (times[at] ?? 0));
    expect(failures).toEqual([`${tls} Error: refused`]);
    expect(pauses[0]).toBeLessThanOrEqual(600);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(20_100);
    expect(times).toHaveLength(31);
    await settle();
    streams[0]?.fail();
    await settle();
    expect(told).toEqual([`${tls} up`, `${tls} down`]);
    expect(failures).toEqual([`${tls} Error: refused`, `${tls} reset`]);
    await vi.advanceTimersByTimeAsync(500);
    expect(told.at(-1)).toBe(`${tls} up`);
  });

  it("[C08] of the data plane that end are opened again, too", async () => {
    carriers.want(ann, [{ endpoint: tcp, target }]);
    link(tcp, true);
    await settle();
    link(tcp, false);
    await settle();
    expect(told).toEqual([`${tcp} up`, `${tcp} down`]);
    await vi.advanceTimersByTimeAsync(500);
    expect(calls.filter((call) => call.startsWith("connect"))).toHaveLength(2);
  });

  it("that come to stand when nobody wants them any more are closed at once", async () => {
    carriers.want(ann, [{ endpoint: tcp, target }]);
    carriers.want(ann, []);
    link(tcp, true);
    await settle();
    expect([calls.at(-1), told]).toEqual([`close ${tcp}`, []]);
    outcomes = ["hang"];
    carriers.want(ann, [{ endpoint: tls, target }]);
    carriers.want(ann, []);
    await settle();
    expect([vi.getTimerCount(), carriers.count]).toEqual([0, 0]);
  });

  it("[C09] are tried at once when the network is another one", async () => {
    outcomes = ["fail", "fail", "fail"];
    carriers.want(ann, [{ endpoint: tls, target }]);
    await vi.advanceTimersByTimeAsync(600);
    const before = calls.length;
    carriers.hurry();
    await settle();
    expect(calls.length).toBe(before + 1);
  });
});
