/** A gateway of the whole product between a member and the host of a LAN: routed, under another address, by an open port. */
import { Install, inviteIn } from "../netns/install.ts";
import type { Lab } from "../netns/lab.ts";
import { ping, throughput } from "../netns/traffic.ts";
import { waitUntil } from "../netns/wait.ts";
import type { Verdict } from "./targets.ts";
import { atLeast } from "./targets.ts";
import type { Compared, Way } from "./turns.ts";

/** Brings it up. All streams begin at the member, the first one ends at the gateway itself. */
export async function openGateway(lab: Lab): Promise<readonly Way[]> {
  const member = new Install(lab, lab.publicHost("member"));
  const nat = lab.nat("site", "full-cone", 1);
  // A router that neither translates nor refuses by itself.
  nat.host.runNow("nft", "flush", "ruleset");
  const gateway = new Install(lab, nat.host, "gateway");
  const host = lab.lanHost("host", nat, 10);
  nat.host.setUp("addr add 192.168.2.1/24 dev lan");
  host.setUp("addr add 192.168.2.10/24 dev eth0");

  const engines = [await member.start(["router"]), await gateway.start()];
  const pids = engines.map(({ pid }) => pid);
  await gateway.ok("join", inviteIn(await member.ok("network", "create", "bench")));
  const { address } = await member.online("bench");
  const { address: near } = await gateway.online("bench");
  await gateway.ok("route", "advertise", routed);
  await gateway.ok("route", "advertise", "192.168.2.0/24", "--as", mapped);
  for (const prefix of [routed, mapped]) {
    await waitUntil("the request has come", async () =>
      (await member.status()).routes.some((route) => route.prefix === prefix),
    );
    await member.ok("route", "accept", "gateway", prefix);
  }
  await gateway.ok("portmap", "add", "tcp", `${port}`, `${address}:${port}`);
  for (const each of [near, "192.168.1.10", "10.9.2.10"]) await reaches(member, each);

  const to = (there: Parameters<typeof throughput>[1]) => (seconds: number) =>
    throughput(member.host, there, { seconds });
  return [
    { name: "direct", label: "node to node", pids, run: to({ host: nat.host, address: near }) },
    {
      name: "routed",
      label: "to a host behind the gateway",
      pids,
      run: to({ host, address: "192.168.1.10" }),
    },
    {
      name: "mapped",
      label: "the same under a mapped address",
      pids,
      against: "routed",
      run: to({ host, address: "10.9.2.10", bind: "192.168.2.10" }),
    },
    {
      name: "port",
      label: "the host fetches by a mapped port",
      pids,
      run: (seconds) =>
        throughput(
          host,
          { host: member.host, address: `${nat.lan}.1`, bind: address, port },
          {
            seconds,
            reverse: true,
          },
        ),
    },
  ];
}

export function judgeGateway(compared: ReadonlyMap<string, Compared>): readonly Verdict[] {
  const share = (name: string) => compared.get(name)?.share ?? null;
  return [
    atLeast(0.8, share("routed"), "of node to node through a gateway"),
    atLeast(0.9, share("mapped"), "of that under a mapped address"),
    atLeast(0.9, share("port"), "of node to node by a mapped port"),
  ].filter((verdict) => verdict !== null);
}

async function reaches(from: Install, address: string): Promise<void> {
  const once = { count: 1, waitSeconds: 1 };
  await waitUntil(`${address} answers`, async () => (await ping(from.host, address, once)).received === 1);
}

const routed = "192.168.1.0/24";
const mapped = "10.9.2.0/24";
const port = 9200;
