/**
 * What runs inside Windows: drives the interface's driver, the system's calls and the data plane, and writes what came of each into
 * the file named first. The second argument is the addon's path; empty: there is none.
 */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import koffi from "koffi";
import type { Addon, DataPlane, DataPlaneEvent, Endpoint } from "../../drivers/dataplane.ts";
import type { TunDevice } from "../../drivers/tun/tun.ts";
import { canOpenTun, openTun } from "../../drivers/tun/tun.ts";
import type { DnsChange } from "../../src-main/system/system.ts";
import { openSystem } from "../../src-main/system/system.ts";
import { runTool } from "../../src-main/system/tool.ts";
import { policyKey } from "../../src-main/system/windows-names.ts";
import {
  demandOwnFolder,
  ownerOf,
  ownUser,
  protectPipe,
  rulesOfPipe,
} from "../../src-main/system/windows-security.ts";
import { Pipe } from "../../src-main/transport/stream-carry.ts";

const [, , report = "", addonPath = ""] = process.argv;
const results: Record<string, unknown> = {};

async function part(name: string, run: () => Promise<unknown>): Promise<void> {
  try {
    results[name] = await run();
  } catch (error) {
    results[name] = { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  writeFileSync(report, JSON.stringify(results));
}

/** The life of an adapter. */
async function driveInterface(): Promise<unknown> {
  const check = canOpenTun();
  const device = await openTun({ name: "starmesh7", mtu: 1400 });
  const refusal = await openTun({ name: "not a name", mtu: 1400 }).catch((error: unknown) => codeOf(error));
  device.close();
  device.close();
  const next = await openTun({ mtu: 1400 });
  next.close();
  return { check, name: device.name, offload: device.offload, next: next.name, refusal, said: stub().said() };
}

async function readSystem(): Promise<unknown> {
  const system = openSystem();
  const watch = system.watch(() => undefined);
  const found = {
    host: system.hostName(),
    lifetime: system.lifetime() === openSystem().lifetime(),
    interfaces: system.interfaces().map(({ name, index, loopback, addresses }) => ({
      name,
      index,
      loopback,
      addresses: addresses.map(({ address }) => `${address.family} ${address.value}`),
    })),
    routes: system.routes().length,
    gateway: await system.setPassage("starmesh_x", []).catch((error: unknown) => codeOf(error)),
  };
  watch.close();
  return found;
}

async function changeNames(): Promise<unknown> {
  const system = openSystem();
  const change: DnsChange = {
    way: "domains",
    name: "starmesh7",
    server: "10.9.255.254",
    domains: ["home.mesh", "9.10.in-addr.arpa"],
    everything: false,
  };
  const file = `${report}.reg`;
  const written = async () => runTool("reg.exe", ["export", policyKey(change.name), file, "/y"]);
  await system.setDns(change);
  await system.setDns(change);
  const made = await written();
  await system.removeDns(change);
  await system.removeDns(change);
  return {
    way: await system.dnsWay(),
    made,
    file,
    gone: (await runTool("reg.exe", ["query", policyKey(change.name)])) !== null,
  };
}

/** A pipe at which somebody listens: who may talk there, before and after it is protected, and that we still may. */
async function guardPipe(): Promise<unknown> {
  const path = `\\\\.\\pipe\\starmesh-test-${process.pid}`;
  const server = createServer((socket) => socket.on("error", () => undefined).end("hello"));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const before = rulesOfPipe(path);
  const user = ownUser();
  protectPipe(path, [user]);
  // More than the instances that wait: those made later are protected as well.
  const heard: string[] = [];
  for (let number = 0; number < 6; number += 1) {
    const socket = connect(path);
    heard.push(String((await socket.toArray()).join("")));
  }
  const after = rulesOfPipe(path);
  server.close();
  return { user, before, after, heard };
}

/** Folders by who made them. */
async function lookAtFolders(): Promise<unknown> {
  const windows = process.env["SystemRoot"] ?? "C:\\Windows";
  const refusal = (folder: string) => {
    try {
      demandOwnFolder(folder);
      return null;
    } catch (error) {
      return codeOf(error);
    }
  };
  return {
    owners: [ownerOf(process.cwd()), ownerOf(windows)],
    own: refusal(process.cwd()),
    none: refusal("C:\\none"),
  };
}

/** A name that an interface of Windows has already. */
async function openTaken(): Promise<unknown> {
  const before = stub().said();
  const stale = await openTun({ name: "starmesh5", mtu: 1400 });
  stale.close();
  const busy = await openTun({ name: "starmesh6", mtu: 1400 }).catch((error: unknown) => codeOf(error));
  return { stale: stale.name, busy, said: stub().said().slice(before.length) };
}

/** Two data planes, each with an interface: what one system sends, the other gets. */
async function carryPackets(way: "udp" | "tls"): Promise<unknown> {
  const addon: Addon = createRequire(join(process.cwd(), "x.cjs"))(addonPath);
  const shared = { epoch: { id: 7, key: key() }, network: key() };
  const one = await End.open(addon, { ...shared, number: 1 });
  const two = await End.open(addon, { ...shared, number: 2 });
  try {
    one.know(two);
    two.know(one);
    let target = two.endpoint;
    if (way === "tls") {
      target = "tls/192.0.2.2:443";
      const [near, far] = [
        new Pipe(one.calls.openStream("main", target)),
        new Pipe(two.calls.openStream("main", "tls/192.0.2.1:443")),
      ];
      near.deliver = (bytes, done) => far.write(Buffer.from(bytes), () => done()) || true;
      far.deliver = (bytes, done) => near.write(Buffer.from(bytes), () => done()) || true;
      near.on("error", () => undefined);
      far.on("error", () => undefined);
    }
    one.calls.handshake("net", two.publicKey, [target]);
    const session = await one.next("session");
    for (const [from, to] of [
      [one, two],
      [two, one],
    ] as const) {
      from.calls.setPaths("net", to.publicKey, [], {
        active: [from === one ? target : await heardFrom(two)],
        standby: [],
      });
    }
    const there = await pass(one, two);
    const back = await pass(two, one);
    const counters = one.calls.counters().peers.map(({ txPackets, rxPackets }) => ({ txPackets, rxPackets }));
    return { endpoint: session.endpoint === target, suite: session.suite, there, back, counters };
  } finally {
    one.close();
    two.close();
  }
}

async function heardFrom(end: End): Promise<Endpoint> {
  return (await end.next("session")).endpoint;
}

/** Sends small and large packets; answers how many came as they were, in any order. */
async function pass(from: End, to: End): Promise<{ readonly sent: number; readonly same: number }> {
  const sent = [20, 60, 576, 1280, 1400].map((bytes, at) => ipPacket(from.number, to.number, bytes, at));
  const open = new Set(sent.map((packet) => packet.toString("hex")));
  for (const packet of sent)
    if (!stub().inject(from.device.fd, packet)) throw new Error("no session on the adapter");
  const begun = Date.now();
  while (open.size > 0 && Date.now() - begun < patienceMillis) {
    const got = stub().taken(to.device.fd);
    if (got === null) await new Promise((resolve) => setTimeout(resolve, 5));
    else open.delete(got.toString("hex"));
  }
  return { sent: sent.length, same: sent.length - open.size };
}

class End {
  readonly calls: DataPlane;
  readonly device: TunDevice;
  readonly endpoint: Endpoint;
  readonly publicKey: string;
  readonly number: number;
  readonly #heard: DataPlaneEvent[] = [];
  #wake: () => void = () => undefined;

  private constructor(addon: Addon, device: TunDevice, { epoch, network, number }: Shape) {
    this.device = device;
    this.number = number;
    this.calls = addon.start((events) => {
      this.#heard.push(...events);
      this.#wake();
    });
    this.endpoint = `127.0.0.1:${this.calls.bind("main", 0, "127.0.0.1")}`;
    const privateKey = key();
    this.publicKey = addon.publicKey(privateKey);
    this.calls.openRealm({
      realm: "net",
      socket: "main",
      kind: "network",
      privateKey,
      prologue: network,
      stampFloorMillis: 0,
      tun: { fd: device.fd, mtu: 1400, offload: device.offload },
    });
    this.calls.setEpochs("net", [epoch]);
  }

  static async open(addon: Addon, shape: Shape): Promise<End> {
    return new End(addon, await openTun({ name: `starmesh${shape.number}`, mtu: 1400 }), shape);
  }

  know({ publicKey, number }: End): void {
    this.calls.setPeer("net", {
      publicKey,
      kind: "node",
      allowed: [`10.9.0.${number}/32`],
      keepaliveSeconds: 0,
    });
  }

  async next<K extends DataPlaneEvent["kind"]>(kind: K): Promise<Extract<DataPlaneEvent, { kind: K }>> {
    const limit = Date.now() + patienceMillis;
    for (;;) {
      const at = this.#heard.findIndex((event) => event.kind === kind);
      const [found] = at < 0 ? [] : this.#heard.splice(at, 1);
      if (found !== undefined && isOf(found, kind)) return found;
      if (Date.now() > limit) throw new Error(`no ${kind}; heard ${JSON.stringify(this.#heard)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        setTimeout(resolve, 100);
      });
    }
  }

  close(): void {
    this.calls.stop();
    this.device.close();
  }
}

interface Shape {
  readonly epoch: { readonly id: number; readonly key: string };
  readonly network: string;
  readonly number: number;
}

interface Stub {
  said(): string;
  inject(adapter: number, packet: Buffer): boolean;
  taken(adapter: number): Buffer | null;
}

let loaded: Stub | null = null;

/** The test's own calls of the library that stands in for Wintun. */
function stub(): Stub {
  if (loaded !== null) return loaded;
  const library = koffi.load(join(process.cwd(), "drivers/tun/wintun.dll"));
  const said = library.func("StubSaid", "str", []);
  const inject = library.func("StubInject", "int", ["void *", koffi.pointer("uint8_t"), "uint32_t"]);
  const taken = library.func("StubTaken", "uint32_t", ["void *", koffi.inout(koffi.pointer("uint8_t"))]);
  const room = Buffer.alloc(65_536);
  loaded = {
    said: () => String(said()),
    inject: (adapter, packet) => inject(BigInt(adapter), packet, packet.length) !== 0,
    taken: (adapter) => {
      const length = Number(taken(BigInt(adapter), room));
      return length === 0 ? null : Buffer.from(room.subarray(0, length));
    },
  };
  return loaded;
}

/** ICMP, so that nothing is cut or joined on the way. */
function ipPacket(from: number, to: number, bytes: number, fill: number): Buffer {
  const packet = Buffer.alloc(bytes, fill + 1);
  packet.writeUInt8(0x45, 0);
  packet.writeUInt8(0, 1);
  packet.writeUInt16BE(bytes, 2);
  packet.writeUInt32BE(0, 4);
  packet.writeUInt8(64, 8);
  packet.writeUInt8(1, 9);
  packet.writeUInt16BE(0, 10);
  packet.set([10, 9, 0, from, 10, 9, 0, to], 12);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += packet.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  packet.writeUInt16BE(~sum & 0xffff, 10);
  return packet;
}

function key(): string {
  return randomBytes(32).toString("base64");
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : error;
}

function isOf<K extends DataPlaneEvent["kind"]>(
  event: DataPlaneEvent,
  kind: K,
): event is Extract<DataPlaneEvent, { kind: K }> {
  return event.kind === kind;
}

const patienceMillis = 30_000;

await part("interface", driveInterface);
await part("taken", openTaken);
await part("system", readSystem);
await part("pipe", guardPipe);
await part("folders", lookAtFolders);
await part("names", changeNames);
if (addonPath !== "") {
  await part("packets", () => carryPackets("udp"));
  await part("stream", () => carryPackets("tls"));
}
process.exit(0);
