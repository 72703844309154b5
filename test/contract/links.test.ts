/** One suite for links of every transport: what sessions may rely on. */
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Endpoint, Transport } from "../../drivers/dataplane.ts";
import type { Ground, Standing } from "./links-world.ts";
import { End, grounds, packet, realm, silences } from "./links-world.ts";

describe.each(Object.entries(grounds) as [Transport, () => Promise<Ground>][])(
  "a link of %s",
  (transport, makeGround) => {
    /** Whether it is in a connection of the kernel's, which can be cut. */
    const isStream = ["tcp", "tls", "wss"].includes(transport);
    let ground: Ground;
    const ends: End[] = [];
    const tidy: (() => Promise<void>)[] = [];
    beforeEach(async () => {
      ground = await makeGround();
    });
    afterEach(async () => {
      for (const end of ends.splice(0)) end.stop();
      for (const task of tidy.splice(0)) await task();
      await ground.close();
    });

    function end(number: number, kind: "network" | "router" = "network"): End {
      const made = new End(number, kind);
      ends.push(made);
      return made;
    }

    /** Two that know each other, with a session over a link from the first to the second; through a cable if asked. */
    async function pair({ cabled = false } = {}) {
      const [one, two] = [end(1), end(2)];
      one.know(two);
      two.know(one);
      const port = await ground.listen(two);
      const cable = cabled ? await ground.cable(port) : null;
      if (cable !== null) tidy.push(() => cable.close());
      const link = await ground.open(one, cable?.port ?? port);
      const met = await meet(one, two, link);
      return { one, two, link, met, cable, port: cable?.port ?? port };
    }

    async function meet(one: End, two: End, link: Standing): Promise<Endpoint> {
      one.calls.handshake(realm, two.key, [link.endpoint]);
      expect((await one.next("session")).endpoint).toBe(link.endpoint);
      const met = await two.next("session");
      expect(met.endpoint).toMatch(new RegExp(`^${transport}/127\\.0\\.0\\.1:`));
      one.calls.setPaths(realm, two.key, [{ endpoint: link.endpoint, probeMillis: 100 }], {
        active: [link.endpoint],
        standby: [],
      });
      await one.next("proved", ({ endpoint }) => endpoint === link.endpoint);
      return met.endpoint;
    }

    /** Sends numbered packets as fast as they are taken; `window`: no more on their way than so many. */
    async function pass(
      from: End,
      to: End,
      { contents, window = 64 }: { readonly contents: readonly Buffer[]; readonly window?: number },
    ): Promise<void> {
      const missing = new Set<string>();
      let next = 0;
      let moved = performance.now();
      await expect
        .poll(
          () => {
            for (;;) {
              const got = to.wire?.take() ?? null;
              if (got === null) break;
              if (!missing.delete(got.toString("latin1")))
                expect.unreachable("damaged, doubled or never sent");
              moved = performance.now();
            }
            // A link drops what waits for too long, as on a machine that is busy with others.
            if (performance.now() - moved > patienceMillis) {
              for (const text of missing) from.wire?.send(Buffer.from(text, "latin1"));
              moved = performance.now();
            }
            while (next < contents.length && missing.size < window) {
              const bytes = packet(from, to, contents[next] ?? Buffer.alloc(0));
              if (from.wire?.send(bytes) !== true) break;
              missing.add(bytes.toString("latin1"));
              next++;
            }
            return contents.length - next + missing.size;
          },
          { interval: 0, timeout: 30_000 },
        )
        .toBe(0);
    }

    /** Sends random packets until the one end has taken so many; answers how many of them came to the other, each once. */
    async function flood(from: End, to: End, count: number): Promise<number> {
      const sent = new Set<string>();
      let came = 0;
      const take = () => {
        for (let got = to.wire?.take() ?? null; got !== null; got = to.wire?.take() ?? null) {
          if (!sent.delete(got.toString("latin1"))) expect.unreachable("damaged, doubled or never sent");
          came++;
        }
      };
      while (came + sent.size < count) {
        const bytes = packet(from, to, randomBytes(1200));
        while (from.wire?.send(bytes) !== true) await new Promise(setImmediate);
        sent.add(bytes.toString("latin1"));
        take();
      }
      // What is still on its way comes before what follows on an idle link.
      const last = randomBytes(700);
      await expect
        .poll(
          () => {
            from.wire?.send(packet(from, to, last));
            for (let got = to.wire?.take() ?? null; got !== null; got = to.wire?.take() ?? null) {
              if (got.subarray(28).equals(last)) return true;
              if (!sent.delete(got.toString("latin1"))) expect.unreachable("damaged, doubled or never sent");
              came++;
            }
            return false;
          },
          { interval: 20, timeout: 30_000 },
        )
        .toBe(true);
      return came;
    }

    /** Repeats a packet until one of it comes. */
    async function reach(from: End, to: End): Promise<void> {
      const wanted = packet(from, to, randomBytes(700));
      await expect
        .poll(
          () => {
            from.wire?.send(wanted);
            for (let got = to.wire?.take() ?? null; got !== null; got = to.wire?.take() ?? null)
              if (got.equals(wanted)) return true;
            return false;
          },
          { interval: 20, timeout: 30_000 },
        )
        .toBe(true);
    }

    it("[P06] [P07] [P08] [W13] [W15] carries a session, and packets of every size both ways, each once and unchanged", async () => {
      const { one, two, met } = await pair();
      two.calls.setPaths(realm, one.key, [{ endpoint: met, probeMillis: 100 }], {
        active: [met],
        standby: [],
      });
      // Larger ones go in pieces.
      const most = await Promise.all(
        [one, two].map(async (end) => {
          const known = await end.next("measured", ({ paths }) => paths.some(({ mtu }) => mtu !== null));
          return known.paths[0]?.mtu ?? 0;
        }),
      );
      expect(Math.min(...most)).toBeGreaterThanOrEqual(1280);
      const sizes = Array.from({ length: Math.min(...most) - 28 }, (_, at) => at + 1);
      // The number in front makes small ones differ, too.
      const contents = sizes.map((size) =>
        Buffer.concat([randomBytes(Math.min(size, 8)), Buffer.alloc(Math.max(0, size - 8), size)]),
      );
      await pass(one, two, { contents: contents.slice(7) });
      await pass(two, one, { contents: contents.slice(7) });
      await pass(one, two, { contents: contents.slice(0, 7), window: 1 });
    });

    it("carries control messages of every size", async () => {
      const { one, two } = await pair();
      for (const length of [1, 1000, 1200, 5000, 60_000]) {
        const body = JSON.stringify("x".repeat(length));
        const id = one.calls.request(realm, two.key, 9, body);
        const asked = await two.next("request");
        expect(asked.body).toBe(body);
        two.calls.respond(realm, one.key, asked.id, body);
        expect(await one.next("response", (event) => event.id === id)).toMatchObject({ body });
      }
    });

    it("takes bursts: what comes is whole and comes once", async () => {
      const { one, two } = await pair();
      expect(await flood(one, two, 3000)).toBeGreaterThan(50);
      expect(await flood(two, one, 3000)).toBeGreaterThan(50);
    });

    it("drops what an end that reads nothing cannot take, holds little meanwhile, and recovers", async () => {
      const { one, two, cable } = await pair({ cabled: true });
      await flood(one, two, 500);
      cable?.freeze();
      const before = process.memoryUsage().rss;
      const bytes = packet(one, two, randomBytes(1200));
      for (let sent = 0; sent < 80_000; sent++) {
        while (one.wire?.send(bytes) !== true) await new Promise(setImmediate);
      }
      // 96 MB went in; what the garbage collector has not come to yet counts, too.
      expect(process.memoryUsage().rss - before).toBeLessThan(48e6);
      cable?.thaw();
      await reach(one, two);
    });

    it.runIf(isStream)(
      "[C08] [C09] ends at both ends when its connection is cut, and the session goes on over the next one",
      async () => {
        const { one, two, link, cable, port } = await pair({ cabled: true });
        cable?.cut();
        await link.closed;
        await one.next("lost", ({ endpoint }) => endpoint === link.endpoint);
        await ground.open(one, port);
        await one.next("proved", ({ endpoint }) => endpoint === link.endpoint);
        await reach(one, two);
        await reach(two, one);
        expect(one.heard("ended")).toEqual([]);
      },
    );

    const silence = silences[transport];
    it.runIf(silence !== undefined)(
      "[C08] is over after three seconds when nothing comes any more",
      async () => {
        const { link, cable } = await pair({ cabled: true });
        cable?.freeze();
        const begun = performance.now();
        await link.closed;
        // Of what is slow here most is the machine; without signs of life it would take a quarter of an hour.
        expect(performance.now() - begun).toBeLessThan((silence ?? 0) + 20_000);
      },
    );

    it("survives whatever is thrown at its port, and at itself", async () => {
      const { one, two, link, cable, port } = await pair({ cabled: true });
      await Promise.all(
        (isStream ? [1, 40, 1500, 70_000] : []).flatMap((length) => [
          junk(connect(port, "127.0.0.1"), randomBytes(length)),
          junk(connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false }), randomBytes(length)),
        ]),
      );
      await pass(one, two, { contents: [randomBytes(500)] });
      cable?.inject(Buffer.concat([Buffer.from([0, 0]), randomBytes(3000)]));
      if (isStream) {
        await link.closed;
        await ground.open(one, port);
      }
      await reach(one, two);
      await reach(two, one);
    });

    it("is one of many to the same end", async () => {
      const hub = end(200);
      const port = await ground.listen(hub);
      const others = Array.from({ length: 16 }, (_, at) => end(at + 1));
      await Promise.all(
        others.map(async (other) => {
          hub.know(other);
          other.know(hub);
          const link = await ground.open(other, port);
          other.calls.handshake(realm, hub.key, [link.endpoint]);
          await other.next("session");
        }),
      );
      for (const other of others) await pass(other, hub, { contents: [randomBytes(100)] });
    });

    it("[P16] carries the channels of a relay", async () => {
      const relay = end(100, "router");
      const [one, two] = [end(1), end(2)];
      const port = await ground.listen(relay);
      const links: Standing[] = [];
      for (const node of [one, two]) {
        node.know(relay, "router");
        relay.know(node);
        const link = await ground.open(node, port);
        links.push(link);
        node.calls.handshake(realm, relay.key, [link.endpoint]);
        await Promise.all([node.next("session"), relay.next("session")]);
      }
      one.know(two);
      two.know(one);
      const channel = relay.calls.openChannel(realm, one.key, two.key);
      one.calls.handshake(realm, two.key, [`${links[0]?.endpoint}#${channel.from}`]);
      expect((await one.next("session")).endpoint).toBe(`${links[0]?.endpoint}#${channel.from}`);
      expect((await two.next("session")).endpoint).toBe(`${links[1]?.endpoint}#${channel.to}`);
      await pass(one, two, { contents: [randomBytes(1200), randomBytes(10)] });
      await pass(two, one, { contents: [randomBytes(1200), randomBytes(10)] });
    });

    it("gives everything back when it is closed", async () => {
      const { one, two, port } = await pair();
      const open = () => readdirSync("/proc/self/fd").length;
      const before = open();
      for (let round = 0; round < 20; round++) {
        const link = await ground.open(one, port);
        link.close();
        await link.closed;
      }
      await expect.poll(open).toBeLessThanOrEqual(before);
      await ground.open(one, port);
      await reach(one, two);
    });
  },
);

/** Sends it and waits until the connection is over, or for as long as nobody minds. */
function junk(socket: ReturnType<typeof connect>, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    socket.on("error", () => undefined);
    socket.on("close", () => resolve());
    socket.end(bytes);
    socket.resume();
  });
}

/** Longer than any link holds a packet back. */
const patienceMillis = 3000;
