/** Commands about networks: create, list, show, delete, keys, join, leave. */
import type { Command } from "commander";
import { Argument } from "commander";
import type { InputOf, OutputOf } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import { planeTarget } from "../../src-shared/plane.ts";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { addBroadcastCommand } from "./broadcast-command.ts";
import type { CommonOptions, Context, ReadOptions } from "./context.ts";
import { nextCommand } from "./context.ts";
import { withEngine, withStartedEngine } from "./engine.ts";
import { formatCount, inviteTerms, stateCell } from "./format.ts";
import { printMembers } from "./member-commands.ts";
import { addPlaceCommands } from "./place-commands.ts";
import { addRenumberCommand } from "./renumber-command.ts";

interface CreateOptions extends CommonOptions {
  readonly router?: string;
  readonly secret?: string | true;
  readonly cidr?: string;
  readonly approve?: true;
  readonly mask?: true;
  readonly join: boolean;
  readonly name?: string;
}

interface JoinOptions extends CommonOptions {
  readonly secret?: string;
  readonly router?: string;
  readonly name?: string;
  readonly ip?: string;
  readonly force?: true;
}

export function addNetworkCommands(program: Command, context: Context): void {
  const network = program.command("network").description("make and manage networks");

  network
    .command("create")
    .argument("<NAME>", "what the network is called")
    .description("make a network and print an invite to it")
    .option("--router <LINK>", "the router that hosts it; without, this machine does")
    .option(
      "--secret [SECRET]",
      "admit by name and secret instead of invites; without one a secret is made; - reads it",
    )
    .option("--cidr <RANGE>", "its addresses, such as 10.20.0.0/16; without, a free range")
    .option("--approve", "every new member waits until an administrator approves it")
    .option("--mask", "make its datagrams look like noise, for networks that block WireGuard")
    .option("--no-join", "make it without becoming a member")
    .option("--name <NODE>", "this machine's name in it")
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  starmesh network create home\n" +
        "  starmesh network create office --router starmesh://router/1/… --approve\n" +
        "  starmesh network create party --secret\n",
    )
    .action(async (name: string, _options: unknown, command: Command) => {
      await create(context, command.optsWithGlobals<CreateOptions>(), name);
    });

  const list = async (_options: unknown, command: Command) => {
    const options = command.optsWithGlobals<ReadOptions>();
    const networks = await withEngine(context, options, (client) => client.call("networks.list", {}));
    if (options.json) return context.terminal.json(networks);
    if (networks.length > 0) return printNetworks(context, networks);
    context.terminal.print("This machine is in no network yet.");
    context.terminal.note(`Make one: ${nextCommand(options, "network create NAME")}`);
    context.terminal.note(`Join one: ${nextCommand(options, "join INVITE")}`);
  };
  network
    .command("list")
    .description("list the networks of this machine")
    .option("--json", "as JSON")
    .action(list);
  program
    .command("networks")
    .description("list the networks of this machine")
    .option("--json", "as JSON")
    .action(list);

  network
    .command("show")
    .argument("<NETWORK>", "its name, or the beginning of its id")
    .description("show one network and its members")
    .option("--json", "as JSON")
    .action(async (name: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ReadOptions>();
      const shown = await withEngine(context, options, (client) =>
        client.call("networks.show", { network: name }),
      );
      if (options.json) return context.terminal.json(shown);
      printNetwork(context, shown);
    });

  network
    .command("mask")
    .argument("<NETWORK>")
    .addArgument(new Argument("[on|off]", "mask or not; without it: show").choices(["on", "off"]))
    .description("whether its datagrams look like noise to whoever carries them")
    .option("--json", "as JSON")
    .addHelpText("after", aboutMask)
    .action(async (name: string, wish: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ReadOptions>();
      const status = await withEngine(context, options, async (client) =>
        wish === undefined
          ? (await client.call("networks.show", { network: name })).network
          : client.call("networks.mask", { network: name, on: wish === "on" }),
      );
      if (options.json) return context.terminal.json({ network: status.name, on: status.mask });
      context.terminal.print(
        status.mask
          ? `${status.name}: members mask what they send over plain UDP.`
          : `${status.name}: plain UDP is not masked.`,
      );
    });

  addRenumberCommand(network, context);
  addBroadcastCommand(network, context);
  addPlaceCommands(network, context);

  network
    .command("delete")
    .argument("<NETWORK>")
    .description("end a network for all its members")
    .action(async (name: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions>();
      await withEngine(context, options, (client) => client.call("networks.delete", { network: name }));
      context.terminal.print(`Deleted ${name}.`);
    });

  addKeyCommands(network, context);
  addJoinCommands(program, context);
}

function addKeyCommands(network: Command, context: Context): void {
  const key = network.command("key").description("keep the key that administers a network");
  key
    .command("export")
    .argument("<NETWORK>")
    .description("print the network's key: whoever has it can admit and remove members")
    .action(async (name: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions>();
      const exported = await withEngine(context, options, (client) =>
        client.call("networks.exportKey", { network: name }),
      );
      context.terminal.print(exported.key);
      context.terminal.note("Keep this line where nobody else reads it.");
      context.terminal.note(`Use it on another member's machine: ${nextCommand({}, "network key import -")}`);
    });
  key
    .command("import")
    .argument("<KEY>", "the line that export printed; - reads it from standard input")
    .description("make this machine an administrator by the network's key")
    .action(async (text: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions>();
      const line = text === "-" ? await context.readLine() : text;
      const imported = await withEngine(context, options, (client) =>
        client.call("networks.importKey", { key: line.trim() }),
      );
      context.terminal.print(`This machine is an administrator of ${imported.network} now.`);
      context.terminal.note(`Invite others: ${nextCommand(options, `invite ${imported.network}`)}`);
    });
}

function addJoinCommands(program: Command, context: Context): void {
  program
    .command("join")
    .argument(
      "<INVITE|NAME|HOST:PORT>",
      "an invite, a network that is kept by a secret, or a router's port plane",
    )
    .description("become a member of a network; starts Starmesh when it does not run")
    .option(
      "--secret <SECRET>",
      "the network's secret, or the token of the ports; - reads it from standard input",
    )
    .option("--router <HOST[:PORT]|LINK>", "the router that hosts it, with NAME")
    .option("--name <NODE>", "this machine's name in it; its host name without")
    .option("--ip <ADDRESS>", "the address to have; a free one without")
    .option("--force", "join although the range overlaps one that this machine uses")
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  starmesh join starmesh://join/1/…\n" +
        "  starmesh join party --secret correct-horse --router vpn.example.org\n" +
        "  starmesh join vpn.example.org:8000 --secret TOKEN    the network of all who join at that port\n",
    )
    .action(async (target: string, _options: unknown, command: Command) => {
      await join(context, command.optsWithGlobals<JoinOptions>(), target);
    });

  program
    .command("leave")
    .argument("[NETWORK]", "may be left out when there is only one")
    .description("stop being a member of a network")
    .action(async (name: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions>();
      await withEngine(context, options, async (client) => {
        const left = name ?? onlyName(await client.call("networks.list", {}));
        await client.call("networks.leave", { network: left });
        context.terminal.print(`Left ${left}.`);
      });
    });
}

async function create(context: Context, options: CreateOptions, name: string): Promise<void> {
  const { terminal } = context;
  const input: InputOf<"networks.create"> = {
    name,
    approve: options.approve === true,
    mask: options.mask === true,
    join: options.join,
    ...(options.router === undefined ? {} : { routerLink: options.router }),
    ...(options.secret === undefined ? {} : { secret: await givenSecret(context, options.secret) }),
    ...(options.cidr === undefined ? {} : { cidr: options.cidr }),
    ...(options.name === undefined ? {} : { nodeName: options.name }),
  };
  await withStartedEngine(context, options, async (client) => {
    terminal.progress(`Creating ${name}`);
    const { network, invite, joinLine, warnings } = await client.call("networks.create", input);
    const own = network.address === null ? "" : `; this machine is ${network.address}`;
    terminal.note(`Created ${network.name}${network.range === null ? "" : ` (${network.range})`}${own}.`);
    for (const warning of warnings) terminal.note(warning);
    if (invite !== null) {
      terminal.note("On each other machine run: starmesh join with this line");
      terminal.print(invite.invite);
      terminal.note(inviteTerms(invite));
      terminal.note(`Another one later: ${nextCommand(options, `invite ${network.name}`)}`);
    } else if (joinLine !== null) {
      terminal.note("On each other machine run:");
      terminal.print(joinLine);
    }
  });
}

async function join(context: Context, options: JoinOptions, target: string): Promise<void> {
  const { terminal } = context;
  const isInvite = target.startsWith("starmesh:");
  const isPlane = options.router === undefined && planeTarget(target) !== null;
  if (!isInvite && (options.secret === undefined || (options.router === undefined && !isPlane))) {
    throw new AppError("usage", {
      detail: isPlane
        ? `Join at a port with its router's token: ${nextCommand(options, `join ${target} --secret TOKEN`)}`
        : `“${target}” is no invite. Join by name with: ${nextCommand(options, "join NAME --secret SECRET --router HOST")}`,
    });
  }
  const secret = options.secret === undefined ? undefined : await givenSecret(context, options.secret);
  const input: InputOf<"networks.join"> = {
    target,
    force: options.force === true,
    ...(secret === undefined ? {} : { secret }),
    ...(options.router === undefined ? {} : { router: options.router }),
    ...(options.name === undefined ? {} : { nodeName: options.name }),
    ...(options.ip === undefined ? {} : { address: options.ip }),
  };
  await withStartedEngine(context, options, async (client) => {
    for await (const value of client.stream("networks.join", input)) {
      if ("step" in value) terminal.progress(value.step);
      else printJoined(context, options, value.joined);
    }
  });
}

type Joined = Extract<OutputOf<"networks.join">, { joined: unknown }>["joined"];

function printJoined({ terminal }: Context, options: CommonOptions, joined: Joined): void {
  const { network, name, address, waitsFor, warnings } = joined;
  if (waitsFor.length > 0) {
    terminal.print(`${name} waits for approval on ${waitsFor.join(", ")} to join ${network}.`);
    terminal.note(`There: starmesh member approve ${name}`);
  } else {
    terminal.print(`Joined ${network} as ${name}, ${address}.`);
  }
  for (const warning of warnings) terminal.note(warning);
  if (waitsFor.length === 0) terminal.note(`See who is there: ${nextCommand(options, "peers")}`);
}

/** Empty: one is to be made. */
async function givenSecret(context: Context, secret: string | true): Promise<string> {
  if (secret === true) return "";
  return secret === "-" ? context.readLine() : secret;
}

function onlyName(networks: readonly NetworkStatus[]): string {
  const [only, second] = networks;
  if (only === undefined) throw new AppError("usage", { detail: "This machine is in no network." });
  if (second === undefined) return only.name;
  const names = networks.map(({ name }) => name).join(", ");
  throw new AppError("usage", {
    detail: `This machine is in several networks: ${names}. Name the one to leave.`,
  });
}

function printNetworks({ terminal }: Context, networks: readonly NetworkStatus[]): void {
  terminal.table(
    ["NETWORK", "ADDRESS", "RANGE", "STATE", "MEMBERS", "INTERFACE", "ROUTER", "DETAIL"],
    networks.map((network) => [
      network.name,
      network.address ?? "",
      network.range ?? "",
      stateCell(network.state),
      String(network.members),
      network.interface ?? "",
      network.rendezvous[0] ?? "",
      network.detail ?? "",
    ]),
  );
}

function printNetwork(context: Context, { network, members }: OutputOf<"networks.show">): void {
  const { terminal } = context;
  printNetworks(context, [network]);
  terminal.print("");
  terminal.print(`Id ${network.id}`);
  if (network.secret) terminal.print("Kept by a shared secret: whoever knows it may join.");
  if (network.admin) terminal.print("This machine may admit and remove members.");
  terminal.print(formatCount(members.length, "member"));
  printMembers(context, members);
}

const aboutMask = `
Plain UDP between members has the look of WireGuard, which some networks block. Masked, it has the look of nothing: no byte
and no size is the same twice. It costs a little speed and some bytes. An administrator decides it, for all members at
once; nobody loses touch over it. Stock WireGuard clients are never masked, nor are links by TLS, QUIC and the like, which
look like something that is allowed.

Examples:
  starmesh network mask home        show what is chosen
  starmesh network mask home on
  starmesh network mask home off
`;
