/** Commands about stock WireGuard clients: wg add, list, revoke. */
import type { Command } from "commander";
import { Argument, Option } from "commander";
import type { WireguardClient } from "../../src-shared/wireguard.ts";
import type { CommonOptions, Context, ReadOptions } from "./context.ts";
import { nextCommand } from "./context.ts";
import { withEngine } from "./engine.ts";
import { formatAge, formatBytes, stateCell } from "./format.ts";
import { qrLines } from "./qr.ts";
import type { Cell } from "./text.ts";

interface NetworkOptions extends CommonOptions {
  readonly network?: string;
}

interface AddOptions extends NetworkOptions {
  readonly endpoint?: string;
  readonly allowed: "network" | "all";
  readonly qr?: true;
}

export function addWireguardCommands(program: Command, context: Context): void {
  const wireguard = program
    .command("wg")
    .description("let stock WireGuard clients in through this machine")
    .addHelpText("after", aboutClients);
  const { terminal } = context;

  wireguard
    .command("add")
    .addArgument(new Argument("<NAME>", "what the client is called in the network"))
    .description("print the profile of a new client that this machine serves")
    .option("--network <NETWORK>", "where this machine is in several")
    .option("--endpoint <HOST[:PORT]>", "where the client reaches this machine")
    .addOption(
      new Option("--allowed <WHAT>", "what the client sends through here: what is for the network, or all")
        .choices(["network", "all"])
        .default("network"),
    )
    .option("--qr", "draw it as a QR code for the WireGuard app, too")
    .addHelpText(
      "after",
      "\nExamples:\n  starmesh wg add phone --qr\n  starmesh wg add laptop --endpoint vpn.example.org > laptop.conf\n",
    )
    .action(async (name: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<AddOptions>();
      const endpoint = options.endpoint === undefined ? {} : { endpoint: options.endpoint };
      const { allowed } = options;
      const added = await withEngine(context, options, (client) =>
        client.call("wireguard.add", { name, allowed, ...inNetwork(options), ...endpoint }),
      );
      terminal.print(added.profile.trimEnd());
      for (const warning of added.warnings) terminal.note(warning);
      if (options.qr) terminal.picture(await qrLines(added.profile));
      terminal.note(`${added.name} is ${added.address}. This profile is shown once: save it, or scan it.`);
      if (allowed === "all") terminal.note("Everything it sends comes here: this machine must lead on.");
      terminal.note(`See whether it came: ${nextCommand(options, "wg list")}`);
    });

  wireguard
    .command("list")
    .description("list the clients, who serves them and when they were heard last")
    .option("--network <NETWORK>", "of one network alone")
    .option("--json", "as JSON")
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ReadOptions & NetworkOptions>();
      const clients = await withEngine(context, options, (client) =>
        client.call("wireguard.list", inNetwork(options)),
      );
      if (options.json) return terminal.json(clients);
      if (clients.length > 0) return printClients(context, clients);
      terminal.print("No WireGuard client was let in yet.");
      terminal.note(`Let one in: ${nextCommand(options, "wg add NAME --qr")}`);
    });

  wireguard
    .command("revoke")
    .argument("<NAME>", "the client's name or address")
    .description("end a client; its profile is worth nothing any more")
    .option("--network <NETWORK>", "where several networks have such a client")
    .action(async (name: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<NetworkOptions>();
      await withEngine(context, options, (client) =>
        client.call("wireguard.revoke", { name, ...inNetwork(options) }),
      );
      terminal.print(`${name} was revoked.`);
    });
}

function printClients({ terminal }: Context, clients: readonly WireguardClient[]): void {
  const now = Date.now();
  terminal.table(
    ["CLIENT", "NETWORK", "ADDRESS", "STATE", "SERVED BY", "LAST HANDSHAKE", "RECEIVED", "SENT", "FROM"],
    clients.map((client) => [
      client.name,
      client.network,
      client.address,
      clientState(client),
      client.here ? "this machine" : client.gateway,
      formatAge(client.lastHandshake, now),
      client.rxBytes === null ? "" : formatBytes(client.rxBytes),
      client.txBytes === null ? "" : formatBytes(client.txBytes),
      client.endpoint ?? "",
    ]),
  );
}

/** Only the machine that serves it knows. */
function clientState({ connected }: WireguardClient): Cell {
  return connected === null ? "" : stateCell(connected ? "connected" : "offline");
}

function inNetwork({ network }: NetworkOptions): { readonly network?: string } {
  return network === undefined ? {} : { network };
}

const aboutClients = `
A phone, or any machine with an ordinary WireGuard app, becomes a member through this machine: it gets an address, reaches
the other members and what gateways route, and they reach it. This machine decrypts what it sends and passes it on.

Who may serve clients: administrators, and members to whom one gave it with: starmesh member gateway NAME on

Examples:
  starmesh wg add phone --qr       its profile, and a code to scan
  starmesh wg list                 who was heard when
  starmesh wg revoke phone         a lost phone is out at once
`;
