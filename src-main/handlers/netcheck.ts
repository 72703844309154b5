/** What stands between this machine and others: interfaces, routers, UDP, rights. */
import { formatAddress } from "../../src-shared/address.ts";
import type { Handlers } from "../../src-shared/api/contract.ts";
import { splitHostPort } from "../../src-shared/ids.ts";
import type { Netcheck } from "../../src-shared/status.ts";
import type { Engine } from "../engine/engine.ts";
import type { Held } from "../engine/held-networks.ts";
import { routesStatus } from "../engine/route-status.ts";
import type { InterfaceAddress } from "../system/system.ts";
import { askHealth, askTcp } from "../transport/health.ts";
import type { Install } from "./install.ts";
import { findingsOf } from "./netcheck-findings.ts";

/** Answers of the noun “netcheck”. */
export function netcheckHandlers({ engine }: Install): Pick<Handlers, "netcheck.run"> {
  return {
    "netcheck.run": async () => {
      const check = engine.system.rights.check();
      const { outside, ports } = engine.whereabouts;
      const interfaces = engine.system.interfaces().filter((each) => each.up && !each.loopback);
      const facts: Omit<Netcheck, "findings"> = {
        interfaces: interfaces.map((each) => ({
          name: each.name,
          addresses: each.addresses.map(
            ({ address, prefix }) => `${formatAddress(address)}/${prefix.length}`,
          ),
        })),
        udpPort: engine.port === 0 ? null : engine.port,
        routers: await Promise.all(
          engine.networks
            .all()
            .filter(({ loop }) => loop !== null)
            .map((held) => routerCheck(held, engine)),
        ),
        stun: outside.answers().map((each) => ({ ...each })),
        nat: engine.whereabouts.nat(),
        portMapping: {
          state: ports.opening.kind,
          protocol: ports.protocol(),
          endpoints: [...ports.endpoints()],
        },
        ipv6: {
          address: interfaces.some(
            (each) => !each.name.startsWith("starmesh") && each.addresses.some(isGlobal6),
          ),
          outside:
            outside.answers().find(({ address }) => address?.startsWith("[") === true)?.address ?? null,
        },
        overlaps: [...routesStatus(engine, engine.networks.all()).overlaps],
        tun: check.ok ? { ok: true, detail: null } : { ok: false, detail: check.reason.message },
        hardwareAes: engine.addon.hardwareAes,
      };
      return { ...facts, findings: [...findingsOf(facts)] };
    },
  };
}

async function routerCheck({ loop, stored }: Held, engine: Engine): Promise<Netcheck["routers"][number]> {
  const line = loop?.line;
  const { outside } = engine.whereabouts;
  const address = line?.endpoint() ?? stored.router.addresses[0] ?? "";
  const host = splitHostPort(address)?.host;
  const asks = !stored.hostedHere && host !== undefined;
  const checks = Promise.all([asks ? askHealth(address) : null, asks ? askTcp(host, httpsPort) : null]);
  const control = line?.control() ?? null;
  const began = performance.now();
  const answered = await control?.request({ call: "sync", have: loop?.shared().digest ?? "" }).then(
    () => true,
    () => false,
  );
  const controlMs = answered ? round(performance.now() - began) : null;
  const [health, tcp443] = await checks;
  return {
    address,
    control: answered ?? false,
    controlMs,
    udp: line?.transport() === "udp",
    udpMs: line?.transport() === "udp" ? line.millis() : null,
    linkMs: line?.transport() === "udp" ? null : (line?.millis() ?? null),
    transport: line?.transport() ?? null,
    reflexive: outside.answers().find(({ server }) => server === line?.endpoint())?.address ?? null,
    answers: health?.kind ?? null,
    tcp443,
    clockSkewMs: health?.kind === "router" ? skewOf(health, Date.now()) : null,
    mtu: line?.mtu() ?? null,
  };
}

/** Half of the answer's time lies between the two clocks; the router's has no fractions of a second. */
function skewOf(
  { clockMillis, millis }: { clockMillis: number | null; millis: number },
  now: number,
): number | null {
  return clockMillis === null ? null : Math.round(now - millis / 2 - (clockMillis + 500));
}

function isGlobal6({ address, linkLocal }: InterfaceAddress): boolean {
  return address.family === 6 && !linkLocal;
}

function round(millis: number): number {
  return Math.round(millis * 10) / 10;
}

const httpsPort = 443;
