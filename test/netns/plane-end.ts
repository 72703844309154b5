/**
 * A data plane alone in a namespace, told line by line what to call: `[name, ...arguments]` as JSON. What the call gave
 * and what the data plane tells goes out the same way. Its argument may ask for an interface.
 */
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import type { Addon } from "../../drivers/dataplane.ts";
import { openTun } from "../../drivers/tun/tun.ts";
import { gsoMaxSize, openSystem } from "../../src-main/system/system.ts";
import { parseAddress, parsePrefix } from "../../src-shared/address.ts";

export interface PlaneEndOptions {
  /** Path of the addon. */
  readonly addon: string;
  readonly privateKey: string;
  /** The same in all of them. */
  readonly prologue: string;
  readonly epochKey: string;
  /** Inner address, and the range behind its interface; without, packets for it are dropped. */
  readonly inside: { readonly address: string; readonly range: string } | null;
}

/** A line that it says. */
export type PlaneEndLine =
  | { readonly result: unknown }
  | { readonly error: string }
  | { readonly event: Readonly<Record<string, unknown>> };

const options: PlaneEndOptions = JSON.parse(process.argv[2] ?? "{}");
const mtu = 1400;
const addon = createRequire(import.meta.url)(options.addon) as Addon;
const dataPlane = addon.start((events) => {
  for (const event of events) say({ event: { ...event } });
});
dataPlane.bind("main", 7743);
dataPlane.openRealm({
  realm: "net",
  socket: "main",
  kind: "network",
  privateKey: options.privateKey,
  prologue: options.prologue,
  stampFloorMillis: Date.now(),
  ...(options.inside === null ? {} : { tun: await open(options.inside) }),
});
dataPlane.setEpochs("net", [{ id: 1, key: options.epochKey }]);
say({ result: "ready" });

createInterface({ input: process.stdin }).on("line", (line) => {
  const [name, ...args]: [keyof typeof dataPlane, ...unknown[]] = JSON.parse(line);
  try {
    const call = dataPlane[name] as (...args: unknown[]) => unknown;
    say({ result: call.apply(dataPlane, args) ?? null });
  } catch (error) {
    say({ error: error instanceof Error ? error.message : String(error) });
  }
});
process.on("SIGTERM", () => {
  dataPlane.stop();
  process.exit(0);
});

async function open(inside: { readonly address: string; readonly range: string }) {
  const address = parseAddress(inside.address);
  const prefix = parsePrefix(inside.range);
  if (address === null || prefix === null) throw new TypeError("addresses are needed");
  const system = openSystem();
  const { name: device, fd, offload } = await openTun({ mtu });
  await system.setLink({ device, up: true, gsoMaxSize });
  await system.addAddress({ device, address, length: 32 });
  await system.addRoute({ device, prefix, source: address });
  return { fd, mtu, offload };
}

function say(line: PlaneEndLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
