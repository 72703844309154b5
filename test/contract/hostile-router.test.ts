/** What a node does when whoever answers is not the router, or the router misbehaves. */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { openPort } from "../../src-main/server/port.ts";
import { loadCertificate } from "../../src-main/transport/certificate.ts";
import type { Channel } from "../../src-main/transport/channel.ts";
import type { Control, ControlOptions } from "../../src-main/transport/control.ts";
import { openControl } from "../../src-main/transport/control.ts";
import type { MemoryNetwork } from "../../src-main/transport/memory.ts";
import { createMemoryNetwork } from "../../src-main/transport/memory.ts";
import { connectWebSocket } from "../../src-main/transport/websocket.ts";
import { fromBase64 } from "../../src-shared/bytes.ts";
import type { AppError } from "../../src-shared/errors.ts";
import { nodeHello, routerHelloBytes } from "../../src-shared/wire.ts";
import { FoundedNetwork } from "../fakes/founded-network.ts";
import { testSessionKey, testSigner } from "../fakes/notary.ts";
import { codeOf, issuerGreeting, notary, World } from "./control-world.ts";

const address = "127.0.0.1:1";

describe("a router that is not", () => {
  it("stands between us and the router: what the router signed there proves nothing here", async () => {
    const world = new World("tls");
    await world.start();
    const hosted = await world.found();
    const secrets: string[] = [];
    const tls = await loadCertificate({ folder: world.folder }, Date.now());
    const middle = await openPort({
      host: "127.0.0.1",
      port: 0,
      tls,
      // It was a member once, and knows by what insiders are let in.
      secrets: () => [world.router.keys.pin, hosted.network.record.name],
      streams: () => null,
      refused: () => undefined,
      accept: (node) => {
        const { pin } = world.router.keys;
        const opened = connectWebSocket(world.address, pin, new AbortController().signal).then((router) => {
          pass(router, node, () => undefined);
          pass(node, router, (text) => secrets.push(text));
        });
        opened.catch(() => node.cut());
      },
    });
    const between = `127.0.0.1:${middle.port}`;
    expect(await codeOf(world.connect(issuerGreeting(hosted.network), { addresses: [between] }))).toBe(
      "router-wrong",
    );
    expect(
      await codeOf(
        world.connect(issuerGreeting(hosted.network), {
          addresses: [between],
          pin: null,
          name: hosted.network.record.name,
        }),
      ),
    ).toBe("router-wrong");
    expect(secrets).toEqual([]);
    await middle.close();
    await world.close();
  });

  it("is another server, which does not even speak TLS: it counts as no router", async () => {
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    await new Promise((resolve) => server.once("listening", resolve));
    const port = (server.address() as { port: number }).port;
    const plain: ControlOptions = {
      addresses: [`127.0.0.1:${port}`],
      pin: notary.hash(new Uint8Array()),
      notary,
      greeting: issuerGreeting(new FoundedNetwork()),
      listener: silent(),
    };
    expect(await codeOf(openControl(plain))).toBe("router-unreachable");
    server.close();
  });
});

describe("a router that misbehaves", () => {
  const identity = testSigner();
  const network = new FoundedNetwork();
  let memory: MemoryNetwork;
  let close: () => void;
  let channel: Channel | null;
  let atHello: (channel: Channel) => void;
  beforeEach(() => {
    memory = createMemoryNetwork();
    channel = null;
    atHello = (opened) => opened.send(JSON.stringify(welcome));
    close = memory.listen(address, (opened) => {
      channel = opened;
      opened.send(JSON.stringify(hello(opened.exporter)));
      opened.listen({
        message: (text) => {
          if (nodeHello.safeParse(JSON.parse(text ?? "null")).success) atHello(opened);
        },
        heard: () => undefined,
        closed: () => undefined,
      });
    });
  });
  afterEach(() => close());

  const welcome = { kind: "welcome", record: null, delegation: null, chain: [] };

  function hello(exporter: Uint8Array) {
    const sessionKey = testSessionKey();
    const signature = identity.sign(routerHelloBytes(exporter, fromBase64(sessionKey) ?? new Uint8Array()));
    return { kind: "router", version: 1, identity: identity.key, sessionKey, signature };
  }

  function open(closed: (error: AppError) => void = () => undefined): Promise<Control> {
    return openControl({
      addresses: [address],
      pin: notary.hash(fromBase64(identity.key) ?? new Uint8Array()),
      notary,
      greeting: issuerGreeting(network),
      listener: { ...silent(), closed },
      connect: memory.connect,
    });
  }

  it("may refuse by a code of a newer version: still one error", async () => {
    atHello = (opened) =>
      opened.send(JSON.stringify({ kind: "refused", error: { code: "no-such-code", message: "later" } }));
    await expect(open()).rejects.toMatchObject({
      code: "internal",
      message: expect.stringContaining("later"),
    });
  });

  it("may hang up instead of a welcome, or after it", async () => {
    atHello = (opened) => opened.cut();
    expect(await codeOf(open())).toBe("router-lost");
    atHello = (opened) => opened.send(JSON.stringify(welcome));
    const ends: string[] = [];
    const control = await open((error) => ends.push(error.code));
    const asked = codeOf(control.request({ call: "presence", udp: true }));
    channel?.cut();
    expect(await asked).toBe("router-lost");
    expect(await codeOf(control.request({ call: "presence", udp: true }))).toBe("router-lost");
    expect(ends).toEqual(["router-lost"]);
  });

  it("may answer what was not asked, twice, or with something else", async () => {
    const control = await open();
    const asked = control.request({ call: "reserve", name: "x", identity: network.issuer.key });
    const say = (message: object) => channel?.send(JSON.stringify(message));
    say({ kind: "answer", id: 4711, answer: {} });
    say({ kind: "answer", id: 1, answer: { name: 5 } });
    say({ kind: "answer", id: 1, answer: { name: "x", address: "10.0.0.1" } });
    expect(await codeOf(asked)).toBe("router-lost");
    say({ kind: "a word of a later version", with: "things" });
    const other = control.request({ call: "presence", udp: true });
    say({ kind: "answer", id: 2, answer: {} });
    expect(await other).toEqual({});
    control.close();
  });

  it("may say anything at all: the socket ends or stays, and nothing is thrown", async () => {
    const kinds = fc.constantFrom(
      "welcome",
      "refused",
      "answer",
      "failure",
      "entries",
      "presence",
      "carried",
      "x",
    );
    const fields = fc.constantFrom(
      "id",
      "answer",
      "error",
      "entries",
      "members",
      "complete",
      "from",
      "datagram",
      "record",
    );
    const message = fc
      .tuple(kinds, fc.dictionary(fields, fc.anything()))
      .map(([kind, rest]) => JSON.stringify({ ...rest, kind }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.string(), fc.json(), message), { minLength: 1, maxLength: 5 }),
        async (texts) => {
          let ends = 0;
          const control = await open(() => ends++);
          const asked = control.request({ call: "presence", udp: true }).catch(() => null);
          for (const text of texts) channel?.send(text);
          channel?.cut();
          await asked;
          expect(ends).toBe(1);
          control.close();
          expect(ends).toBe(1);
        },
      ),
      { numRuns: 200 },
    );
  });
});

/** Passes on what one end says to the other. */
function pass(from: Channel, to: Channel, note: (text: string) => void): void {
  from.listen({
    message: (text) => {
      note(text ?? "");
      to.send(text ?? "");
    },
    heard: () => undefined,
    closed: () => to.cut(),
  });
}

function silent() {
  return {
    entries: () => undefined,
    presence: () => undefined,
    carried: () => undefined,
    closed: () => undefined,
  };
}
