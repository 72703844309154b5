/** The engine's ends of relay channels and of routes: what comes from peers is checked before it counts. */
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { Channels } from "../../src-main/engine/channels.ts";
import { Routes } from "../../src-main/engine/routes.ts";
import type { Input } from "../../src-main/mesh/effect.ts";
import type { SessionKey } from "../../src-shared/ids.ts";
import { sequenceBytes } from "../../src-shared/routes.ts";
import type { Signed } from "../../src-shared/trust.ts";
import { controlKind } from "../../src-shared/wire.ts";
import { FoundedNetwork, testDevice } from "../fakes/founded-network.ts";
import { createTestNotary } from "../fakes/notary.ts";

const network = new FoundedNetwork();
const notary = createTestNotary();
const [own, peer, relay, far] = [testDevice(), testDevice(), testDevice(), testDevice()];
const place = "203.0.113.9:7743";

function channels(answer: unknown) {
  const fed: Input[] = [];
  const learned: Signed[] = [];
  const received: string[] = [];
  const called: (readonly string[])[] = [];
  const made = new Channels({
    realm: network.id,
    surroundings: {
      notary,
      dataPlane: {
        handshakeMessage: () => new Uint8Array(8),
        handshake: (_realm, _peer, endpoints) => called.push(endpoints),
        receive: (_realm, from) => received.push(from),
      },
    },
    requests: { send: async () => answer } as never,
    endpointOf: (key) => (key === relay.sessionKey ? place : null),
    certificate: () => network.certificate(own),
    feed: (input) => fed.push(input),
    learn: (entries) => learned.push(...entries),
    log: () => undefined,
  });
  const open = () => made.open(peer.sessionKey, relay.sessionKey);
  return { made, open, fed, learned, received, called };
}

describe("the end of a relay channel", () => {
  const opened = { kind: "relayOpened", peer: peer.sessionKey, relay: relay.sessionKey };

  it("[C12] takes what the relay opened, with the relays behind it", async () => {
    const via = [far.identity.key];
    const { open, fed } = channels({ channel: 7, via });
    await open();
    expect(fed).toEqual([{ ...opened, opened: { endpoint: `${place}#7`, onward: via } }]);
  });

  it("hears a refusal, and has a relay looked at that says nothing", async () => {
    const refused = channels({ refused: "offline" });
    await refused.open();
    expect(refused.fed).toEqual([{ ...opened, opened: { refused: "offline" } }]);
    const silent = channels(null);
    await silent.open();
    expect(silent.fed).toEqual([
      { ...opened, opened: { refused: "unanswered" } },
      { kind: "traffic", peers: [relay.sessionKey] },
    ]);
    const here = channels({ refused: "here" });
    await here.open();
    expect(here.called).toEqual([[place]]);
  });

  it("[C12] takes an offer with a right certificate from a relay that it uses, and no other", () => {
    const { made, fed, learned, received } = channels(null);
    const certificate = network.certificate(peer, { addresses: ["10.20.0.7"] });
    const offer = { from: peer.sessionKey, channel: 5, certificate, datagram: "AQID" };
    made.offered(peer.sessionKey, JSON.stringify(offer));
    const forged = { ...certificate, body: certificate.body.replace("10.20.0.7", "10.20.0.8") };
    made.offered(relay.sessionKey, JSON.stringify({ ...offer, certificate: forged }));
    expect([fed, learned, received]).toEqual([[], [], []]);
    made.offered(relay.sessionKey, JSON.stringify({ ...offer, via: [far.identity.key] }));
    expect(learned).toEqual([certificate]);
    expect(received).toEqual([`${place}#5`]);
    expect(fed).toEqual([
      {
        kind: "relayOffered",
        peer: peer.sessionKey,
        relay: relay.sessionKey,
        endpoint: `${place}#5`,
        onward: [far.identity.key],
      },
    ]);
  });

  it("survives any offer", () => {
    const { made, fed } = channels(null);
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (body) => {
        made.offered(relay.sessionKey, body);
        expect(fed).toEqual([]);
      }),
    );
  });
});

describe("routes inside sessions", () => {
  function routes() {
    const told: { readonly to: string; readonly kind: number }[] = [];
    const made = new Routes({
      network: network.id,
      surroundings: { identity: own.identity as never, notary, now: () => network.now, log: () => undefined },
      requests: {
        send: async (to: string, kind: number) => {
          told.push({ to, kind });
          return null;
        },
      } as never,
      links: () => [{ identity: relay.identity.key, key: relay.sessionKey, rttMillis: 10 }],
    });
    return { made, told };
  }
  const route = (signature: string) => ({ to: far.identity.key, sequence: 3, metric: 4, signature });
  const telling = (signature: string, number = 1) =>
    JSON.stringify({ version: 1, number, full: true, routes: [route(signature)], wanted: [] });
  const right = far.identity.sign(sequenceBytes(network.id, far.identity.key, 3));

  it("[C13] count only with the destination's own signature, and only while this node relays", async () => {
    const { made, told } = routes();
    expect(made.answer(relay.sessionKey, telling(right))).toBe("{}");
    made.setCost(5);
    await vi.waitFor(() => expect(told).toContainEqual({ to: relay.sessionKey, kind: controlKind.routes }), {
      timeout: 30_000,
    });
    const others = relay.identity.sign(sequenceBytes(network.id, far.identity.key, 3));
    made.answer(relay.sessionKey, telling(others));
    expect(made.ways(far.identity.key)).toEqual([]);
    expect(JSON.parse(made.answer(relay.sessionKey, telling(right, 2)))).toEqual({ sum: expect.any(String) });
    expect(made.ways(far.identity.key)).toMatchObject([{ next: relay.identity.key, metric: 14 }]);
    expect(made.answer(peer.sessionKey, telling(right, 3))).toBe("{}");
    // A new session with the neighbour: what it told in the one before is void.
    made.renewed(relay.sessionKey);
    expect(made.ways(far.identity.key)).toEqual([]);
    made.setCost(null);
    expect(made.destinations()).toEqual([]);
  });

  it("answer anything", () => {
    const { made } = routes();
    made.setCost(5);
    fc.assert(
      fc.property(
        fc.oneof(fc.json(), fc.string()),
        fc.constantFrom<SessionKey>(relay.sessionKey, peer.sessionKey),
        (body, from) => {
          expect(made.answer(from, body)).toBe("{}");
        },
      ),
    );
    made.setCost(null);
  });
});
