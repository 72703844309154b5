import { beforeEach, describe, expect, it } from "vitest";
import { Links } from "../../../src-main/engine/links.ts";
import type { PeerView } from "../../../src-main/mesh/peer-view.ts";
import type { Control } from "../../../src-main/transport/control.ts";
import { AppError } from "../../../src-shared/errors.ts";
import type { ControlRequest } from "../../../src-shared/wire.ts";

/** A control socket that keeps what it is asked, and answers from a list. */
class Line {
  readonly asked: ControlRequest[] = [];
  answers: (object | AppError)[] = [];
  readonly control = {
    request: async (request: ControlRequest) => {
      this.asked.push(request);
      const answer = this.answers.shift() ?? {};
      if (answer instanceof AppError) throw answer;
      return answer;
    },
  } as Pick<Control, "request">;
}

function view(name: string, given: { ms?: number | null; via?: string[]; idle?: boolean } = {}): PeerView {
  const { ms = 10, via = [], idle = false } = given;
  return {
    sessionKey: name,
    state: idle ? "idle" : "connected",
    path: { via, latencyMillis: ms, kind: via.length === 0 ? "direct" : "relay" },
  } as unknown as PeerView;
}

describe("a node's links", () => {
  let links: Links;
  let line: Line;
  beforeEach(() => {
    links = new Links();
    line = new Line();
  });

  it("are told at once, then only after a notable change and half a minute", async () => {
    await links.report(line.control, [view("nas")], 0);
    expect(line.asked).toEqual([{ call: "links", links: [{ to: "nas", via: [], ms: 10 }] }]);
    await links.report(line.control, [view("nas"), view("oslo")], 29_999);
    await links.report(line.control, [view("nas", { ms: 14.9 })], 60_000);
    expect(line.asked).toHaveLength(1);
    await links.report(line.control, [view("nas", { ms: 16 })], 60_000);
    expect(line.asked).toHaveLength(2);
    await links.report(line.control, [view("nas", { ms: 16, via: ["oslo"] })], 90_000);
    await links.report(line.control, [], 120_000);
    expect(line.asked.slice(2)).toEqual([
      { call: "links", links: [{ to: "nas", via: ["oslo"], ms: 16 }] },
      { call: "links", links: [] },
    ]);
  });

  it("say nothing where there are none, and everything again on a new socket", async () => {
    await links.report(line.control, [{ path: null } as PeerView], 0);
    expect(line.asked).toEqual([]);
    await links.report(line.control, [view("nas")], 0);
    const other = new Line();
    await links.report(other.control, [view("nas")], 1);
    expect(other.asked).toHaveLength(1);
  });

  it("are at most 64, those in use first, within 2 kB a second", async () => {
    const idle = Array.from({ length: 80 }, (_, at) => view(`idle-${at}`, { idle: true, ms: at }));
    await links.report(line.control, [...idle, view("busy", { ms: null })], 0);
    const [request] = line.asked;
    if (request?.call !== "links") throw new Error("nothing was told");
    expect(request.links).toHaveLength(64);
    expect(request.links[0]?.to).toBe("busy");
    expect(request.links.at(-1)?.to).toBe("idle-62");
    expect(JSON.stringify(request).length / 30).toBeLessThan(2000);
  });

  it("of all others are asked with the version that is known, and an older router is left alone", async () => {
    const graph = { keys: [], links: [] };
    line.answers = [
      { version: "1", graph },
      { version: "1", graph: null },
      new AppError("timeout", { what: "it" }),
    ];
    expect(await links.all(line.control)).toBe(graph);
    expect(await links.all(line.control)).toBe(graph);
    expect(await links.all(line.control)).toBeNull();
    expect(line.asked).toEqual([null, "1", "1"].map((have) => ({ call: "graph", have })));
    line.answers = [new AppError("unknown-call", { call: "graph" })];
    expect(await links.all(line.control)).toBeNull();
    await links.report(line.control, [view("nas")], 0);
    expect(await links.all(line.control)).toBeNull();
    expect(line.asked).toHaveLength(4);
  });
});
