import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { median } from "../bench/measure.ts";
import { judge } from "../bench/targets.ts";
import { parsePing, parseThroughput } from "../netns/traffic.ts";
import { parseProfile } from "../netns/wireguard.ts";

describe("what ping printed", () => {
  it("gives the round trips in order and the losses", () => {
    const text = [
      "PING 10.9.1.2 (10.9.1.2) 56(84) bytes of data.",
      "64 bytes from 10.9.1.2: icmp_seq=1 ttl=64 time=0.93 ms",
      "64 bytes from 10.9.1.2: icmp_seq=3 ttl=64 time=12 ms",
      "",
      "--- 10.9.1.2 ping statistics ---",
      "3 packets transmitted, 2 received, 33% packet loss, time 203ms",
    ].join("\n");
    expect(parsePing(text)).toEqual({ sent: 3, received: 2, millis: [0.93, 12] });
    expect(parsePing("connect: Network is unreachable")).toEqual({ sent: 0, received: 0, millis: [] });
  });
});

describe("what iperf3 printed", () => {
  it("gives what the far end received", () => {
    const report = {
      end: { sum_sent: { bits_per_second: 9 }, sum_received: { bits_per_second: 7, seconds: 2 } },
    };
    expect(parseThroughput(JSON.stringify(report)).bitsPerSecond).toBe(7);
  });

  it("leaves lost datagrams out of the count", () => {
    const received = { bits_per_second: 1e6, packets: 1000, lost_packets: 100, lost_percent: 10, seconds: 2 };
    const report = { end: { sum: { packets: 1000, lost_packets: 100 }, sum_received: received } };
    expect(parseThroughput(JSON.stringify(report))).toMatchObject({ packetsPerSecond: 450, lostPercent: 10 });
  });

  it("throws its error in its own words", () => {
    expect(() => parseThroughput('{"error":"unable to connect"}')).toThrow("unable to connect");
  });
});

describe("a WireGuard profile", () => {
  it("is read by section, comments left out, keys with their padding", () => {
    const text = [
      "# phone",
      "[Interface]",
      "PrivateKey = AAA=",
      "Address=10.9.0.3/32, fd00::3/128",
      "",
      "[Peer]",
      "PublicKey = BBB= # the gateway",
      "AllowedIPs = 10.9.0.0/16",
      "[Peer]",
      "PublicKey = CCC=",
    ].join("\n");
    expect(parseProfile(text)).toEqual({
      interface: { PrivateKey: "AAA=", Address: "10.9.0.3/32, fd00::3/128" },
      peers: [{ PublicKey: "BBB=", AllowedIPs: "10.9.0.0/16" }, { PublicKey: "CCC=" }],
    });
  });
});

describe("the bench", () => {
  it("takes a middle that half the values reach and half do not pass", () => {
    expect(median([])).toBeNull();
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const middle = median(values) ?? Number.NaN;
        expect(values.filter((value) => value <= middle).length * 2).toBeGreaterThanOrEqual(values.length);
        expect(values.filter((value) => value >= middle).length * 2).toBeGreaterThanOrEqual(values.length);
      }),
    );
  });

  it("judges only what was measured", () => {
    const nothing = {
      tcpGbit: null,
      reverseGbit: null,
      fourGbit: null,
      udpKpps: null,
      idleMeanMicros: null,
      idleP99Micros: null,
      loadMeanMicros: null,
      cpuSecondsPerGb: null,
      idleMegabytes: null,
      peakMegabytes: null,
    };
    expect(judge(new Map([["suite1", nothing]]), null)).toEqual([]);
    const medians = new Map([
      ["suite1", { ...nothing, tcpGbit: 6, loadMeanMicros: 1600 }],
      ["wireguard", { ...nothing, tcpGbit: 2 }],
    ]);
    expect(judge(medians, null).map(({ met }) => met)).toEqual([true, false]);
  });
});
