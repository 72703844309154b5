/** The command about broadcasts and multicasts: what members pass to each other of it, and whether this machine takes part. */
import type { Command } from "commander";
import { Argument } from "commander";
import type { InputOf } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { parseCount } from "./arguments.ts";
import type { Context, ReadOptions } from "./context.ts";
import { withEngine } from "./engine.ts";

interface BroadcastCommandOptions extends ReadOptions {
  readonly ports?: string;
  readonly rate?: string;
}

/** `network broadcast`. */
export function addBroadcastCommand(network: Command, context: Context): void {
  network
    .command("broadcast")
    .argument("<NETWORK>")
    .addArgument(
      new Argument(
        "[WISH]",
        "on or off for all members; take or refuse for this machine; without it: show",
      ).choices(["on", "off", "take", "refuse"]),
    )
    .description("whether discovery and LAN games reach from member to member")
    .option("--ports <PORTS>", "UDP ports that pass, such as 5353,1900,6112 (5353,1900 without)")
    .option("--rate <N>", "packets a second that each member may send (50 without)")
    .option("--json", "as JSON")
    .addHelpText("after", aboutBroadcast)
    .action(async (name: string, wish: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<BroadcastCommandOptions>();
      if (wish !== "on" && (options.ports !== undefined || options.rate !== undefined))
        throw new AppError("usage", { detail: "--ports and --rate go with on." });
      const status = await withEngine(context, options, async (client) =>
        wish === undefined
          ? (await client.call("networks.show", { network: name })).network
          : client.call("networks.broadcast", { network: name, ...wishInput(wish, options) }),
      );
      if (options.json) return context.terminal.json({ network: status.name, ...status.broadcast });
      for (const line of broadcastLines(status)) context.terminal.print(line);
    });
}

function wishInput(
  wish: string,
  { ports, rate }: BroadcastCommandOptions,
): Omit<InputOf<"networks.broadcast">, "network"> {
  if (wish === "take" || wish === "refuse") return { take: wish === "take" };
  return {
    on: wish === "on",
    ...(ports === undefined ? {} : { ports: ports.split(",").map((port) => parseCount(port.trim())) }),
    ...(rate === undefined ? {} : { perSecond: parseCount(rate) }),
  };
}

function broadcastLines({ name, broadcast }: NetworkStatus): readonly string[] {
  const { on, ports, perSecond, take } = broadcast;
  const all = on
    ? `${name}: broadcasts and multicasts to UDP port ${ports.join(", ")} pass, ${perSecond} a second from each member.`
    : `${name}: broadcasts and multicasts stay where they are.`;
  return take ? [all] : [all, "This machine refuses them."];
}

const aboutBroadcast = `
Programs that find each other by calling out on the LAN (printers and Chromecasts by mDNS, media servers by SSDP, many games)
find each other in the network as well, once an administrator has switched it on. Off unless chosen. What is for all goes to every
member that a session stands with, wakes nobody, and is never sent on; each member may refuse it for itself.

Calls to the network's last address (10.20.255.255 in 10.20.0.0/16), to 255.255.255.255 and to multicast groups pass when their
UDP port is in the list. A program that calls out on one interface alone has to use the one of the network.

Examples:
  starmesh network broadcast home                          show what is chosen
  starmesh network broadcast home on
  starmesh network broadcast home on --ports 5353,1900,6112
  starmesh network broadcast home refuse                   not on this machine
`;
