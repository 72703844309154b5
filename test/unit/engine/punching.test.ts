import { describe, expect, it } from "vitest";
import type { PunchOptions } from "../../../drivers/dataplane.ts";
import { LatestPort } from "../../../src-main/engine/latest-port.ts";
import { Punching } from "../../../src-main/engine/punching.ts";
import type { Input } from "../../../src-main/mesh/effect.ts";
import type { PunchFacts } from "../../../src-shared/wire.ts";
import { controlKind } from "../../../src-shared/wire.ts";
import { sessionOf } from "../../fakes/entries.ts";

const bob = sessionOf("bob");
const own: Pick<PunchFacts, "endpoints" | "nat"> = {
  endpoints: ["203.0.113.1:7743"],
  nat: { mapping: "sequential", step: 1 },
};
const theirs: PunchFacts = {
  endpoints: ["203.0.113.2:7743"],
  nat: { mapping: "independent", step: 0 },
  latest: null,
  tcp: null,
};

function punching(answer: unknown, facts = own) {
  const fed: Input[] = [];
  const asked: object[] = [];
  const punched: PunchOptions[] = [];
  const one = new Punching({
    realm: "realm",
    dataPlane: { punch: (_realm, _peer, options) => punched.push(options) },
    requests: {
      send: async (_peer, kind, body) => {
        asked.push({ kind, body });
        return answer;
      },
    },
    facts: () => facts,
    latestPort: async () => 40_017,
    linkAddress: async () => "203.0.113.1:9000",
    links: { connect: async (remote) => remote === "tcp/203.0.113.2:9000" },
    feed: (input) => fed.push(input),
  });
  return { one, fed, asked, punched };
}

describe("[C10] punching as two engines agree on it", () => {
  it("tells the peer what is known here, with the port of a new mapping behind a sequential NAT", async () => {
    const { one, fed, asked } = punching(theirs);
    await one.ask({ kind: "askPunch", peer: bob, attempt: 2, tcp: false });
    const facts = { ...own, latest: 40_017, tcp: null };
    expect(asked).toEqual([{ kind: controlKind.punch, body: { attempt: 2, facts } }]);
    expect(fed).toEqual([{ kind: "punchAnswered", peer: bob, attempt: 2, own: facts, other: theirs }]);
  });

  it("measures no port where none has to be guessed", async () => {
    const { one, asked } = punching(theirs, { ...own, nat: { mapping: "random", step: 0 } });
    await one.ask({ kind: "askPunch", peer: bob, attempt: 1, tcp: false });
    expect(asked).toMatchObject([{ body: { facts: { latest: null } } }]);
  });

  it("does nothing when the peer does not answer, or with what is none", async () => {
    for (const answer of [
      null,
      {},
      { ...theirs, endpoints: ["router.example:1"] },
      { ...theirs, latest: 0 },
    ]) {
      const { one, fed } = punching(answer);
      await one.ask({ kind: "askPunch", peer: bob, attempt: 1, tcp: false });
      expect(fed).toEqual([]);
    }
  });

  it("answers a peer that asks and begins when it has", async () => {
    const { one, fed } = punching(null);
    const request = { kind: "request", realm: "realm", peer: bob, id: 1, type: controlKind.punch } as const;
    const answer = await one.answer({ ...request, body: JSON.stringify({ attempt: 3, facts: theirs }) });
    expect(JSON.parse(answer)).toEqual({ ...own, latest: 40_017, tcp: null });
    expect(fed).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(fed).toMatchObject([{ kind: "punchAsked", peer: bob, attempt: 3, other: theirs }]);
    expect(await one.answer({ ...request, body: "no request" })).toBe("{}");
  });

  it("[W21] tells where its TCP links are seen when UDP is closed, and tells of one that stands", async () => {
    const { one, fed, asked } = punching({ ...theirs, tcp: "203.0.113.2:9000" });
    await one.ask({ kind: "askPunch", peer: bob, attempt: 1, tcp: true });
    expect(asked).toMatchObject([{ body: { facts: { tcp: "203.0.113.1:9000", latest: null } } }]);
    for (const endpoint of ["tcp/203.0.113.2:9000", "tcp/203.0.113.9:9000"])
      await one.connect({ kind: "connect", peer: bob, endpoint, seconds: 10 });
    expect(fed.slice(1)).toEqual([{ kind: "heard", peer: bob, endpoint: "tcp/203.0.113.2:9000" }]);
  });

  it("hands what was decided to the data plane", () => {
    const { one, punched } = punching(null);
    const punch = { targets: ["203.0.113.2:7743"], sockets: 256, perSecond: 1000, seconds: 10 };
    one.perform({ kind: "punch", peer: bob, ...punch });
    expect(punched).toEqual([punch]);
  });
});

describe("the port of a new mapping", () => {
  function latest() {
    const calls: string[] = [];
    const port = new LatestPort({
      bind: (name) => {
        calls.push(`bind ${name}`);
        return 1;
      },
      unbind: (name) => calls.push(`unbind ${name}`),
      stun: (name, server) => calls.push(`stun ${name} ${server}`),
    });
    return { port, calls };
  }

  it("is asked for with a socket of its own, once for all who ask at once", async () => {
    const { port, calls } = latest();
    const answers = [port.ask("198.51.100.1:7743"), port.ask("198.51.100.1:7743")];
    port.handle({ kind: "mapped", socket: "main", server: "198.51.100.1:7743", address: "203.0.113.1:1" });
    port.handle({
      kind: "mapped",
      socket: "latest",
      server: "198.51.100.1:7743",
      address: "203.0.113.1:5012",
    });
    expect(await Promise.all(answers)).toEqual([5012, 5012]);
    expect(calls).toEqual(["bind latest", "stun latest 198.51.100.1:7743", "unbind latest"]);
  });

  it("is unknown when no answer comes, or no socket can be had", async () => {
    const { port } = latest();
    const answer = port.ask("198.51.100.1:7743");
    port.handle({ kind: "mapped", socket: "latest", server: "198.51.100.1:7743", address: null });
    expect(await answer).toBeNull();
    const broken = new LatestPort({
      bind: () => {
        throw new Error("none left");
      },
      unbind: () => undefined,
      stun: () => undefined,
    });
    expect(await broken.ask("198.51.100.1:7743")).toBeNull();
  });
});
