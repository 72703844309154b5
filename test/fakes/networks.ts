/** Fake answers about networks: list, create, connect, leave. */
import { isPrivate, parsePrefix } from "../../src-shared/address.ts";
import type { Handlers } from "../../src-shared/api/contract.ts";
import { toBase64Url } from "../../src-shared/bytes.ts";
import { AppError } from "../../src-shared/errors.ts";
import { nodeName } from "../../src-shared/ids.ts";
import { parseRouterLink } from "../../src-shared/link.ts";
import type { RenumberPlan } from "../../src-shared/renumber.ts";
import type { FakeWorld } from "./engine.ts";
import { failOnDemand } from "./failure.ts";
import { makeInvite } from "./invites.ts";
import { requireAdmin } from "./members.ts";
import type { FakeNetwork } from "./network.ts";
import { membersOf, networkStatusOf } from "./network.ts";
import { hostIn, populate } from "./population.ts";

type NetworkCalls =
  | "networks.list"
  | "networks.show"
  | "networks.create"
  | "networks.mask"
  | "networks.renumber"
  | "networks.renumberPreview"
  | "networks.broadcast"
  | "networks.delete"
  | "networks.leave"
  | "networks.up"
  | "networks.down"
  | "networks.start"
  | "networks.order"
  | "networks.exportKey"
  | "networks.importKey"
  | "relay.set"
  | "early.set";

export function networkHandlers(world: FakeWorld): Pick<Handlers, NetworkCalls> {
  const remove = (network: FakeNetwork) => {
    world.networks.splice(world.networks.indexOf(network), 1);
    world.changed();
  };
  return {
    "networks.list": async () => world.networks.map(networkStatusOf),
    "networks.show": async (input) => {
      const network = world.find(input.network);
      return { network: networkStatusOf(network), members: membersOf(network, world.clock.now()) };
    },
    "networks.create": async (input) => {
      failOnDemand(input.name, input.routerLink, input.secret, input.nodeName);
      if (!nodeName.safeParse(input.name).success) throw new AppError("name-invalid", { name: input.name });
      if (input.nodeName !== undefined && !nodeName.safeParse(input.nodeName).success)
        throw new AppError("name-invalid", { name: input.nodeName });
      if (world.networks.some((network) => network.name === input.name))
        throw new AppError("network-exists", { name: input.name });
      if (input.routerLink !== undefined) parseRouterLink(input.routerLink);
      const range = input.cidr ?? freeRange(world);
      checkRange(range);
      const secret = input.secret === "" ? toBase64Url(world.random.bytes(15)) : (input.secret ?? null);
      if (secret !== null && secret.length < 8) throw new AppError("secret-weak");
      await world.wait(400);
      const hosted = input.routerLink === undefined;
      if (hosted) world.router.on = true;
      const network = createNetwork(world, {
        name: input.name,
        range,
        hosted,
        admin: true,
        peers: 0,
        approve: input.approve,
        mask: input.mask,
        secret,
        member: input.join,
        ...(input.nodeName === undefined ? {} : { ownName: input.nodeName }),
      });
      world.networks.push(network);
      world.changed();
      const router = network.routers[0] ?? "";
      return {
        network: networkStatusOf(network),
        invite: secret === null ? makeInvite(world, network, { count: 50, expiresSeconds: 86_400 }) : null,
        secret,
        joinLine:
          secret === null ? null : `starmesh join ${network.name} --secret ${secret} --router ${router}`,
        warnings: [],
      };
    },
    "relay.set": async (input) => {
      const chosen = input.network === undefined ? [...world.networks] : [world.find(input.network)];
      for (const { relay } of chosen) {
        relay.on = input.on && input.cost !== 0;
        relay.cost = input.cost || relay.cost;
      }
      world.changed();
      return { networks: chosen.map(networkStatusOf) };
    },
    "early.set": async (input) => {
      const chosen = input.network === undefined ? [...world.networks] : [world.find(input.network)];
      for (const each of chosen) each.early = input.on;
      world.changed();
      return { networks: chosen.map(networkStatusOf) };
    },
    "networks.mask": async (input) => {
      const network = world.find(input.network);
      requireAdmin(network);
      network.mask = input.on;
      world.changed();
      return networkStatusOf(network);
    },
    "networks.renumberPreview": async ({ network, range }) =>
      planOf(world.find(network), range, world.clock.now()),
    "networks.renumber": async ({ network, range }) => {
      const found = world.find(network);
      requireAdmin(found);
      found.routes.overlaps = [];
      world.changed();
      return planOf(found, range, world.clock.now());
    },
    "networks.broadcast": async ({ network: name, on, ports, perSecond, take }) => {
      const network = world.find(name);
      if (on !== undefined) requireAdmin(network);
      const { broadcast } = network;
      network.broadcast = {
        on: on ?? broadcast.on,
        ports: on === false ? [] : (ports ?? (on === true && !broadcast.on ? [5353, 1900] : broadcast.ports)),
        perSecond: on === false ? 0 : (perSecond ?? (broadcast.perSecond || (on === true ? 50 : 0))),
        take: take ?? broadcast.take,
      };
      world.changed();
      return networkStatusOf(network);
    },
    "networks.delete": async (input) => {
      const network = world.find(input.network);
      requireAdmin(network);
      remove(network);
      return {};
    },
    "networks.leave": async (input) => {
      const network = world.find(input.network);
      await world.wait(250);
      remove(network);
      return {};
    },
    "networks.up": async (input) => {
      const wanted = chosen(world, input.networks).filter((network) => network.state === "off");
      for (const network of wanted) connect(world, network);
      world.changed();
      return { up: wanted.map((network) => network.name) };
    },
    "networks.down": async (input) => {
      const wanted = chosen(world, input.networks).filter((network) => network.state !== "off");
      for (const network of wanted) {
        network.state = "off";
        network.detail = null;
      }
      world.changed();
      return { down: wanted.map((network) => network.name) };
    },
    "networks.start": async (input) => {
      const network = world.find(input.network);
      network.start = input.start;
      world.changed();
      return networkStatusOf(network);
    },
    "networks.order": async (input) => {
      const first = input.networks.map((name) => world.find(name));
      const others = world.networks.filter((network) => !first.includes(network));
      world.networks.splice(0, world.networks.length, ...new Set(first), ...others);
      world.changed();
      return world.networks.map(networkStatusOf);
    },
    "networks.exportKey": async (input) => {
      const network = world.find(input.network);
      requireAdmin(network);
      return { key: `starmesh-key-1-${toBase64Url(world.random.bytes(40))}` };
    },
    "networks.importKey": async (input) => {
      failOnDemand(input.key);
      if (!input.key.startsWith("starmesh-key-1-")) throw new AppError("link-garbled");
      const network = world.networks.find((each) => !each.admin) ?? world.networks[0];
      if (network === undefined) throw new AppError("unknown-network", { name: "?" });
      network.admin = true;
      world.changed();
      return { network: network.name };
    },
  };
}

export interface FakeNetworkPlan {
  readonly name: string;
  readonly range: string;
  readonly hosted: boolean;
  readonly admin: boolean;
  readonly peers: number;
  readonly id?: string;
  readonly approve?: boolean;
  readonly mask?: boolean;
  readonly secret?: string | null;
  readonly member?: boolean;
  readonly ownName?: string;
  readonly address?: string;
}

export function createNetwork(world: FakeWorld, plan: FakeNetworkPlan): FakeNetwork {
  const { random, clock } = world;
  return {
    id: plan.id ?? random.id(),
    name: plan.name,
    range: plan.range,
    publicKey: random.key(),
    identity: random.key(),
    ownName: plan.ownName ?? "aurora",
    secret: plan.secret ?? null,
    hosted: plan.hosted,
    approve: plan.approve ?? false,
    mask: plan.mask ?? false,
    broadcast: { on: false, ports: [], perSecond: 0, take: true },
    routers: [plan.hosted ? "192.168.1.20:7743" : "198.51.100.7:7743"],
    interface: `starmesh${world.networks.length}`,
    address: plan.member === false ? null : (plan.address ?? hostIn(plan.range, 1)),
    admin: plan.admin,
    state: "online",
    detail: null,
    early: false,
    start: "kept",
    routes: { own: [], acceptance: { all: true, prefixes: [] }, shared: null, overlaps: [] },
    relay: { on: plan.hosted, cost: plan.hosted ? 1 : 5 },
    peers: populate(random, { range: plan.range, count: plan.peers, now: clock.now() }),
  };
}

function chosen(world: FakeWorld, names: readonly string[]): readonly FakeNetwork[] {
  return names.length === 0 ? [...world.networks] : names.map((name) => world.find(name));
}

function connect(world: FakeWorld, network: FakeNetwork): void {
  network.state = "offline";
  network.detail = null;
  world.clock.after(600, () => {
    if (network.state !== "offline") return;
    network.state = "online";
    network.detail = null;
    world.changed();
  });
}

function freeRange(world: FakeWorld): string {
  for (;;) {
    const range = `10.${Math.floor(world.random.between(16, 240))}.0.0/16`;
    if (!world.networks.some((network) => network.range === range)) return range;
  }
}

function checkRange(range: string): void {
  const prefix = parsePrefix(range);
  if (
    prefix === null ||
    !range.includes("/") ||
    !isPrivate(prefix) ||
    prefix.length < 8 ||
    prefix.length > 29
  )
    throw new AppError("range-invalid", { range });
  if (range === "192.168.1.0/24")
    throw new AppError("range-overlaps", { range, local: "192.168.1.0/24", interface: "eth0" });
}

/** Every member keeps the end of its address; nothing moves in the fake. */
function planOf(network: FakeNetwork, range: string, now: number): RenumberPlan {
  if (parsePrefix(range) === null) throw new AppError("range-invalid", { range });
  const beginning = (text: string) => text.split(".").slice(0, 2).join(".");
  const members = membersOf(network, now).map(({ name, address }) => ({
    name,
    from: address,
    to: address.replace(beginning(address), beginning(range)),
    stock: false,
  }));
  return { before: network.range, range, members, clashes: [] };
}
