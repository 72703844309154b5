/** The contract between the engine and everything that talks to it: one value, from which every side is derived. */
import { z } from "zod";
import { diary } from "../diary.ts";
import { exitChoice, exitStatus } from "../exit.ts";
import { networkGraph } from "../graph.ts";
import { namesStatus, relativeName } from "../names.ts";
import { policyPlan, policyRuling, policyStatus } from "../policy-status.ts";
import { keptPortMap, portMap, portMapStatus } from "../port-map.ts";
import { renumberPlan } from "../renumber.ts";
import { logLines, report, traceProgress } from "../report.ts";
import { routeAcceptance, routesStatus, sharedLans } from "../route-status.ts";
import { routerWish } from "../router-settings.ts";
import { routerReachStatus } from "../router-status.ts";
import { settingsChange, settingsStatus } from "../settings.ts";
import {
  candidateStatus,
  memberStatus,
  netcheck,
  networkStart,
  networkStatus,
  peerStatus,
  pinStatus,
  routerStatus,
  status,
  transports,
} from "../status.ts";
import { broadcastTerms, routePriority } from "../trust.ts";
import { wireguardClient } from "../wireguard.ts";
import type { Caller } from "./channel.ts";

/** Who may call: anyone with the local socket or a panel cookie is `owner`; later roles come with accounts. */
export type Role = "owner";

/** A call that is answered once. */
export interface Call<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  readonly kind: "call";
  readonly input: Input;
  readonly output: Output;
  readonly role: Role;
}

/** A call that is answered with a stream of values until the caller ends it or the stream does. */
export interface Stream<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  readonly kind: "stream";
  readonly input: Input;
  /** One value of the stream. */
  readonly output: Output;
  readonly role: Role;
}

const call = <Input extends z.ZodType, Output extends z.ZodType>(
  input: Input,
  output: Output,
): Call<Input, Output> => ({
  kind: "call",
  input,
  output,
  role: "owner",
});

const stream = <Input extends z.ZodType, Output extends z.ZodType>(
  input: Input,
  output: Output,
): Stream<Input, Output> => ({ kind: "stream", input, output, role: "owner" });

const nothing = z.object({});
/** A network by name, or by the beginning of its id. */
const network = z.string().min(1).max(64);
const inNetwork = z.object({ network });
/** `192.168.1.0/24`; what it is not is said by the handler. */
const prefix = z.string().min(1).max(64);
/** A peer by name, address or beginning of its key; the network where it would be ambiguous. */
const peer = z.object({ peer: z.string().min(1).max(128), network: network.optional() });
const inMaybeNetwork = z.object({ network: network.optional() });
/** A policy as written, and what messages call it. */
const policyText = inMaybeNetwork.extend({
  text: z.string().max(2_000_000),
  name: z.string().max(4096).default("policy"),
});
/** For good at once, without a trial. */
const keeping = { keep: z.boolean().default(false) };
const inviteOutput = z.object({
  invite: z.string(),
  expires: z.iso.datetime(),
  /** How often it can be used. */
  uses: z.number(),
  /** English lines to show beside it: “works only on this LAN; use --public”. */
  warnings: z.array(z.string()),
});

/** One step of something that takes a while, in the user's words. */
const step = z.object({ step: z.string() });

export const contract = {
  "status.read": call(nothing, status),
  /** The whole status at once, then again whenever it changes, at most once a second. */
  "status.watch": stream(nothing, status),

  "networks.list": call(nothing, z.array(networkStatus)),
  "networks.show": call(inNetwork, z.object({ network: networkStatus, members: z.array(memberStatus) })),
  "networks.create": call(
    z.object({
      name: z.string().min(1).max(63),
      /** `starmesh://router/…`; absent: hosted here, the router role is switched on. */
      routerLink: z.string().optional(),
      /** Empty: a secret is made. Absent: invites, no secret. */
      secret: z.string().optional(),
      cidr: z.string().optional(),
      approve: z.boolean().default(false),
      /** Members mask what they send over plain UDP. */
      mask: z.boolean().default(false),
      /** Be a member too. */
      join: z.boolean().default(true),
      /** Own name in it; the machine's name by default. */
      nodeName: z.string().optional(),
    }),
    z.object({
      network: networkStatus,
      /** Absent for a network kept by a secret. */
      invite: inviteOutput.nullable(),
      /** The secret that was made or given. */
      secret: z.string().nullable(),
      /** For a network with a secret: what others type. */
      joinLine: z.string().nullable(),
      warnings: z.array(z.string()),
    }),
  ),
  /** Members and the links between them. */
  "networks.graph": call(inNetwork, networkGraph),
  /** Whether the members of a network mask what they send over plain UDP; an administrator's to say. */
  "networks.mask": call(z.object({ network, on: z.boolean() }), networkStatus),
  /**
   * Which broadcasts and multicasts pass from member to member, an administrator's to say; what is left out stays, or is as
   * usual. `take`: whether this machine takes part.
   */
  "networks.broadcast": call(
    z.object({
      network,
      on: z.boolean().optional(),
      ports: broadcastTerms.shape.ports.optional(),
      perSecond: broadcastTerms.shape.perSecond.optional(),
      take: z.boolean().optional(),
    }),
    networkStatus,
  ),
  /** What moving a network to another range would mean: who gets which address, and what stands against it. */
  "networks.renumberPreview": call(z.object({ network, range: prefix }), renumberPlan),
  /** Moves a network to another range; an administrator's to do. `force`: also where somebody uses those addresses. */
  "networks.renumber": call(
    z.object({ network, range: prefix, force: z.boolean().default(false) }),
    renumberPlan,
  ),
  "networks.delete": call(inNetwork, nothing),
  "networks.leave": call(inNetwork, nothing),
  /** Connect: all networks without a list. */
  "networks.up": call(
    z.object({ networks: z.array(network).default([]) }),
    z.object({ up: z.array(z.string()) }),
  ),
  "networks.down": call(
    z.object({ networks: z.array(network).default([]) }),
    z.object({ down: z.array(z.string()) }),
  ),
  /** What becomes of a network when the engine starts. */
  "networks.start": call(z.object({ network, start: networkStart }), networkStatus),
  /** The order in which networks are listed: those named come first. */
  "networks.order": call(z.object({ networks: z.array(network).max(1000) }), z.array(networkStatus)),
  "networks.exportKey": call(inNetwork, z.object({ key: z.string() })),
  "networks.importKey": call(z.object({ key: z.string() }), z.object({ network: z.string() })),
  /** Joins; each value is a step, the last one carries the result. */
  "networks.join": stream(
    z.object({
      /** An invite, or a network's name with `secret` and `router`. */
      target: z.string().min(1).max(4096),
      secret: z.string().optional(),
      /** HOST[:PORT] or LINK. */
      router: z.string().optional(),
      nodeName: z.string().optional(),
      address: z.string().optional(),
      force: z.boolean().default(false),
    }),
    z.union([
      step,
      z.object({
        joined: z.object({
          network: z.string(),
          name: z.string(),
          address: z.string(),
          /** Names of devices that can approve; empty when admitted at once. */
          waitsFor: z.array(z.string()),
          warnings: z.array(z.string()),
        }),
      }),
    ]),
  ),

  "invites.create": call(
    z.object({
      network,
      count: z.number().int().min(1).max(100_000).default(50),
      /** Seconds from now. */
      expiresSeconds: z
        .number()
        .int()
        .min(60)
        .max(366 * 86_400)
        .default(86_400),
    }),
    inviteOutput,
  ),

  "members.list": call(inNetwork, z.array(memberStatus)),
  "members.approve": call(z.object({ network: network.optional(), member: z.string() }), nothing),
  "members.remove": call(z.object({ network: network.optional(), member: z.string() }), nothing),
  "members.admin": call(z.object({ network: network.optional(), member: z.string() }), nothing),
  /** Whether a member may let stock WireGuard clients in and route prefixes that are granted to it; off takes those, too. */
  "members.gateway": call(
    z.object({ network: network.optional(), member: z.string(), on: z.boolean() }),
    nothing,
  ),

  "peers.path": call(
    peer,
    z.object({
      peer: peerStatus,
      /** When it came to be reached as it is, directly, through these relays or not at all; null: not known yet. */
      since: z.iso.datetime().nullable(),
      candidates: z.array(candidateStatus),
      /** What was decided and why, newest first. */
      decisions: z.array(z.object({ at: z.iso.datetime(), text: z.string() })),
    }),
  ),
  /**
   * Chooses the path to a peer: through the relay of that name, only directly, or (neither) as Starmesh finds best.
   * What is left out of `transport` and `spread` stays.
   */
  "peers.pin": call(
    peer.extend({
      via: z.string().min(1).max(128).nullable().default(null),
      direct: z.boolean().default(false),
      /** Null: any. Nothing leaves for the peer by another, also while this one does not answer. */
      transport: z.enum(transports).nullable().optional(),
      spread: pinStatus.shape.spread.optional(),
    }),
    nothing,
  ),
  /** Proves every path of the peer's network anew, and calls the peer. */
  "peers.reconnect": call(peer, nothing),
  /** Pings inside the session, one a second; ends after `count` (0: never). */
  "peers.ping": stream(
    peer.extend({ count: z.number().int().min(0).max(1_000_000).default(0) }),
    z.object({
      sequence: z.number(),
      /** Null: no answer in time. */
      latencyMs: z.number().nullable(),
      /** How it went: `direct 192.0.2.7:7743`, `via nas`. */
      path: z.string(),
      address: z.string(),
      name: z.string(),
    }),
  ),

  /** What was remembered of a peer, or of all; `points` at most, give or take one. */
  "diary.read": call(
    peer.partial().extend({
      since: z.iso.datetime(),
      /** Absent: until now. */
      until: z.iso.datetime().optional(),
      points: z.number().int().min(1).max(2000).default(240),
    }),
    diary,
  ),

  "netcheck.run": call(nothing, netcheck),

  /** The log's last lines at once, then each as it is written; no secret stands in it. */
  "log.watch": stream(z.object({ lines: z.number().int().min(0).max(1000).default(200) }), logLines),
  /**
   * Writes down everything that is decided, for so long or until whoever asked goes; the reports of the next quarter of an
   * hour hold it. Answers every second.
   */
  "report.trace": stream(z.object({ seconds: z.number().int().min(1).max(600) }), traceProgress),
  /** How this machine stands, for those who help; without secrets, and with other names and addresses where wanted. */
  "report.make": call(z.object({ disguise: z.boolean().default(true) }), report),

  "settings.read": call(nothing, settingsStatus),
  /** What is left out stays. A change of port, interface or MTU connects the networks anew. */
  "settings.change": call(settingsChange, settingsStatus),

  /** Ports of this machine that lead to a member's port, and why those that are not open are not. */
  "portmaps.list": call(nothing, z.object({ portMaps: z.array(portMapStatus) })),
  /** Opens a port and keeps it open over restarts. Throws `port-in-use`. */
  "portmaps.add": call(portMap, portMapStatus),
  /** Closes it and ends its connections. Throws `unknown-port-map`. */
  "portmaps.remove": call(keptPortMap.pick({ id: true }), z.object({ portMaps: z.array(portMapStatus) })),

  "router.read": call(nothing, routerStatus),
  /** Switches the role on, or changes its settings: what is left out stays, null is as usual. */
  "router.start": call(routerWish, routerStatus),
  "router.stop": call(nothing, routerStatus),
  /** Replaces the hosting token: links given out before no longer create networks here. */
  "router.newToken": call(nothing, routerStatus),
  /** Has members elsewhere try the router's ports; takes some seconds. Throws `router-off`. */
  "router.check": call(nothing, routerReachStatus),

  /** Passes packets on for the members of a network, or of all; a cost of 0 is off. What is left out stays. */
  "relay.set": call(
    z.object({
      network: network.optional(),
      on: z.boolean(),
      cost: z.number().int().min(0).max(1000).optional(),
      /** Mbit/s for each member, in all networks; 0: no limit. */
      quotaMbit: z.number().int().min(0).max(100_000).optional(),
    }),
    z.object({ networks: z.array(networkStatus) }),
  ),

  /** The prefixes behind gateways of a network, or of all: who carries each, who else could, and what this machine takes. */
  "routes.list": call(
    z.object({ network: network.optional() }),
    routesStatus.extend({
      acceptance: z.array(routeAcceptance.extend({ network: z.string() })),
      shared: z.array(sharedLans.extend({ network: z.string() })),
    }),
  ),
  /** This machine routes a prefix for others; without the right to, administrators are asked. */
  "routes.advertise": call(
    z.object({
      network: network.optional(),
      prefix,
      /** The prefix by which others know it, address by address. */
      as: prefix.optional(),
      /** The lowest number wins. */
      priority: routePriority.optional(),
      /** What comes from the network leaves under this machine's address: hosts there need no route back. */
      snat: z.boolean().default(true),
      /** Prefixes that may come to it from the network; empty: all. */
      allow: z.array(prefix).max(256).default([]),
    }),
    routesStatus.extend({ notes: z.array(z.string()) }),
  ),
  /** Hosts of these LANs reach the network through this machine, under its address; replaces what was so before. */
  "routes.share": call(
    z.object({
      network: network.optional(),
      prefixes: z.array(prefix).max(64),
      fullCone: z.boolean().default(false),
    }),
    sharedLans,
  ),
  "routes.withdraw": call(z.object({ network: network.optional(), prefix }), routesStatus),
  /** A member may route a prefix, or not any more; for administrators. */
  "routes.grant": call(
    z.object({ network: network.optional(), member: z.string().min(1).max(128), prefix, on: z.boolean() }),
    routesStatus,
  ),
  /** Which routes of others this machine takes: `all`, `none`, or a prefix, to take or not. */
  "routes.accept": call(
    z.object({
      network: network.optional(),
      what: z.union([z.literal(["all", "none"]), prefix]),
      take: z.boolean().default(true),
    }),
    routeAcceptance,
  ),
  /** Lays down who carries a prefix, for some members or all; without gateways it is as the gateways say again. For administrators. */
  "routes.lay": call(
    z.object({
      network: network.optional(),
      prefix,
      via: z
        .array(z.object({ gateway: z.string().min(1).max(128), priority: routePriority.default(100) }))
        .max(16),
      /** Members by name; absent: all. */
      members: z.array(z.string().min(1).max(128)).min(1).max(1000).optional(),
    }),
    routesStatus,
  ),

  /** Whether the ways to peers of a network (of all) that were used lately are kept open before packets come. */
  "early.set": call(
    z.object({ network: network.optional(), on: z.boolean() }),
    z.object({ networks: z.array(networkStatus) }),
  ),

  "wireguard.add": call(
    z.object({
      name: z.string().min(1).max(63),
      network: network.optional(),
      endpoint: z.string().optional(),
      /** What the client sends through the tunnel: what is for the network and its routes, or everything. */
      allowed: z.enum(["network", "all"]).default("network"),
    }),
    z.object({
      name: z.string(),
      address: z.string(),
      /** The client's configuration file. */
      profile: z.string(),
      warnings: z.array(z.string()),
    }),
  ),
  /** The stock clients of a network, or of all. */
  "wireguard.list": call(z.object({ network: network.optional() }), z.array(wireguardClient)),
  /** Ends a client: its sessions at once. By the gateway that serves it, or by an administrator. */
  "wireguard.revoke": call(
    z.object({ name: z.string().min(1).max(128), network: network.optional() }),
    nothing,
  ),

  /** The way to the internet: what was chosen, what acts, who offers it. */
  "exit.read": call(nothing, exitStatus),
  /** Goes to the internet through a member, or (null) by itself; what is left out is as usual. */
  "exit.set": call(
    exitChoice.omit({ identity: true }).extend({
      member: z.string().min(1).max(128).nullable(),
      network: network.optional(),
    }),
    exitStatus,
  ),

  /**
   * Lets the process that calls, and what it starts from now on, go to the internet as if there were no exit. Only by the local
   * socket: there the system says which process that is.
   */
  "exit.release": call(nothing, nothing),
  /** Sends a program that goes past the exit, by its number in `exit.read`, the way of everything else. */
  "exit.recall": call(z.object({ process: z.int().min(1) }), exitStatus),

  /** The names of a network, or of all, with how this machine looks them up. */
  "names.list": call(z.object({ network: network.optional() }), z.array(namesStatus)),
  /** Writes a name for all members: an address, or the name that it is another one of. For administrators. */
  "names.add": call(
    z.object({ name: relativeName, value: z.string().min(1).max(253), network: network.optional() }),
    z.object({ name: z.string(), value: z.string() }),
  ),
  "names.remove": call(z.object({ name: z.string().min(1).max(253), network: network.optional() }), nothing),

  /** Who may reach whom in a network, as it counts now. */
  "policy.read": call(inMaybeNetwork, policyStatus),
  /** What a text in YAML or JSON would change; refused with line and column where it, or one of its tests, does not hold. */
  "policy.preview": call(policyText, policyPlan),
  /** Sets it for all members; on trial for a minute where it could cut this machine off, unless `keep`. For administrators. */
  "policy.set": call(policyText.extend(keeping), z.object({ status: policyStatus, plan: policyPlan })),
  /** Where no rule fits: everything is let in, or nothing. The rules stay. */
  "policy.default": call(
    inMaybeNetwork.extend({ allow: z.enum(["all", "none"]), ...keeping }),
    z.object({ status: policyStatus, plan: policyPlan }),
  ),
  /** Keeps what is on trial. */
  "policy.confirm": call(inMaybeNetwork, policyStatus),
  /** Which rule decides about one service, of the policy that counts or of the text given. */
  "policy.check": call(
    policyText.partial({ text: true }).extend({
      /** A member's name, or an address. */
      from: z.string().min(1).max(128),
      to: z.string().min(1).max(128),
      /** `tcp:22`, `22`, `udp:53`, `icmp`. */
      port: z.string().min(1).max(20),
    }),
    policyRuling,
  ),

  "panel.link": call(nothing, z.object({ url: z.string(), expires: z.iso.datetime() })),
  /** Ends every panel log-in. */
  "panel.revoke": call(nothing, nothing),

  /** Has the system ask the user, once, whether a helper may change this machine's network; answers as soon as it may. */
  "rights.ask": call(nothing, nothing),
  /** The machine woke from sleep, as the system told: everything is proved anew at once. */
  "engine.awake": call(nothing, nothing),
  "engine.stop": call(nothing, nothing),
} as const;

/** The contract's type and the names of its calls and streams. */
export type Contract = typeof contract;
export type CallName = {
  [Name in keyof Contract]: Contract[Name]["kind"] extends "call" ? Name : never;
}[keyof Contract];
export type StreamName = {
  [Name in keyof Contract]: Contract[Name]["kind"] extends "stream" ? Name : never;
}[keyof Contract];
/** What a caller gives; defaults may be left out. */
export type InputOf<Name extends keyof Contract> = z.input<Contract[Name]["input"]>;
/** What a handler gets; defaults are filled in. */
export type ParsedInputOf<Name extends keyof Contract> = z.output<Contract[Name]["input"]>;
export type OutputOf<Name extends keyof Contract> = z.output<Contract[Name]["output"]>;

/** The part of an `AbortSignal` that a stream needs; `shared` knows no globals of a platform. */
export interface StopSignal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** Every answer to the contract: what handlers, and the fake engine, are. */
export type Handlers = {
  readonly [Name in CallName]: (input: ParsedInputOf<Name>, caller?: Caller) => Promise<OutputOf<Name>>;
} & {
  readonly [Name in StreamName]: (
    input: ParsedInputOf<Name>,
    signal: StopSignal,
  ) => AsyncIterable<OutputOf<Name>>;
};
