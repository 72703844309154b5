import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Names } from "../../../src-main/engine/names.ts";
import { Outside } from "../../../src-main/engine/outside.ts";
import { parseAddress } from "../../../src-shared/address.ts";

const one = "198.51.100.1:7743";
const two = "198.51.100.1:7744";

let now: number;
let asked: { readonly socket: string; readonly server: string }[];
let bound: string[];
let changes: number;
let isOn: boolean;
let hosts: Map<string, readonly string[]>;
let names: Names;
let outside: Outside;

beforeEach(() => {
  now = 1_000_000;
  asked = [];
  bound = [];
  changes = 0;
  isOn = true;
  hosts = new Map();
  names = new Names({
    now: () => now,
    changed: () => outside.namesChanged(),
    resolve: async (host) => hosts.get(host) ?? Promise.reject(new Error("no such host")),
  });
  outside = new Outside({
    dataPlane: {
      bind: (name) => bound.push(name),
      unbind: (name) => void bound.splice(bound.indexOf(name), 1),
      stun: (socket, server) => void asked.push({ socket, server }),
    },
    names,
    own: () => [parseAddress("192.168.1.5")].filter((each) => each !== null),
    isOn: () => isOn,
    now: () => now,
    changed: () => void changes++,
  });
});

afterEach(() => {
  outside.close();
  names.close();
});

function answer(socket: string, server: string, address: string | null): void {
  outside.handle({ kind: "mapped", socket, server, address });
}

describe("the view from outside", () => {
  it("[C10 C19 Z11] asks all servers that anybody names, each once", () => {
    outside.setServers("home", [one, two]);
    outside.setServers("office", [one]);
    expect(asked.map(({ server }) => server)).toEqual([one, two]);
    outside.setServers("home", []);
    expect(outside.answers().map(({ server }) => server)).toEqual([one]);
  });

  it("[P16] asks nobody while plain UDP may not be used", () => {
    isOn = false;
    outside.setServers("home", [one, two]);
    expect([asked, outside.answers()]).toEqual([[], []]);
  });

  it("[C10] learns addresses and the NAT from two ports of one server, and says so once", () => {
    outside.setServers("home", [one, two]);
    expect(outside.nat()).toEqual({ mapping: "unknown", step: 0, udp: null });
    answer("main", one, "203.0.113.7:4000");
    answer("main", two, "203.0.113.7:4000");
    answer("main", two, "203.0.113.7:4000");
    expect(outside.nat()).toEqual({ mapping: "independent", step: 0, udp: true });
    expect(outside.reflexive()).toEqual(["203.0.113.7:4000"]);
    expect(changes).toBe(2);
    expect(bound).toEqual([]);
  });

  it("[C10] has a fresh socket count the ports of a symmetric NAT, in the order of asking", () => {
    outside.setServers("home", [one, two]);
    answer("main", one, "203.0.113.7:4000");
    answer("main", two, "203.0.113.7:4003");
    expect(bound).toEqual(["outside"]);
    expect(asked.slice(2)).toEqual([
      { socket: "outside", server: one },
      { socket: "outside", server: two },
    ]);
    answer("outside", two, "203.0.113.7:5004");
    answer("outside", one, "203.0.113.7:5002");
    expect(outside.nat()).toEqual({ mapping: "sequential", step: 2, udp: true });
    expect(bound).toEqual([]);
  });

  it("says that UDP does not pass only after every server was silent", () => {
    outside.setServers("home", [one, two]);
    answer("main", one, null);
    expect(outside.nat().udp).toBeNull();
    answer("main", two, null);
    expect(outside.nat().udp).toBe(false);
  });

  it("[W12] forgets what it saw when the network changes and goes on with the first answer", async () => {
    outside.setServers("home", [one]);
    answer("main", one, "203.0.113.7:4000");
    const renewed = outside.renew();
    expect(outside.reflexive()).toEqual([]);
    expect(asked).toHaveLength(2);
    answer("main", one, "198.51.100.77:4000");
    await renewed;
    expect(outside.reflexive()).toEqual(["198.51.100.77:4000"]);
  });

  it("[W12] does not take the silence on the old network for one on the new", async () => {
    outside.setServers("home", [one]);
    const renewed = outside.renew();
    answer("main", one, null);
    expect(outside.nat().udp).toBeNull();
    answer("main", one, "198.51.100.77:4000");
    await renewed;
    expect(outside.nat().udp).toBe(true);
  });

  it("[W12 C19] resolves names of servers, and asks at their new addresses when those change", async () => {
    hosts.set("stun.example", ["198.51.100.9"]);
    outside.setServers("settings", ["stun.example:3478"]);
    expect(asked).toEqual([]);
    await Promise.resolve();
    await Promise.resolve();
    expect(asked.map(({ server }) => server)).toEqual(["198.51.100.9:3478"]);
    hosts.set("stun.example", ["2001:db8::9"]);
    now += 61_000;
    names.refresh(60_000);
    await Promise.resolve();
    await Promise.resolve();
    expect(outside.answers()).toEqual([{ server: "[2001:db8::9]:3478", address: null }]);
  });
});
