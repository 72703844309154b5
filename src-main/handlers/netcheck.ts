/** What stands between this machine and others: interfaces, routers, UDP, rights. */
import { canOpenTun } from "../../drivers/tun/tun.ts";
import { formatAddress } from "../../src-shared/address.ts";
import type { Handlers } from "../../src-shared/api/contract.ts";
import type { Netcheck } from "../../src-shared/status.ts";
import type { Held } from "../engine/engine.ts";
import type { Outside } from "../engine/outside.ts";
import type { Install } from "./install.ts";

/** Answers of the noun “netcheck”. */
export function netcheckHandlers({ engine }: Install): Pick<Handlers, "netcheck.run"> {
  return {
    "netcheck.run": async () => {
      const check = canOpenTun();
      return {
        interfaces: engine.system
          .interfaces()
          .filter((each) => each.up && !each.loopback)
          .map((each) => ({
            name: each.name,
            addresses: each.addresses.map(
              ({ address, prefix }) => `${formatAddress(address)}/${prefix.length}`,
            ),
          })),
        udpPort: engine.port === 0 ? null : engine.port,
        routers: await Promise.all(
          engine
            .networks()
            .filter(({ loop }) => loop !== null)
            .map((held) => routerCheck(held, engine.whereabouts.outside)),
        ),
        tun: check.ok ? { ok: true, detail: null } : { ok: false, detail: check.reason.message },
        hardwareAes: engine.addon.hardwareAes,
      };
    },
  };
}

async function routerCheck({ loop, stored }: Held, outside: Outside): Promise<Netcheck["routers"][number]> {
  const line = loop?.line;
  const control = line?.control() ?? null;
  const began = performance.now();
  const answered = await control?.request({ call: "sync", have: loop?.shared().digest ?? "" }).then(
    () => true,
    () => false,
  );
  return {
    address: line?.endpoint() ?? stored.router.addresses[0] ?? "",
    control: answered ?? false,
    controlMs: answered ? round(performance.now() - began) : null,
    udp: line?.udp() ?? false,
    udpMs: line?.udp() ? line.millis() : null,
    linkMs: line?.udp() ? null : (line?.millis() ?? null),
    reflexive: outside.answers().find(({ server }) => server === line?.endpoint())?.address ?? null,
  };
}

function round(millis: number): number {
  return Math.round(millis * 10) / 10;
}
