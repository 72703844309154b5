/** A real port mapping daemon on a NAT of the laboratory. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Child } from "./host.ts";
import type { Lab, Nat } from "./lab.ts";

/** What it speaks: UPnP alone, or PCP and NAT-PMP beside it. */
export interface MiniupnpdOptions {
  readonly upnpOnly?: boolean;
}

/** Starts it. It believes in real public addresses only, so the NAT gets one more, of a range that it takes for one. */
export async function startMiniupnpd(
  lab: Lab,
  nat: Nat,
  { upnpOnly = false }: MiniupnpdOptions = {},
): Promise<{ readonly daemon: Child; readonly address: string }> {
  const address = `11.22.33.${nat.outer.split(".").at(-1)}`;
  nat.host.setUp(`addr add ${address}/32 dev wan`);
  lab.internet.setUp(`route add ${address}/32 via ${nat.outer}`);
  nat.host.nftables(`
    table inet upnp {
      chain pass { type filter hook forward priority filter + 1; jump opened; }
      chain opened { }
      chain come { type nat hook prerouting priority dstnat - 1; jump mapped; }
      chain mapped { }
      chain leave { type nat hook postrouting priority srcnat - 1; jump masked; }
      chain masked { }
    }
    insert rule ip nat pass ct status dnat accept`);
  const path = join(lab.folder, `miniupnpd-${nat.host.name}`);
  writeFileSync(
    `${path}.conf`,
    [
      "ext_ifname=wan",
      `ext_ip=${address}`,
      "listening_ip=lan",
      `enable_natpmp=${upnpOnly ? "no" : "yes"}`,
      "enable_upnp=yes",
      "uuid=3b7c3f0e-6a51-4f7c-9d0a-5f1f0c6d2b11",
      "upnp_table_name=upnp",
      "upnp_nat_table_name=upnp",
      "upnp_forward_chain=opened",
      "upnp_nat_chain=mapped",
      "upnp_nat_postrouting_chain=masked",
      "allow 1024-65535 0.0.0.0/0 1024-65535",
      "",
    ].join("\n"),
  );
  const daemon = nat.host.start("miniupnpd", ["-d", "-f", `${path}.conf`, "-P", `${path}.pid`]);
  await daemon.says(upnpOnly ? /HTTP listening on port/ : /Listening for NAT-PMP/);
  return { daemon, address };
}

/** Outer ports that it lets in now. */
export function openedPorts(nat: Nat): readonly number[] {
  const rules = nat.host.runNow("nft", "list", "chain", "inet", "upnp", "mapped");
  return [...rules.matchAll(/dport (\d+) dnat/g)].map(([, port]) => Number(port));
}
