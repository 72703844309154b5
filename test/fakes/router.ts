/** The fake install's router role. */

import { reachFindings } from "../../src-main/handlers/reach-findings.ts";
import { fixedBy, layWish } from "../../src-main/server/wish.ts";
import { isPrivate, parseAddress } from "../../src-shared/address.ts";
import type { Handlers } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import { joinHostPort, splitHostPort } from "../../src-shared/ids.ts";
import { formatRouterLink } from "../../src-shared/link.ts";
import type { RouterWish } from "../../src-shared/router-settings.ts";
import { settleRouter } from "../../src-shared/router-settings.ts";
import type { RouterReachStatus, RouterTransportStatus } from "../../src-shared/router-status.ts";
import type { RouterStatus, Transport } from "../../src-shared/status.ts";
import { transports } from "../../src-shared/status.ts";
import type { FakeWorld } from "./engine.ts";
import { failOnDemand } from "./failure.ts";
import { createRandom } from "./random.ts";

export interface FakeRouter {
  on: boolean;
  host: string;
  port: number;
  publicHosts: readonly string[];
  /** Counts the hosting tokens given out. */
  token: number;
  relayedBytes: number;
  wish: RouterWish;
  /** The file that it was started with. */
  file: RouterStatus["file"];
}

export function createRouter(): FakeRouter {
  return {
    on: false,
    host: "0.0.0.0",
    port: 7743,
    publicHosts: [],
    token: 1,
    relayedBytes: 48_211_003,
    wish: {},
    file: null,
  };
}

export function routerStatusOf(world: FakeWorld): RouterStatus {
  const { router } = world;
  const hosted = world.networks.filter((network) => network.hosted);
  const addresses = (router.publicHosts.length > 0 ? router.publicHosts : ["192.168.1.20"]).map((host) =>
    joinHostPort(host, router.port),
  );
  return {
    on: router.on,
    listen: router.on ? joinHostPort(router.host, router.port) : null,
    publicAddresses: router.on ? addresses : [],
    link: router.on ? linkOf(router, addresses) : null,
    lanOnly: router.on && router.publicHosts.every(isPrivateHost),
    admits: router.on ? hosted.filter((network) => network.admin).map((network) => network.name) : [],
    networks: router.on
      ? hosted.map((network) => ({
          id: network.id,
          name: network.name,
          members: network.peers.filter((peer) => peer.approved).length + 1,
          online: network.peers.filter((peer) => peer.way !== "offline").length + 1,
        }))
      : [],
    relayedBytes: router.on ? router.relayedBytes : 0,
    transports: router.on ? transports.map((transport) => transportStatusOf(router, transport)) : [],
    planes: router.on ? planesOf(router) : null,
    settings: settleRouter(router.wish),
    file: router.file,
  };
}

export function routerHandlers(
  world: FakeWorld,
): Pick<Handlers, "router.read" | "router.start" | "router.stop" | "router.newToken" | "router.check"> {
  const { router } = world;
  const answer = () => {
    world.changed();
    return routerStatusOf(world);
  };
  return {
    "router.read": async () => routerStatusOf(world),
    "router.start": async (input) => {
      failOnDemand(input.listen ?? undefined, ...(input.public ?? []));
      const fixed = fixedBy(fixedWish(router), input);
      if (fixed !== null)
        throw new AppError("router-fixed", { setting: fixed, file: router.file?.path ?? "" });
      const listen = splitHostPort(input.listen ?? joinHostPort(router.host, router.port));
      if (listen === null) throw new AppError("usage", { detail: `“${input.listen}” is no ADDRESS:PORT` });
      if (listen.port === 7780) throw new AppError("port-in-use", { port: listen.port });
      await world.wait(300);
      router.wish = layWish(router.wish, input);
      Object.assign(router, { on: true, ...listen, publicHosts: input.public ?? router.publicHosts });
      return answer();
    },
    "router.stop": async () => {
      router.on = false;
      return answer();
    },
    "router.newToken": async () => {
      router.token++;
      return answer();
    },
    "router.check": async () => {
      if (!router.on) throw new AppError("router-off");
      await world.wait(900);
      return reachOf(routerStatusOf(world));
    },
  };
}

/** Members elsewhere get through by TCP, and not by UDP. */
function reachOf(status: RouterStatus): RouterReachStatus {
  const asked = [
    { name: "office", from: "198.51.100.20", answered: true },
    { name: "cabin", from: "198.51.100.77", answered: true },
  ];
  const names = asked.map(({ name }) => name);
  const [address = ""] = status.lanOnly ? [] : status.publicAddresses;
  const doors: RouterReachStatus["doors"] =
    address === ""
      ? []
      : [
          {
            protocol: "https",
            address,
            transports: ["tls", "wss"],
            state: "reached",
            reachedBy: names,
            missedBy: [],
          },
          {
            protocol: "udp",
            address,
            transports: ["udp", "kcp", "quic"],
            state: "missed",
            reachedBy: [],
            missedBy: names,
          },
        ];
  const facts = { asked: status.lanOnly ? [] : asked, doors, recorded: [address], untested: [], seen: [] };
  return { ...facts, findings: [...reachFindings(facts, status)] };
}

/** TCP links listen beside; port 7790 is another program's. */
function transportStatusOf(router: FakeRouter, transport: Transport): RouterTransportStatus {
  const { enable, listen } = settleRouter(router.wish).transports[transport];
  const place = listen ?? joinHostPort(router.host, router.port + (transport === "tcp" ? 1 : 0));
  const isBusy = splitHostPort(place)?.port === 7790;
  return {
    transport,
    enable,
    state: enable ? (isBusy ? "busy" : "listening") : "off",
    listen: place,
    detail: enable && isBusy ? "address in use" : null,
  };
}

function planesOf({ wish: { planes } }: FakeRouter): RouterStatus["planes"] {
  if (planes == null) return null;
  const { bind, nums, token } = planes;
  const busy = nums > 3 ? [bind + 3] : [];
  const used = [{ port: bind, members: 4, online: 2 }];
  return { bind, nums, token: token ?? "wq4m-7rta-k3ne-xh2p-c6vd", open: nums - busy.length, busy, used };
}

/** What the file of the fake router sets. */
function fixedWish({ file, wish }: FakeRouter): RouterWish {
  const { transports: of, ...settings } = wish;
  const isFixed = (name: string) => file?.fixed.includes(name) ?? false;
  return {
    ...Object.fromEntries(Object.entries(settings).filter(([name]) => isFixed(name))),
    transports: Object.fromEntries(
      Object.entries(of ?? {}).map(([transport, fields]) => [
        transport,
        Object.fromEntries(
          Object.entries(fields ?? {}).filter(([field]) => isFixed(`transports.${transport}.${field}`)),
        ),
      ]),
    ),
  };
}

function linkOf(router: FakeRouter, addresses: readonly string[]): string {
  const chance = createRandom(77);
  const pin = chance.key();
  return formatRouterLink({ pin, addresses, token: createRandom(router.token).bytes(16) });
}

function isPrivateHost(host: string): boolean {
  const address = parseAddress(host);
  return address !== null && isPrivate(address);
}
