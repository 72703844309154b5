/** Uses `system/` and `drivers/tun` inside a namespace: one JSON command a line in, one JSON answer a line out. */
import { createInterface } from "node:readline";
import type { TunDevice } from "../../drivers/tun/tun.ts";
import { canOpenTun, openTun } from "../../drivers/tun/tun.ts";
import type { Journal, SystemChange } from "../../src-main/system/journal.ts";
import { openJournal } from "../../src-main/system/journal.ts";
import { gsoMaxSize, openSystem } from "../../src-main/system/system.ts";
import { formatAddress, formatPrefix } from "../../src-shared/address.ts";
import { toWireError } from "../../src-shared/errors.ts";

/** What can be asked of the probe; each is answered by its result, or by `{error}`. */
export type ProbeCommand =
  | { readonly do: "open-tun" }
  | { readonly do: "close-tun" }
  | { readonly do: "check-tun" }
  | { readonly do: "open-journal"; readonly folder: string }
  | { readonly do: "apply"; readonly change: SystemChange }
  | { readonly do: "undo" }
  | { readonly do: "interfaces" }
  | { readonly do: "routes" }
  /** Answers at the next change. */
  | { readonly do: "watch" }
  /** Seconds of processor time that this process has used. */
  | { readonly do: "cpu" };

const system = openSystem();
let device: TunDevice | null = null;
let journal: Journal | null = null;

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await perform(JSON.parse(line)).catch((error: unknown) => ({ error: toWireError(error) }));
  process.stdout.write(`${JSON.stringify(answer ?? null)}\n`);
}

async function perform(command: ProbeCommand): Promise<unknown> {
  switch (command.do) {
    case "open-tun":
      device = await openTun({ mtu: 1400 });
      await system.setLink({ device: device.name, up: true, gsoMaxSize });
      return { name: device.name, offload: device.offload };
    case "close-tun":
      return device?.close();
    case "check-tun": {
      const check = canOpenTun();
      return check.ok ? check : { error: toWireError(check.reason) };
    }
    case "open-journal":
      journal = openJournal(command.folder, system);
      return null;
    case "apply":
      return journal?.apply(command.change);
    case "undo":
      return (await journal?.undo())?.map(({ error }) => String(error));
    case "interfaces":
      return system.interfaces().map(({ addresses, ...each }) => ({
        ...each,
        addresses: addresses.map(({ prefix, address }) => [formatAddress(address), formatPrefix(prefix)]),
      }));
    case "routes":
      return system.routes().map(({ prefix, gateway, ...each }) => ({
        ...each,
        prefix: formatPrefix(prefix),
        gateway: gateway === null ? null : formatAddress(gateway),
      }));
    case "watch":
      return new Promise((resolve) => {
        const watch = system.watch(() => {
          watch.close();
          resolve("changed");
        });
        process.stderr.write("watching\n");
      });
    case "cpu": {
      const { user, system: kernel } = process.cpuUsage();
      return (user + kernel) / 1e6;
    }
  }
}
