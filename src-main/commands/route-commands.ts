/** `starmesh route`: the networks behind gateways. */
import type { Command } from "commander";
import type { OutputOf } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import type {
  FirewallStatus,
  GatewayStatus,
  OwnRouteStatus,
  RouteStatus,
  SharedLans,
} from "../../src-shared/route-status.ts";
import type { CommonOptions, Context, ReadOptions } from "./context.ts";
import { withEngine } from "./engine.ts";
import { formatLatency } from "./format.ts";
import type { Terminal } from "./terminal.ts";
import type { Cell, Colour } from "./text.ts";

interface RouteOptions extends CommonOptions {
  readonly network?: string;
}

interface AdvertiseOptions extends RouteOptions {
  readonly as?: string;
  readonly snat: boolean;
  readonly priority?: string;
  readonly allow?: readonly string[];
}

interface SetOptions extends RouteOptions {
  readonly via: readonly string[];
  readonly for?: readonly string[];
}

export function addRouteCommands(program: Command, context: Context): void {
  const route = program
    .command("route")
    .description("reach whole networks: route a LAN for the others, take the routes of others")
    .addHelpText("after", explanation);
  addOwn(route, context);
  addSharing(route, context);
  addTaking(route, context);
  addTable(route, context);
}

function addOwn(route: Command, context: Context): void {
  const { terminal } = context;
  inNetwork(route.command("list"))
    .description("the prefixes behind gateways: who carries each, who could take over, and why")
    .option("--json", "as JSON")
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<RouteOptions & ReadOptions>();
      const listed = await withEngine(context, options, (client) =>
        client.call("routes.list", named(options)),
      );
      if (options.json) terminal.json(listed);
      else printRoutes(terminal, listed);
    });

  inNetwork(route.command("advertise"))
    .argument("<PREFIX...>", "what this machine reaches itself: 192.168.1.0/24")
    .description("let the members reach a LAN through this machine")
    .option(
      "--as <PREFIX>",
      "the LAN's addresses as the members know them, where the real ones are used twice",
    )
    .option(
      "--no-snat",
      "leave the members' addresses as they are: the LAN has to have a route back to this machine",
    )
    .option("--priority <N>", "of several gateways the lowest number goes first: 1 to 1000 (100 without)")
    .option("--allow <PREFIX...>", "only who comes from these addresses of the network (all without)")
    .action(async (prefixes: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<AdvertiseOptions>();
      if (options.as !== undefined && prefixes.length > 1)
        throw new AppError("usage", { detail: "--as goes with one prefix." });
      const input = {
        ...named(options),
        ...(options.as === undefined ? {} : { as: options.as }),
        ...(options.priority === undefined ? {} : { priority: parsePriority(options.priority) }),
        ...(options.allow === undefined ? {} : { allow: [...options.allow] }),
        snat: options.snat,
      };
      for (const prefix of prefixes) {
        const made = await withEngine(context, options, (client) =>
          client.call("routes.advertise", { ...input, prefix }),
        );
        for (const own of made.own.filter((each) => isAbout(each, prefix))) terminal.print(ownLine(own));
        for (const note of made.notes) terminal.note(note);
      }
    });

  inNetwork(route.command("withdraw"))
    .argument("<PREFIX...>")
    .description("no longer route a prefix for the members")
    .action(async (prefixes: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<RouteOptions>();
      for (const prefix of prefixes) {
        await withEngine(context, options, (client) =>
          client.call("routes.withdraw", { ...named(options), prefix }),
        );
        terminal.print(`This machine no longer routes ${prefix}.`);
      }
    });
}

function addSharing(route: Command, context: Context): void {
  const { terminal } = context;
  inNetwork(route.command("share"))
    .argument("<PREFIX...>", "LANs whose hosts may use this machine: 192.168.1.0/24; “none” ends it")
    .description("let hosts without Starmesh reach the members through this machine, under its address")
    .option("--full-cone", "whoever knows the port that a host uses reaches it there, as some games need")
    .action(async (prefixes: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<RouteOptions & { readonly fullCone?: boolean }>();
      const isNone = prefixes.length === 1 && prefixes[0] === "none";
      const shared = await withEngine(context, options, (client) =>
        client.call("routes.share", {
          ...named(options),
          prefixes: isNone ? [] : prefixes,
          fullCone: options.fullCone === true,
        }),
      );
      terminal.print(sharedLine(shared));
    });
}

function addTaking(route: Command, context: Context): void {
  const { terminal } = context;
  const verbs = [
    ["accept", true, "take a route, or as an administrator let a member route a prefix"],
    ["refuse", false, "take a route no longer, or as an administrator end a member's right to it"],
  ] as const;
  for (const [verb, on, description] of verbs) {
    inNetwork(route.command(verb))
      .argument(
        "<WHAT>",
        on
          ? "a PREFIX, “all” or “none”; with PREFIX after it: the member"
          : "a PREFIX; with PREFIX after it: the member",
      )
      .argument("[PREFIX]", "what the member may route")
      .description(description)
      .action(async (what: string, prefix: string | undefined, _options: unknown, command: Command) => {
        const options = command.optsWithGlobals<RouteOptions>();
        if (prefix !== undefined) {
          await withEngine(context, options, (client) =>
            client.call("routes.grant", { ...named(options), member: what, prefix, on }),
          );
          terminal.print(`${what} may ${on ? "" : "no longer "}route ${prefix}.`);
          return;
        }
        const taken = await withEngine(context, options, (client) =>
          client.call("routes.accept", { ...named(options), what, take: on }),
        );
        terminal.print(acceptanceLine(taken));
      });
  }
}

function addTable(route: Command, context: Context): void {
  const { terminal } = context;
  inNetwork(route.command("set"))
    .argument("<PREFIX>")
    .description("lay down for all which gateway carries a prefix for whom; for administrators")
    .requiredOption(
      "--via <GATEWAY...>",
      "the gateways, each as GATEWAY or GATEWAY=PRIORITY; the lowest number goes first (100 without)",
    )
    .option("--for <MEMBER...>", "for these members alone; others do not get the route then")
    .action(async (prefix: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<SetOptions>();
      const via = options.via.map(parseVia);
      const members = options.for === undefined ? {} : { members: [...options.for] };
      await withEngine(context, options, (client) =>
        client.call("routes.lay", { ...named(options), prefix, via, ...members }),
      );
      const whom = options.for === undefined ? "all members" : options.for.join(", ");
      terminal.print(`${prefix} goes to ${via.map(({ gateway }) => gateway).join(", then ")} for ${whom}.`);
    });

  inNetwork(route.command("unset"))
    .argument("<PREFIX>")
    .description("forget what was laid down: the gateways' own priorities count again")
    .action(async (prefix: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<RouteOptions>();
      await withEngine(context, options, (client) =>
        client.call("routes.lay", { ...named(options), prefix, via: [] }),
      );
      terminal.print(`Nothing is laid down for ${prefix} any more.`);
    });
}

function printRoutes(
  terminal: Terminal,
  { routes, own, overlaps, firewalls, acceptance, shared }: OutputOf<"routes.list">,
): void {
  if (routes.length === 0 && own.length === 0)
    terminal.print("No LAN is routed yet. On a machine in it: starmesh route advertise PREFIX");
  else
    terminal.table(
      ["NETWORK", "PREFIX", "STATE", "VIA", "WHY", "GATEWAYS"],
      routes.map((route) => [
        route.network,
        route.prefix,
        { text: route.state, colour: colours[route.state] },
        route.via ?? "",
        route.reason,
        route.gateways.map(gatewayText).join("; "),
      ]),
    );
  for (const each of own) terminal.print(ownLine(each));
  for (const each of shared) terminal.print(`${each.network}: ${sharedLine(each)}`);
  for (const each of acceptance)
    if (!each.all || each.prefixes.length > 0) terminal.print(`${each.network}: ${acceptanceLine(each)}`);
  for (const { wanted, local, interface: name, advice } of overlaps)
    terminal.note(`${wanted} overlaps ${local} on ${name}. ${advice}`);
  for (const firewall of firewalls) terminal.note(firewallLine(firewall));
}

function gatewayText({ name, self, standing, priority, latencyMs, inside }: GatewayStatus): string {
  const facts = [
    standing,
    `priority ${priority}`,
    formatLatency(latencyMs),
    inside === null ? "" : `there ${inside}`,
  ];
  return `${self ? "this machine" : name} (${facts.filter((fact) => fact !== "").join(", ")})`;
}

function ownLine({ prefix, as, granted, up, snat, allow, problem }: OwnRouteStatus): string {
  const what = as === null ? prefix : `${prefix} as ${as}`;
  if (!granted) return `This machine would route ${what}: an administrator has to grant it.`;
  if (problem !== null) return `This machine cannot route ${what}: ${problem}`;
  if (!up) return `This machine does not reach ${what} just now: other gateways carry it.`;
  const whom = allow.length === 0 ? "" : ` for ${allow.join(", ")}`;
  return `This machine routes ${what}${whom}${snat ? "" : ", with the members' own addresses"}.`;
}

function firewallLine({ name, open }: FirewallStatus): string {
  return open
    ? `The firewall of this machine (${name}) drops what passes; Starmesh has it let its own packets through while it runs.`
    : `The firewall of this machine (${name}) drops what it should route. Let it through there, or: starmesh set --host-firewall on`;
}

function sharedLine({ prefixes, fullCone }: SharedLans): string {
  if (prefixes.length === 0) return "No LAN reaches the network through this machine.";
  const open = fullCone ? ", reached at ports that they use" : "";
  return `Hosts of ${prefixes.join(", ")} reach the network through this machine${open}.`;
}

function acceptanceLine({
  all,
  prefixes,
}: {
  readonly all: boolean;
  readonly prefixes: readonly string[];
}): string {
  const list = prefixes.join(", ");
  if (all) return `This machine takes all routes${list === "" ? "" : ` but ${list}`}.`;
  return list === "" ? "This machine takes no routes." : `This machine takes these routes alone: ${list}.`;
}

function isAbout(own: OwnRouteStatus, prefix: string): boolean {
  return own.prefix === prefix || own.as === prefix;
}

function inNetwork(command: Command): Command {
  return command.option("--network <NETWORK>", "where this machine is in several");
}

function named({ network }: RouteOptions): { readonly network?: string } {
  return network === undefined ? {} : { network };
}

function parseVia(text: string): { readonly gateway: string; readonly priority?: number } {
  const [, gateway = text, priority] = /^(.+)=(.*)$/.exec(text) ?? [];
  return priority === undefined ? { gateway } : { gateway, priority: parsePriority(priority) };
}

function parsePriority(text: string): number {
  const value = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= 1000) return value;
  throw new AppError("usage", { detail: `A priority is a whole number from 1 to 1000, not “${text}”.` });
}

const colours: Readonly<Record<RouteStatus["state"], Colour>> = {
  carried: "green",
  own: "green",
  unreachable: "red",
  refused: "dim",
  waits: "yellow",
  overlaps: "yellow",
} satisfies Readonly<Record<RouteStatus["state"], Exclude<Cell, string>["colour"]>>;

const explanation = `
A gateway is a member that lets the others reach the LAN it is in. Nothing has to be set up in its system, nor on the
hosts of the LAN: what comes from the network leaves under the gateway's address (with --no-snat under its own, and the
LAN needs a route back). All of it is undone when Starmesh stops. A gateway counts once an administrator has granted it
the prefix; members take what was granted unless they refuse it. Where two gateways have one prefix the second takes over
within two seconds. Two LANs with the same addresses get others with --as, address by address.

Examples:
  starmesh route advertise 192.168.1.0/24               let the members reach this LAN through this machine
  starmesh route accept office 192.168.1.0/24           as an administrator: grant it
  starmesh route list                                   see who carries what, and why
  starmesh route advertise 192.168.1.0/24 --as 10.9.1.0/24
  starmesh route share 192.168.1.0/24                   hosts there reach the members, who need no route to them
  starmesh route refuse 192.168.1.0/24                  this machine goes another way there
  starmesh route set 10.5.0.0/16 --via east=1 west=2    as an administrator: for all, the first that answers
`;
