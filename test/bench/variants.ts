/** The products that are compared, each brought up between two hosts on one cable. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Transport } from "../../drivers/dataplane.ts";
import { bundle } from "../netns/bundle.mjs";
import type { Child, Host } from "../netns/host.ts";
import type { Lab } from "../netns/lab.ts";
import { canHave, have, nebula, nebulaCert, wireguardGo } from "../netns/tools.ts";
import { ping } from "../netns/traffic.ts";
import { waitUntil } from "../netns/wait.ts";
import type { Profile } from "../netns/wireguard.ts";
import { startClient } from "../netns/wireguard.ts";
import { addonPath, nullAddonPath } from "./addons.ts";
import type { EndOptions } from "./data-plane.ts";
import type { Keys } from "./end.ts";
import { ends, inner, makeKeys, port, startEnd } from "./end.ts";
import type { Pair } from "./measure.ts";
import type { RelayOptions } from "./relay.ts";

interface Link extends Pick<EndOptions, "profile"> {
  readonly transport: Transport;
}

/** The first one begins. */
export type Hosts = readonly [Host, Host];

export interface Variant {
  readonly name: string;
  readonly label: string;
  /** Why it is left out on this machine; null when it can run. */
  missing(): string | null;
  /** Builds what it needs, so that no round waits for a compiler. */
  prepare(): Promise<unknown>;
  /** Brings it up between two hosts on one cable, made if not given; the laboratory's end takes it down. */
  open(lab: Lab, hosts?: Hosts): Promise<Pair>;
}

const noGo = "it needs Go (go.dev)";

export const variants: readonly Variant[] = [
  { name: "bare", label: "bare link", missing: () => null, prepare: async () => null, open: openBare },
  starmesh("suite1", "Starmesh AES-256-GCM", addonPath, 1),
  masked(),
  burdened(),
  starmesh("suite2", "Starmesh ChaCha20-Poly1305", addonPath, 2),
  starmesh("null", "Starmesh null data plane", nullAddonPath, 1),
  {
    name: "routed",
    label: "Starmesh direct, across the internet",
    missing: () => null,
    prepare: addonPath,
    open: openRouted,
  },
  {
    name: "relay",
    label: "Starmesh relayed, across the internet",
    missing: () => null,
    prepare: addonPath,
    open: openRelay,
  },
  linked("tcp", { transport: "tcp" }),
  linked("tls", { transport: "tls" }),
  linked("wss", { transport: "wss" }),
  linked("quic", { transport: "quic" }),
  linked("kcp", { transport: "kcp" }),
  linked("kcp-fast", { transport: "kcp", profile: "fast" }),
  linked("kcp-saving", { transport: "kcp", profile: "saving" }),
  linked("kcp-plain", { transport: "kcp", profile: "plain" }),
  {
    name: "suite0",
    label: "Starmesh ↔ wireguard-go",
    missing: () => (canHave(wireguardGo) ? null : noGo),
    prepare: () => have(wireguardGo),
    open: openStock,
  },
  {
    name: "wireguard",
    label: "wireguard-go",
    missing: () => (canHave(wireguardGo) ? null : noGo),
    prepare: () => have(wireguardGo),
    open: openWireguard,
  },
  {
    name: "nebula",
    label: "Nebula",
    missing: () => (canHave(nebula) ? null : noGo),
    prepare: () => Promise.all([have(nebula), have(nebulaCert)]),
    open: openNebula,
  },
];

function starmesh(name: string, label: string, addon: () => Promise<string>, suite: 1 | 2): Variant {
  return {
    name,
    label,
    missing: () => null,
    prepare: addon,
    async open(lab, [from, to] = lab.cable("from", "to")) {
      const [keys, peerKeys] = [makeKeys(), makeKeys()];
      const common = { addon: await addon(), peerKind: "node", port, suites: [suite] } as const;
      const server = await startEnd(to, { ...common, ...ends(peerKeys, keys, to, from), initiate: false });
      const client = await startEnd(from, { ...common, ...ends(keys, peerKeys, from, to), initiate: true });
      await client.says(new RegExp(`session suite ${suite}`));
      return settled({ from, to, address: inner(to), pids: [client.pid, server.pid] });
    },
  };
}

/** As `suite1`, and nobody on the cable recognises it. */
function masked(): Variant {
  return {
    name: "masked",
    label: "Starmesh AES-256-GCM, masked",
    missing: () => null,
    prepare: addonPath,
    async open(lab, [from, to] = lab.cable("from", "to")) {
      const [keys, peerKeys] = [makeKeys(), makeKeys()];
      const common = {
        addon: await addonPath(),
        peerKind: "node",
        port,
        suites: [1],
        masked: true,
      } as const;
      const server = await startEnd(to, { ...common, ...ends(peerKeys, keys, to, from), initiate: false });
      const client = await startEnd(from, { ...common, ...ends(keys, peerKeys, from, to), initiate: true });
      await client.says(/session suite 1/);
      return settled({ from, to, address: inner(to), pids: [client.pid, server.pid] });
    },
  };
}

/** As `suite1`, with as many rules and routes as a large network has. */
function burdened(): Variant {
  const burden = { rules: 10_000, routes: 5_000 };
  return {
    name: "filter",
    label: "Starmesh AES-256-GCM, 10,000 rules, 5,000 routes",
    missing: () => null,
    prepare: addonPath,
    async open(lab, [from, to] = lab.cable("from", "to")) {
      const [keys, peerKeys] = [makeKeys(), makeKeys()];
      const common = { addon: await addonPath(), peerKind: "node", port, suites: [1], burden } as const;
      const server = await startEnd(to, { ...common, ...ends(peerKeys, keys, to, from), initiate: false });
      const client = await startEnd(from, { ...common, ...ends(keys, peerKeys, from, to), initiate: true });
      await client.says(/session suite 1/);
      return settled({ from, to, address: inner(to), pids: [client.pid, server.pid] });
    },
  };
}

/** Over a link of a transport, which carries what UDP would. */
function linked(name: string, { transport, profile }: Link): Variant {
  return {
    name,
    label: `Starmesh over ${name}`,
    missing: () => null,
    prepare: addonPath,
    async open(lab, [from, to] = lab.cable("from", "to")) {
      const [keys, peerKeys] = [makeKeys(), makeKeys()];
      // Probed, because a link adds to each packet and takes less than a plain line.
      const common = { addon: await addonPath(), peerKind: "node", port, probeMillis: 250 } as const;
      const [near, far] = [ends(keys, peerKeys, from, to), ends(peerKeys, keys, to, from)];
      const over = (endpoint: string) => ({
        peerEndpoint: `${transport}/${endpoint}`,
        ...(profile === undefined ? {} : { profile }),
      });
      const server = await startEnd(to, { ...common, ...far, ...over(far.peerEndpoint), initiate: false });
      const client = await startEnd(from, { ...common, ...near, ...over(near.peerEndpoint), initiate: true });
      for (const end of [client, server]) await end.says(/^proved/m);
      return settled({ from, to, address: inner(to), pids: [client.pid, server.pid] });
    },
  };
}

/** Through the kernel of one router: what the relay, reached through it twice, is compared with. */
async function openRouted(lab: Lab): Promise<Pair> {
  const [from, to] = [lab.publicHost("from"), lab.publicHost("to")];
  const [keys, peerKeys] = [makeKeys(), makeKeys()];
  const common = { addon: await addonPath(), peerKind: "node", port } as const;
  const server = await startEnd(to, { ...common, ...ends(peerKeys, keys, to, from), initiate: false });
  const client = await startEnd(from, { ...common, ...ends(keys, peerKeys, from, to), initiate: true });
  return settled({ from, to, address: inner(to), pids: [client.pid, server.pid] });
}

async function openRelay(lab: Lab): Promise<Pair> {
  const [from, to, middle] = [lab.publicHost("from"), lab.publicHost("to"), lab.publicHost("relay")];
  const [keys, peerKeys, relayKeys] = [makeKeys(), makeKeys(), makeKeys()];
  const addon = await addonPath();
  const prologue = Buffer.alloc(32, 3).toString("base64");
  const between = [keys.publicKey, peerKeys.publicKey] as const;
  const options: RelayOptions = { addon, privateKey: relayKeys.privateKey, prologue, port, between };
  const relay = middle.start(process.execPath, [
    await bundle("test/bench/relay.ts"),
    JSON.stringify(options),
  ]);
  await relay.says(/ready/);
  const common = {
    addon,
    peerKind: "node",
    port,
    relay: { publicKey: relayKeys.publicKey, prologue },
  } as const;
  const peerEndpoint = `${middle.address}:${port}`;
  const server = await startEnd(to, {
    ...common,
    ...ends(peerKeys, keys, to, from),
    peerEndpoint,
    initiate: false,
  });
  const client = await startEnd(from, {
    ...common,
    ...ends(keys, peerKeys, from, to),
    peerEndpoint,
    initiate: true,
  });
  const [, fromChannel, toChannel] = await relay.says(/channels (\d+) (\d+)/);
  server.write(`${toChannel}\n`);
  client.write(`${fromChannel}\n`);
  return settled({ from, to, address: inner(to), pids: [client.pid, server.pid, relay.pid] });
}

async function openBare(lab: Lab, [from, to]: Hosts = lab.cable("from", "to")): Promise<Pair> {
  return settled({ from, to, address: to.address, pids: [] });
}

async function openStock(lab: Lab, [from, to]: Hosts = lab.cable("from", "to")): Promise<Pair> {
  const [keys, peerKeys] = [makeKeys(), makeKeys()];
  const client = await startClient(to, profile(peerKeys, keys, to, from));
  const server = await startEnd(from, {
    addon: await addonPath(),
    peerKind: "stock",
    port,
    ...ends(keys, peerKeys, from, to),
    initiate: true,
  });
  return settled({ from, to, address: inner(to), pids: [server.pid, client.pid] });
}

async function openWireguard(lab: Lab, [from, to]: Hosts = lab.cable("from", "to")): Promise<Pair> {
  const [keys, peerKeys] = [makeKeys(), makeKeys()];
  const server = await startClient(to, profile(peerKeys, keys, to, from));
  const client = await startClient(from, profile(keys, peerKeys, from, to));
  return settled({ from, to, address: inner(to), pids: [client.pid, server.pid] });
}

async function openNebula(lab: Lab, [from, to]: Hosts = lab.cable("from", "to")): Promise<Pair> {
  const folder = join(lab.folder, "nebula");
  mkdirSync(folder);
  const certify = await have(nebulaCert);
  const program = await have(nebula);
  from.runNow("sh", "-c", `cd ${folder} && ${certify} ca -name bench`);
  const children: Child[] = [];
  for (const [host, other] of [
    [to, from],
    [from, to],
  ] as const) {
    from.runNow("sh", "-c", `cd ${folder} && ${certify} sign -name ${host.name} -ip ${inner(host)}/24`);
    const any = [{ port: "any", proto: "any", host: "any" }];
    const config = {
      pki: { ca: "ca.crt", cert: `${host.name}.crt`, key: `${host.name}.key` },
      static_host_map: { [inner(other)]: [`${other.address}:${port}`] },
      lighthouse: { am_lighthouse: false, hosts: [] },
      listen: { host: "0.0.0.0", port },
      tun: { dev: "nebula" },
      firewall: { outbound: any, inbound: any },
      logging: { level: "error" },
    };
    // JSON is YAML.
    const file = join(folder, `${host.name}.yml`);
    writeFileSync(file, JSON.stringify(config));
    children.push(host.start(program, ["-config", file], { cwd: folder }));
  }
  return settled({ from, to, address: inner(to), pids: children.map((child) => child.pid) });
}

/** A pair whose first packets have come through. */
async function settled(pair: Pair): Promise<Pair> {
  const once = { count: 1, waitSeconds: 0.3 };
  await waitUntil("the first packet", async () => (await ping(pair.from, pair.address, once)).received === 1);
  return pair;
}

function profile(keys: Keys, peerKeys: Keys, host: Host, peer: Host): Profile {
  return {
    interface: { PrivateKey: keys.privateKey, Address: `${inner(host)}/32`, ListenPort: `${port}` },
    peers: [
      { PublicKey: peerKeys.publicKey, Endpoint: `${peer.address}:${port}`, AllowedIPs: `${inner(peer)}/32` },
    ],
  };
}
