import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Trace } from "../../../src-main/engine/trace.ts";
import { report } from "../../../src-shared/report.ts";
import type { FakeEngine } from "../../fakes/engine.ts";
import { createFakeEngine } from "../../fakes/engine.ts";

let engine: FakeEngine;
beforeEach(() => {
  engine = createFakeEngine();
});
afterEach(() => engine.stop());

describe("a report", () => {
  it("[E19] tells how the machine stands, without a name, address or key of it", async () => {
    engine.world.tail.add("2026-11-01T12:00:00.000Z link failed endpoint=198.51.100.7:443 peer=mei-laptop");
    const made = report.parse(await engine.handlers["report.make"]({ disguise: true }));
    const text = JSON.stringify(made);
    const status = await engine.handlers["status.read"]({});
    expect(made.log.at(-1)).toMatch(/link failed endpoint=ipv4-public-\d+:443 peer=peer-\d+$/);
    expect(made.status).toMatchObject({ node: { name: "node-1", version: "0.1.0" } });
    for (const peer of status.peers) {
      expect(text).not.toContain(`"${peer.address}"`);
      expect(text).not.toContain(peer.publicKey);
      expect(text).not.toMatch(new RegExp(`(?<![\\w-])${peer.name}(?![\\w-])`));
    }
    expect(text).not.toMatch(/starmesh:\/\/\w/);
  });

  it("has the real names where the user wants them, and still no key", async () => {
    const made = await engine.handlers["report.make"]({ disguise: false });
    const text = JSON.stringify(made);
    const [peer] = (await engine.handlers["status.read"]({})).peers;
    expect(text).toContain(peer?.address);
    expect(text).not.toContain(peer?.publicKey);
  });
});

describe("a trace", () => {
  it("[E19] is written while somebody asks for it, stands in the report, and ends with whoever asked", async () => {
    const { trace } = engine.world;
    const step = (kind: string) =>
      trace.step({
        network: "home-lab",
        input: { kind, peer: peer?.publicKey, endpoint: "198.51.100.7:443" } as { kind: string },
        effects: [],
        nameOf: (key) => (key === peer?.publicKey ? "nas" : null),
      });
    const [peer] = (await engine.handlers["status.read"]({})).peers;
    step("before");
    const stopper = new AbortController();
    const told = engine.handlers["report.trace"]({ seconds: 600 }, stopper.signal)[Symbol.asyncIterator]();
    expect((await told.next()).value).toEqual({ secondsLeft: 600, lines: 0 });
    step("proved");
    stopper.abort();
    expect((await told.next()).done).toBe(true);
    expect(trace.isOn).toBe(false);
    step("after");
    const open = await engine.handlers["report.make"]({ disguise: false });
    expect(open.trace).toHaveLength(1);
    expect(open.trace[0]).toMatch(/home-lab.* < proved"? peer=nas endpoint=198\.51\.100\.7:443$/);
    const [line] = (await engine.handlers["report.make"]({ disguise: true })).trace;
    expect(line).toMatch(/ < proved"? peer=peer-\d+ endpoint=ipv4-public-\d+:443$/);
  });

  it("keeps the newest lines of many, without bytes, secrets or keys", () => {
    const trace = new Trace(() => new Date(0), 10);
    const end = trace.begin();
    const key = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=";
    for (let at = 0; at < 35; at++) {
      const input = {
        kind: `step-${at}`,
        key,
        bytes: new Uint8Array(9),
        token: "hidden",
        many: [..."abcdefghijk"],
      };
      trace.step({ network: "home", input, effects: [], nameOf: () => null });
    }
    end();
    end();
    expect(trace.isOn).toBe(false);
    const [first, ...lines] = trace.lines();
    expect(first).toBe("25 lines before these were left out");
    expect(lines).toHaveLength(10);
    expect(lines.at(-1)).toContain("step-34");
    expect(lines.join()).not.toMatch(/q83vEjRWe|hidden/);
    expect(lines.at(-1)).toMatch(/9 bytes.*and 3 more/);
    trace.begin();
    expect(trace.lines()).toEqual([]);
  });
});

describe("the log, watched", () => {
  it("[E19] begins with its last lines, goes on as they are written, and ends with the watcher", async () => {
    const stopper = new AbortController();
    const { tail } = engine.world;
    tail.add("one");
    tail.add("two");
    const lines: string[] = [];
    for await (const told of engine.handlers["log.watch"]({ lines: 2 }, stopper.signal)) {
      lines.push(...told.lines);
      if (lines.length === 2) {
        tail.add("three");
        tail.add("four");
      }
      if (lines.length === 4) stopper.abort();
    }
    expect(lines).toEqual(["one", "two", "three", "four"]);
  });

  it("leaves out what comes faster than it is read, and says how much", async () => {
    const stopper = new AbortController();
    const { tail } = engine.world;
    const watched = engine.handlers["log.watch"]({ lines: 0 }, stopper.signal)[Symbol.asyncIterator]();
    expect((await watched.next()).value).toEqual({ lines: [], missed: 0 });
    for (let at = 1; at <= 1500; at++) tail.add(`line ${at}`);
    const { value } = await watched.next();
    expect(value?.missed).toBe(500);
    expect(value?.lines).toHaveLength(1000);
    expect(value?.lines.at(-1)).toBe("line 1500");
    stopper.abort();
    await watched.return?.();
  });
});
