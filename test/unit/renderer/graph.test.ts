import * as force from "d3-force";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { graphOf, paceOf } from "../../../src-renderer/state/graph.ts";
import { createLayout } from "../../../src-renderer/state/graph-layout.ts";
import { relaysOf } from "../../../src-renderer/state/relays.ts";
import type { NetworkGraph } from "../../../src-shared/graph.ts";
import type { Status } from "../../../src-shared/status.ts";

type Link = NetworkGraph["links"][number];

function told(names: readonly string[], links: readonly Link[]): NetworkGraph {
  const node = (name: string) => ({ key: name, name, kind: "node" as const, state: "connected" as const });
  return {
    nodes: [{ ...node("self"), kind: "self" }, ...names.map(node)],
    links: [...links],
    complete: true,
  };
}

function link(a: string, b: string, latencyMs: number | null = 10, via: string[] = []): Link {
  return { a, b, kind: via.length === 0 ? "direct" : "relay", latencyMs, via };
}

describe("the graph", () => {
  it("joins direct ends, and relayed ones with their relays, those of others too", () => {
    const graph = graphOf(
      told(
        ["nas", "far", "oslo"],
        [link("self", "nas"), link("self", "far", 40, ["nas"]), link("oslo", "far")],
      ),
    );
    expect(graph.lines).toEqual([
      { source: "self", target: "nas", kind: "direct", latencyMs: 10 },
      { source: "nas", target: "far", kind: "relay", latencyMs: 40 },
      { source: "oslo", target: "far", kind: "direct", latencyMs: 10 },
    ]);
    expect(graph.nodes.map(({ name, latencyMs }) => [name, latencyMs])).toEqual([
      ["self", null],
      ["nas", 10],
      ["far", 40],
      ["oslo", null],
    ]);
  });

  it("adds a relay that is no member, once, and takes the quicker of two on one stretch", () => {
    const graph = graphOf(told(["a", "b"], [link("self", "a", 50, ["hub"]), link("self", "b", 30, ["hub"])]));
    expect(graph.nodes.filter(({ kind }) => kind === "router")).toHaveLength(1);
    expect(graph.lines).toHaveLength(3);
    expect(graph.lines.find(({ source }) => source === "self")?.latencyMs).toBe(30);
  });

  it("lists each end's links, the quickest first, with the relays in the order from there", () => {
    const graph = graphOf(
      told(["a", "b"], [link("a", "b", 70, ["x", "y"]), link("self", "b", 5), link("self", "a", null)]),
    );
    expect(graph.links.get("b")?.map(({ to, via }) => [to.name, ...via])).toEqual([
      ["self"],
      ["a", "y", "x"],
    ]);
    expect(graph.links.get("a")?.map(({ to, via }) => [to.name, ...via])).toEqual([
      ["b", "x", "y"],
      ["self"],
    ]);
  });

  it("leaves members without a link to the list when they are many", () => {
    const away = Array.from({ length: 50 }, (_, at) => `away-${at}`);
    const graph = graphOf(told(["nas", ...away], [link("self", "nas")]), 40);
    expect(graph.leftOut.size).toBe(50);
    expect(graphOf(told(["nas", ...away], [link("self", "nas")]), 50).leftOut.size).toBe(0);
    expect(graph.nodes).toHaveLength(52);
    expect(graph.leftOut.has("nas") || graph.leftOut.has("self")).toBe(false);
  });

  it("keeps its shape while only measurements change", () => {
    const shape = (...links: Link[]) => graphOf(told(["nas"], links)).shape;
    expect(shape(link("self", "nas", 3))).toBe(shape(link("self", "nas", 30)));
    expect(shape(link("self", "nas", 3))).not.toBe(shape(link("self", "nas", 3, ["hub"])));
    expect(shape(link("self", "nas", 3))).not.toBe(shape());
  });

  it("draws every line between nodes that it draws, one for each pair", () => {
    const name = fc.constantFrom("self", "a", "b", "c", "d", "elsewhere");
    const anyLink = fc
      .record({ a: name, b: name, via: fc.array(fc.constantFrom("a", "b", "hub"), { maxLength: 2 }) })
      .map(({ a, b, via }) => link(a, b, 1, via));
    fc.assert(
      fc.property(fc.array(anyLink), (links) => {
        const graph = graphOf(told(["a", "b", "c", "d"], links), 0);
        const drawn = new Set(graph.nodes.map(({ id }) => id).filter((id) => !graph.leftOut.has(id)));
        for (const { source, target } of graph.lines) {
          expect(drawn.has(source) && drawn.has(target)).toBe(true);
          expect(source).not.toBe(target);
        }
        const pairs = graph.lines.map(({ source, target }) => [source, target].sort().join());
        expect(new Set(pairs).size).toBe(pairs.length);
      }),
    );
  });

  it("calls a link quick, medium or slow by the bounds that the legend names", () => {
    expect([29.9, 30, 99, 100, null].map(paceOf)).toEqual([
      "quick",
      "medium",
      "medium",
      "slow",
      "unmeasured",
    ]);
  });
});

describe("relays to choose from", () => {
  it("are those that paths of the network go through or keep ready, its router, and the one chosen", () => {
    const path = (via: string[], standby: string[] | null = null) => ({
      via,
      standby: standby === null ? null : { kind: "relay", via: standby, latencyMs: null },
    });
    const peers = [
      { name: "far", network: "home", path: path(["nas"]), pin: { via: "gone", direct: false } },
      { name: "near", network: "home", path: path([], ["oslo", "far"]), pin: null },
      { name: "other", network: "work", path: path(["hub"]), pin: null },
    ];
    const networks = [{ name: "home", rendezvous: ["198.51.100.7:7743", "203.0.113.9:7743"] }];
    const status = { peers, networks } as unknown as Status;
    const [far] = status.peers;
    if (far === undefined) throw new Error("it is there");
    expect(relaysOf(far, status)).toEqual(["198.51.100.7:7743", "gone", "nas", "oslo"]);
  });
});

describe("the graph's layout", () => {
  const distance = (one: { x: number; y: number }, other: { x: number; y: number }) =>
    Math.hypot(one.x - other.x, one.y - other.y);
  const settled = (graph: ReturnType<typeof graphOf>) => {
    const layout = createLayout(force);
    layout.take(graph);
    while (layout.step());
    return layout;
  };
  const named = (layout: ReturnType<typeof settled>, id: string) => {
    const node = layout.nodes.find((each) => each.id === id);
    if (node === undefined) throw new Error(`no ${id}`);
    return node;
  };
  const three = told(["near", "far"], [link("self", "near", 1), link("self", "far", 400)]);

  it("[E02] puts the near nearer than the far, comes to rest, and does the same at every start", () => {
    const layout = settled(graphOf(three));
    expect(layout.step()).toBe(false);
    const self = named(layout, "self");
    expect(distance(self, named(layout, "near"))).toBeLessThan(distance(self, named(layout, "far")));
    expect(settled(graphOf(three)).nodes).toEqual(layout.nodes);
  });

  it("leaves what stands where it is when only latencies change, and makes room for whoever comes", () => {
    const layout = settled(graphOf(three));
    const { x, y } = named(layout, "near");
    layout.take(graphOf(told(["near", "far"], [link("self", "near", 2), link("self", "far", 300)])));
    expect(layout.step()).toBe(false);
    expect(layout.lines.map(({ latencyMs }) => latencyMs)).toEqual([2, 300]);
    layout.take(
      graphOf(told(["near", "far", "new"], [link("self", "near"), link("self", "far"), link("near", "new")])),
    );
    expect(named(layout, "near")).toMatchObject({ x, y });
    while (layout.step());
    expect(distance(named(layout, "near"), named(layout, "new"))).toBeGreaterThan(20);
  });

  it("holds a node where it is dragged", () => {
    const layout = settled(graphOf(three));
    const near = named(layout, "near");
    layout.hold(near, { x: 500, y: 500 });
    layout.step();
    expect(near).toMatchObject({ x: 500, y: 500 });
    layout.hold(near, null);
    while (layout.step());
    expect(near.x).not.toBe(500);
  });
});
