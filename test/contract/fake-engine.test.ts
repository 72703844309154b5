import { describe, expect, it } from "vitest";
import { channelPair } from "../../src-shared/api/channel.ts";
import type { Client } from "../../src-shared/api/client.ts";
import { createClient } from "../../src-shared/api/client.ts";
import type { OutputOf } from "../../src-shared/api/contract.ts";
import { serve } from "../../src-shared/api/server.ts";
import type { ErrorCode } from "../../src-shared/errors.ts";
import { AppError, errorKinds } from "../../src-shared/errors.ts";
import type { SimulatedClock } from "../fakes/clock.ts";
import { createSimulatedClock } from "../fakes/clock.ts";
import type { FakeEngine, FakeEngineOptions } from "../fakes/engine.ts";
import { createFakeEngine } from "../fakes/engine.ts";

/** An engine whose time passes as fast as somebody waits for it. */
function connect(options: FakeEngineOptions = {}): {
  readonly engine: FakeEngine;
  readonly client: Client;
  readonly clock: SimulatedClock;
  readonly during: <Value>(answer: Promise<Value>) => Promise<Value>;
} {
  const clock = createSimulatedClock();
  const engine = createFakeEngine({ clock, ...options });
  const [near, far] = channelPair();
  serve(engine.handlers, far);
  const client = createClient(near);
  const during = async <Value>(answer: Promise<Value>) => {
    let open = true;
    const settled = answer.finally(() => {
      open = false;
    });
    settled.catch(() => undefined);
    while (open) {
      await new Promise((resolve) => setImmediate(resolve));
      if (open) clock.advance(100);
    }
    return settled;
  };
  return { engine, client, clock, during };
}

async function collect<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const all: Value[] = [];
  for await (const value of values) all.push(value);
  return all;
}

describe("the fake engine", () => {
  it("has the same world for the same seed", async () => {
    const [one, same, other] = [connect({ seed: 4 }), connect({ seed: 4 }), connect({ seed: 5 })];
    for (const { clock } of [one, same, other]) clock.advance(30_000);
    const [first, second, third] = await Promise.all(
      [one, same, other].map(({ client }) => client.call("status.read", {})),
    );
    expect(first).toEqual(second);
    expect(first?.peers).not.toEqual(third?.peers);
  });

  it("lets latency and traffic move", async () => {
    const { client, clock } = connect();
    const before = await client.call("status.read", {});
    clock.advance(60_000);
    const after = await client.call("status.read", {});
    const reached = before.peers.filter((peer) => peer.state === "connected");
    expect(reached.length).toBeGreaterThan(3);
    for (const peer of reached) {
      const later = after.peers.find((each) => each.publicKey === peer.publicKey);
      expect(later?.path?.latencyMs).not.toBe(peer.path?.latencyMs);
      expect(later?.rxBytes).toBeGreaterThanOrEqual(peer.rxBytes);
    }
  });

  it("watches the status until it is told to stop", async () => {
    const { client, clock } = connect();
    const seen: number[] = [];
    for await (const status of client.stream("status.watch", {})) {
      seen.push(status.peers.length);
      if (seen.length === 3) break;
      setImmediate(() => clock.advance(1000));
    }
    expect(seen).toHaveLength(3);
  });

  it("creates a network, invites, and hosts it with its own router role", async () => {
    const { client, during } = connect({ start: "empty" });
    const created = await during(client.call("networks.create", { name: "home" }));
    expect(created.invite?.invite).toMatch(/^starmesh:\/\/join\/1\//);
    const status = await client.call("status.read", {});
    expect(status.router).toMatchObject({ on: true, lanOnly: true, admits: ["home"] });
    expect(status.networks).toMatchObject([{ name: "home", state: "online", admin: true }]);
  });

  it("joins in steps by an invite, and waits where approval is asked", async () => {
    const { engine, client, clock, during } = connect({ start: "empty" });
    const invite = engine.foreignInvite("office", { approve: true });
    const steps = await during(collect(client.stream("networks.join", { target: invite })));
    expect(steps.slice(0, -1).every((step) => "step" in step)).toBe(true);
    expect(steps.at(-1)).toMatchObject({ joined: { network: "office", waitsFor: ["atlas"] } });
    expect((await client.call("networks.list", {}))[0]?.state).toBe("joining");
    clock.advance(20_000);
    expect((await client.call("networks.list", {}))[0]?.state).toBe("online");
  });

  it("joins by name and secret, and refuses a wrong one", async () => {
    const { client, during } = connect({ start: "empty" });
    const right = { target: "club", secret: "correct horse", router: "192.0.2.1" };
    await during(collect(client.stream("networks.join", right)));
    expect(await client.call("networks.list", {})).toMatchObject([{ name: "club", secret: true }]);
    const wrong = collect(client.stream("networks.join", { ...right, target: "other", secret: "no" }));
    await expect(during(wrong)).rejects.toMatchObject({ code: "wrong-secret" });
  });

  it("approves and removes members", async () => {
    const { client } = connect();
    const names = async (approved: boolean) =>
      (await client.call("members.list", { network: "studio" }))
        .filter((member) => member.approved === approved)
        .map((member) => member.name);
    expect(await names(false)).toEqual(["ines"]);
    await client.call("members.approve", { network: "studio", member: "ines" });
    expect(await names(false)).toEqual([]);
    await client.call("members.remove", { network: "studio", member: "ines" });
    expect(await names(true)).not.toContain("ines");
  });

  it("connects and disconnects networks", async () => {
    const { client, clock } = connect();
    const states = async () => (await client.call("networks.list", {})).map((network) => network.state);
    await client.call("networks.down", {});
    expect(await states()).toEqual(["off", "off"]);
    await client.call("networks.up", { networks: ["studio"] });
    clock.advance(1000);
    expect(await states()).toEqual(["off", "online"]);
  });

  it("switches the router role on and off", async () => {
    const { client, during } = connect({ start: "empty" });
    const on: OutputOf<"router.start"> = await during(
      client.call("router.start", { listen: "0.0.0.0:8000", public: ["203.0.113.5"] }),
    );
    expect(on).toMatchObject({ on: true, listen: "0.0.0.0:8000", lanOnly: false });
    const reach = await during(client.call("router.check", {}));
    expect(reach.findings.map(({ code }) => code)).toEqual(["reach-open", "reach-missed"]);
    const renewed = await client.call("router.newToken", {});
    expect(renewed.link).not.toBe(on.link);
    expect(await client.call("router.stop", {})).toMatchObject({ on: false, link: null });
  });

  it("answers path, ping and the network check", async () => {
    const { client, during } = connect();
    const path = await client.call("peers.path", { peer: "mei-laptop" });
    expect(path.peer.path?.via).toEqual(["nas"]);
    expect(path.decisions.length).toBeGreaterThan(0);
    const pings = await during(collect(client.stream("peers.ping", { peer: "nas", count: 3 })));
    expect(pings.map((ping) => ping.sequence)).toEqual([1, 2, 3]);
    expect((await during(client.call("netcheck.run", {}))).routers).toHaveLength(1);
  });

  it("fails on demand with every error there is", async () => {
    const { client, during } = connect();
    for (const code of Object.keys(errorKinds) as ErrorCode[]) {
      const answer = during(client.call("networks.create", { name: `fail:${code}` }));
      const error: unknown = await answer.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(AppError);
      expect(error).toMatchObject({ code });
      expect((error as AppError).message).not.toMatch(/[{}]/);
    }
  });
});
