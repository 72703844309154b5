import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LogTail } from "../../../src-main/engine/log-tail.ts";
import { Disguise, redacted } from "../../../src-main/engine/redaction.ts";

const people = [
  { kind: "node", name: "aurora" },
  { kind: "network", name: "home" },
  { kind: "peer", name: "nas" },
  { kind: "peer", name: "nas-2" },
  { kind: "host", name: "vpn.example.org" },
];

describe("a disguise", () => {
  it("[E19] gives the same name and address the same other one, also inside sentences", () => {
    const disguise = new Disguise(people);
    expect(disguise.text("Relayed through nas: nas-2 at 203.0.113.9:7743 lies in home")).toBe(
      "Relayed through peer-1: peer-2 at ipv4-public-1:7743 lies in network-1",
    );
    expect(disguise.text("nas [2001:db8::9]:7743, 10.0.7.2/24, 203.0.113.9, vpn.example.org:443")).toBe(
      "peer-1 [ipv6-public-3]:7743, ipv4-private-2/24, ipv4-public-1, host-1:443",
    );
  });

  it("leaves what is no name and no address as it is", () => {
    const disguise = new Disguise(people);
    for (const text of [
      "2026-11-01T12:00:05.000Z started",
      "12:00:05",
      "0.1.0",
      "homes",
      "::",
      "127.0.0.1:7780",
    ])
      expect(disguise.text(text)).toBe(text);
  });

  it("leaves no address in any text", () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV6(), fc.nat(65_535), (four, six, port) => {
        const text = new Disguise([]).text(`a ${four}:${port} b [${six}]:${port} c`);
        if (!/^(0|127)\./.test(four)) expect(text).not.toContain(four);
        if (/[1-9a-f]{2}/i.test(six)) expect(text).not.toContain(six);
      }),
      { seed: 20 },
    );
  });
});

describe("what is redacted", () => {
  it("[E19] keeps shape, codes and numbers, and no secret", () => {
    const told = {
      kind: "direct",
      state: "home",
      peers: [{ name: "nas", secret: "correct horse", token: "", rxBytes: 12 }],
      proxy: "http://me:word@203.0.113.9:3128",
      link: "starmesh://router/1/abcdef",
      at: "2026-11-01T12:00:05.000Z",
      none: null,
    };
    expect(redacted(told, null)).toEqual({
      ...told,
      peers: [{ name: "nas", secret: "…", token: "", rxBytes: 12 }],
      proxy: "http://…@203.0.113.9:3128",
      link: "starmesh://…",
    });
    expect(redacted(told, new Disguise(people))).toMatchObject({
      kind: "direct",
      state: "home",
      peers: [{ name: "peer-1", secret: "…", rxBytes: 12 }],
      proxy: "http://…@ipv4-public-1:3128",
      at: told.at,
    });
  });

  it("holds none of the secrets and names that went in, however deep they stood", () => {
    const name = fc.stringMatching(/^[a-z]{4,12}[0-9]$/);
    fc.assert(
      fc.property(name, fc.stringMatching(/^[A-Za-z0-9+/]{43}=$/), fc.json(), (peer, key, around) => {
        const told = {
          deep: [{ around: JSON.parse(around), psk: key, text: `${peer} has ${key}` }],
          [peer]: 1,
        };
        const text = JSON.stringify(redacted(told, new Disguise([{ kind: "peer", name: peer }])));
        expect(text).not.toContain(key);
        expect(text).not.toContain(peer);
      }),
      { seed: 21, numRuns: 200 },
    );
  });
});

describe("the log's tail", () => {
  it("keeps the newest lines only, and tells who listens until it stops", () => {
    const tail = new LogTail(3);
    const heard: string[] = [];
    const stop = tail.onLine((line) => heard.push(line));
    for (let at = 1; at <= 10; at++) tail.add(`line ${at}`);
    stop();
    tail.add("line 11");
    expect(tail.latest(2)).toEqual(["line 10", "line 11"]);
    expect(tail.latest(100)).toEqual(["line 9", "line 10", "line 11"]);
    expect(tail.latest(0)).toEqual([]);
    expect(heard).toHaveLength(10);
  });
});
