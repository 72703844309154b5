/** One end of a measured pair: the data plane alone, told by its only argument (JSON) what an engine would decide. */
import { createRequire } from "node:module";
import type { Addon, ConnectOptions, PeerKind } from "../../drivers/dataplane.ts";
import { openTun } from "../../drivers/tun/tun.ts";
import { hostPortOf, transportOf } from "../../src-main/mesh/endpoint.ts";
import { gsoMaxSize, openSystem } from "../../src-main/system/system.ts";
import type { StreamTransport } from "../../src-main/transport/stream-link.ts";
import { parseAddress, parsePrefix } from "../../src-shared/address.ts";
import { openStream, takeStreams } from "./stream-links.ts";

export interface EndOptions {
  /** Path of the addon. */
  readonly addon: string;
  readonly privateKey: string;
  readonly peerKey: string;
  readonly peerKind: Extract<PeerKind, "node" | "stock">;
  readonly address: string;
  readonly peerAddress: string;
  readonly port: number;
  /**
   * `10.255.0.2:7743`; with a relay, its address without the channel, which comes on standard input. By a link
   * (`tcp/10.255.0.2:7743`) the end that begins opens it, and the other one takes it.
   */
  readonly peerEndpoint: string;
  /** Of a `kcp` link. */
  readonly profile?: NonNullable<ConnectOptions["profile"]>;
  /** Further endpoints of the peer. */
  readonly standby?: readonly string[];
  /** Left out: paths are not probed. */
  readonly probeMillis?: number;
  /** The relay between the ends; absent: they are direct. */
  readonly relay?: { readonly publicKey: string; readonly prologue: string };
  readonly suites?: readonly (1 | 2)[];
  /** What leaves is masked. */
  readonly masked?: boolean;
  /** It has a filter of so many rules, of which the last lets everything in, and routes to so many more places. */
  readonly burden?: { readonly rules: number; readonly routes: number };
  /** Whether this end begins. */
  readonly initiate: boolean;
}

const mtu = 1400;
const realm = "bench";

const options: EndOptions = JSON.parse(process.argv[2] ?? "{}");
const transport = transportOf(options.peerEndpoint);
const system = openSystem();
const address = parseAddress(options.address);
const prefix = parsePrefix(`${options.peerAddress}/32`);
if (address === null || prefix === null) throw new TypeError("addresses are needed");

const { name: device, fd, offload } = await openTun({ mtu });
await system.setLink({ device, up: true, gsoMaxSize });
await system.addAddress({ device, address, length: 32 });
await system.addRoute({ device, prefix, source: address });

const addon = createRequire(import.meta.url)(options.addon) as Addon;
const dataPlane = addon.start((events) => {
  for (const event of events) {
    if (event.kind === "session" && !event.rekey) {
      process.stdout.write(`session suite ${event.suite}\n`);
      // Where a link comes from shows only once it is there.
      if (transport !== "udp") use(event.endpoint);
    }
    if (event.kind === "link" && event.up) dataPlane.handshake(realm, options.peerKey, [event.remote]);
    if (event.kind === "proved" || event.kind === "lost")
      process.stdout.write(`${event.kind} ${event.endpoint}\n`);
    if (event.kind === "measured")
      for (const path of event.paths) process.stdout.write(`measured ${JSON.stringify(path)}\n`);
    if (event.kind === "failed") process.stderr.write(`failed: ${event.message}\n`);
  }
});
const prologue = Buffer.alloc(32, 1).toString("base64");
dataPlane.bind("main", options.port);
dataPlane.openRealm({
  realm,
  socket: "main",
  kind: "network",
  privateKey: options.privateKey,
  prologue,
  tun: { fd, mtu, offload },
  stampFloorMillis: Date.now(),
  ...(options.suites === undefined ? {} : { suites: options.suites }),
});
dataPlane.setEpochs(realm, [{ id: 1, key: Buffer.alloc(32, 2).toString("base64") }]);
if (options.masked === true)
  dataPlane.setMask(realm, [{ id: 1, key: Buffer.alloc(32, 4).toString("base64") }], true);
dataPlane.setPeer(realm, {
  publicKey: options.peerKey,
  kind: options.peerKind,
  allowed: [`${options.peerAddress}/32`],
  keepaliveSeconds: 0,
});
if (options.burden !== undefined) burden(options.burden);
if (isStream(transport) && !options.initiate) await takeStreams(dataPlane, options.port);
process.stdout.write(`ready features ${addon.features.join(" ") || "none"}\n`);
if (isStream(transport)) {
  if (options.initiate) meet(await openStream(dataPlane, transport, hostPortOf(options.peerEndpoint)));
} else if (transport !== "udp") link(transport);
else if (options.relay === undefined) meet(options.peerEndpoint);
else reachRelay(options.relay);

process.on("SIGTERM", () => {
  process.stdout.write(`${JSON.stringify(dataPlane.counters())}\n`);
  dataPlane.stop();
  process.exit(0);
});
setInterval(() => undefined, 60_000);

/** Takes links, or opens one; the session stands on it as soon as it is up. */
function link(kind: Exclude<typeof transport, "udp" | StreamTransport>): void {
  dataPlane.listenLinks("main", kind, { port: options.port });
  const { profile } = options;
  const how = { seconds: 20, ...(profile === undefined ? {} : { profile }) };
  if (options.initiate) dataPlane.connectLink("main", options.peerEndpoint, how);
}

/** Rules about hosts that never send, and routes to where nobody is. */
function burden({ rules, routes }: NonNullable<EndOptions["burden"]>): void {
  const digits = (number: number) => `${number >> 8}.${number & 255}`;
  const hosts = Array.from({ length: rules - 1 }, (_, number) => ({
    from: [`172.16.${digits(number)}/32`],
    to: [],
    protocol: "tcp" as const,
    ports: [[number, number] as const],
    allow: false,
  }));
  const all = { from: [], to: [], protocol: "any", ports: [], allow: true } as const;
  dataPlane.setFilter(realm, { rules: [...hosts, all], otherwise: false });
  dataPlane.setPeer(realm, {
    publicKey: addon.publicKey(Buffer.alloc(32, 9).toString("base64")),
    kind: "node",
    allowed: Array.from({ length: routes }, (_, number) => `10.${100 + (number >> 8)}.${number & 255}.0/24`),
    keepaliveSeconds: 0,
  });
}

function isStream(kind: typeof transport): kind is StreamTransport {
  return kind === "tls" || kind === "wss";
}

function use(endpoint: string): void {
  const { standby = [], probeMillis = 0 } = options;
  const paths = [endpoint, ...standby].map((each) => ({ endpoint: each, probeMillis }));
  dataPlane.setPaths(realm, options.peerKey, paths, { active: [endpoint], standby });
}

/** Speaks to the peer at this endpoint from now on. */
function meet(endpoint: string): void {
  use(endpoint);
  if (options.initiate) dataPlane.handshake(realm, options.peerKey, [endpoint]);
}

/** Opens a session with the relay; the peer is met through the channel that standard input names. */
function reachRelay({ publicKey, prologue: relayPrologue }: NonNullable<EndOptions["relay"]>): void {
  const { peerEndpoint: endpoint } = options;
  dataPlane.setPeer(realm, {
    publicKey,
    kind: "router",
    prologue: relayPrologue,
    allowed: [],
    keepaliveSeconds: 25,
  });
  dataPlane.setPaths(realm, publicKey, [{ endpoint, probeMillis: 0 }], { active: [endpoint], standby: [] });
  dataPlane.handshake(realm, publicKey, [endpoint]);
  process.stdin.setEncoding("utf8").once("data", (channel) => meet(`${endpoint}#${String(channel).trim()}`));
}
