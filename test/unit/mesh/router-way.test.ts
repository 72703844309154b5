import { describe, expect, it } from "vitest";
import type { WayEffect, WayInput } from "../../../src-main/mesh/router-way.ts";
import { RouterWay } from "../../../src-main/mesh/router-way.ts";

const udp = "198.51.100.7:443";
const kcp = "kcp/198.51.100.7:443";
const tls = "tls/198.51.100.7:443";
const wss = "wss/198.51.100.7:443";

/** A way with a clock; keeps what was wanted last. */
class Bench {
  readonly way = new RouterWay(() => 0.5);
  now = 1_000_000;
  links: readonly string[] = [];
  paths: readonly string[] = [];
  stands: string | null = null;
  readonly effects: WayEffect[] = [];

  hear(input: WayInput): void {
    for (const effect of this.way.handle(input, this.now)) {
      this.effects.push(effect);
      if (effect.kind === "links") this.links = effect.wanted;
      if (effect.kind === "setPaths") this.paths = effect.paths.map(({ endpoint }) => endpoint);
      if (effect.kind === "stands") this.stands = effect.endpoint;
    }
  }

  pass(millis: number): void {
    const end = this.now + millis;
    for (let next = this.way.deadline(this.now); next !== null && next <= end; ) {
      expect(next, "a deadline that does not come nearer").toBeGreaterThan(this.now);
      this.now = next;
      this.hear({ kind: "tick" });
      next = this.way.deadline(this.now);
    }
    this.now = end;
  }

  meet(change: Partial<Extract<WayInput, { kind: "met" }>> = {}): void {
    this.hear({ kind: "met", udp, links: [kcp, tls, wss], worked: null, ...change });
  }

  prove(endpoint: string, rttMillis = 20): void {
    this.hear({ kind: "session", endpoint });
    this.hear({ kind: "proved", endpoint, rttMillis });
  }

  measure(endpoint: string, loss: number): void {
    const known = { rttMillis: 20, minRttMillis: 20, loss: 0, jitterMillis: 0, mtu: 1400 };
    const measure = {
      endpoint,
      ...known,
      lossOut: loss,
      lossIn: 0,
      deliveredPerSecond: null,
      lastEchoMillis: this.now,
    };
    this.hear({ kind: "measured", measure });
  }

  called(): readonly string[] {
    return this.effects.flatMap((effect) => (effect.kind === "handshake" ? effect.endpoints : []));
  }
}

describe("[P16] the way to a router", () => {
  it("is plain UDP where that answers, without any link", () => {
    const bench = new Bench();
    bench.meet();
    bench.pass(100);
    bench.prove(udp);
    bench.pass(60_000);
    expect([bench.stands, bench.links, bench.called()]).toEqual([udp, [], [udp]]);
  });

  it("is a link soon where plain UDP is silent, and plain UDP again once that answers", () => {
    const bench = new Bench();
    bench.meet();
    bench.pass(650);
    expect(bench.links).toEqual([tls]);
    bench.hear({ kind: "link", endpoint: tls, up: true });
    expect(bench.called()).toContain(tls);
    bench.prove(tls);
    expect(bench.stands).toBe(tls);
    // It goes on being asked.
    expect(bench.paths).toContain(udp);
    bench.pass(20_000);
    bench.prove(udp);
    expect(bench.stands).toBe(udp);
    bench.pass(31_000);
    expect(bench.links).toEqual([]);
  });

  it("begins with what worked here before, beside plain UDP", () => {
    const bench = new Bench();
    bench.meet({ worked: "wss" });
    expect([bench.called(), bench.links]).toEqual([[udp], [wss]]);
  });

  it("[C08] in doubt is asked, and left before its loss is sure", () => {
    const bench = new Bench();
    bench.meet();
    bench.prove(udp);
    bench.pass(20_000);
    bench.hear({ kind: "doubt" });
    expect(bench.effects.at(-1)?.kind === "ping" || bench.effects.some(({ kind }) => kind === "ping")).toBe(
      true,
    );
    bench.pass(200);
    expect(bench.links).toEqual([tls]);
    bench.hear({ kind: "link", endpoint: tls, up: true });
    bench.hear({ kind: "lost", endpoint: udp });
    bench.prove(tls);
    expect(bench.stands).toBe(tls);
  });

  it("[C08] that answers in doubt stays, and no link is opened", () => {
    const bench = new Bench();
    bench.meet();
    bench.prove(udp);
    bench.pass(20_000);
    bench.hear({ kind: "doubt" });
    bench.pass(50);
    bench.hear({ kind: "pong" });
    bench.pass(10_000);
    expect([bench.stands, bench.links]).toEqual([udp, []]);
  });

  it("keeps its relayed paths for a moment while another is looked for, and drops them when none is found", () => {
    const bench = new Bench();
    bench.meet();
    bench.prove(udp);
    bench.hear({ kind: "lost", endpoint: udp });
    expect(bench.stands).toBe(udp);
    bench.pass(6000);
    expect(bench.stands).toBeNull();
    expect(bench.called().length).toBeGreaterThan(1);
  });

  it("[P13] that loses packets for long gives way to the link for lossy lines, until the line is clean", () => {
    const bench = new Bench();
    bench.meet();
    bench.prove(udp);
    bench.hear({ kind: "flow", isLossy: true });
    const second = (loss: number) => {
      bench.measure(udp, loss);
      if (bench.stands === kcp) bench.measure(kcp, 0);
      bench.pass(1000);
    };
    for (let at = 0; at < 12; at++) second(0.05);
    expect(bench.links).toContain(kcp);
    bench.hear({ kind: "link", endpoint: kcp, up: true });
    bench.prove(kcp, 24);
    for (let at = 0; at < 5; at++) second(0.05);
    expect(bench.stands).toBe(kcp);
    for (let at = 0; at < 40; at++) second(0);
    expect(bench.stands).toBe(udp);
    bench.pass(60_000);
    expect(bench.links).toEqual([]);
  });

  it("[W23] of one transport alone is looked for by that and no other", () => {
    const bench = new Bench();
    bench.hear({ kind: "only", transport: "tls" });
    bench.meet();
    bench.pass(1000);
    bench.hear({ kind: "link", endpoint: tls, up: true });
    bench.prove(tls);
    bench.pass(600_000);
    bench.hear({ kind: "lost", endpoint: tls });
    bench.pass(600_000);
    const told = bench.effects.flatMap((effect) => {
      if (effect.kind === "links") return effect.wanted;
      if (effect.kind === "handshake") return effect.endpoints;
      return effect.kind === "setPaths" ? effect.paths.map(({ endpoint }) => endpoint) : [];
    });
    expect([...new Set(told)]).toEqual([tls]);
  });

  it("[C09] of a machine that moved is proved anew: the data plane forgets what it measured", () => {
    const bench = new Bench();
    bench.meet();
    bench.prove(udp);
    bench.effects.length = 0;
    bench.hear({ kind: "moved" });
    expect(bench.effects[0]).toMatchObject({ kind: "setPaths", paths: [] });
    expect(bench.effects.at(-1)).toMatchObject({
      kind: "setPaths",
      paths: [{ endpoint: udp, probeMillis: 250 }],
    });
    expect(bench.called()).toEqual([udp]);
  });

  it("of a router that is left is forgotten with its links", () => {
    const bench = new Bench();
    bench.meet();
    bench.pass(2000);
    bench.hear({ kind: "left" });
    expect([bench.links, bench.stands, bench.way.deadline(bench.now)]).toEqual([[], null, null]);
  });
});
