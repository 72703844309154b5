/** `starmesh portmap`: ports of this machine that lead to a member's port. */
import type { Command } from "commander";
import { AppError } from "../../src-shared/errors.ts";
import type { PortMapStatus } from "../../src-shared/port-map.ts";
import { portMap, usualPlace } from "../../src-shared/port-map.ts";
import type { Context, ReadOptions } from "./context.ts";
import { withEngine } from "./engine.ts";

export function addPortMapCommand(program: Command, context: Context): void {
  const { terminal } = context;
  const group = program
    .command("portmap")
    .description("let a port of this machine lead to a member's port, for those outside the network")
    .addHelpText("after", explanation);

  group
    .command("add")
    .argument("<PROTOCOL>", "tcp or udp")
    .argument("<LISTEN>", "port on this machine, or ADDRESS:PORT for one of its addresses")
    .argument("<TARGET>", "the member's ADDRESS:PORT")
    .description("open a port and keep it open, also after a restart")
    .option("--json", "as JSON")
    .action(async (protocol: string, listen: string, target: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ReadOptions>();
      const wished = portMap.safeParse({ protocol, listen: usualPlace(listen), target: usualPlace(target) });
      if (!wished.success) throw new AppError("usage", { detail: complaint(protocol, listen, target) });
      const added = await withEngine(context, options, (client) => client.call("portmaps.add", wished.data));
      if (options.json) return terminal.json(added);
      terminal.print(portMapLine(added));
    });

  group
    .command("list", { isDefault: true })
    .description("the ports that lead elsewhere, each with its number")
    .option("--json", "as JSON")
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ReadOptions>();
      const { portMaps } = await withEngine(context, options, (client) => client.call("portmaps.list", {}));
      if (options.json) return terminal.json(portMaps);
      for (const map of portMaps) terminal.print(portMapLine(map));
      if (portMaps.length === 0) terminal.print("No port of this machine leads elsewhere.");
    });

  group
    .command("remove")
    .argument("<NUMBER>", "as “starmesh portmap list” shows it")
    .description("close a port and end its connections")
    .action(async (number: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ReadOptions>();
      if (!/^\d{1,9}$/.test(number))
        throw new AppError("usage", { detail: `“${number}” is no number. See: starmesh portmap list` });
      await withEngine(context, options, (client) => client.call("portmaps.remove", { id: Number(number) }));
      terminal.print(`Port map ${number} is closed.`);
    });
}

/** A mapped port in one line. */
function portMapLine({ id, protocol, listen, target, problem }: PortMapStatus): string {
  return `${id}  ${protocol} ${listen} → ${target}${problem === null ? "" : `  not open: ${problem}`}`;
}

function complaint(protocol: string, listen: string, target: string): string {
  if (protocol !== "tcp" && protocol !== "udp") return `PROTOCOL is tcp or udp, not “${protocol}”.`;
  if (usualPlace(listen) === null)
    return `LISTEN is a port such as 8080, or 203.0.113.5:8080, not “${listen}”.`;
  return `TARGET is an address with its port, such as 10.1.2.3:80, not “${target}”.`;
}

const explanation = `
People outside the network reach a service on a member through this machine: what comes to the port here goes on to the
member's address and port, and the answers go back. The service sees this machine's address as the sender, so the member
needs no route back to the Internet.

Examples:
  starmesh portmap add tcp 8080 10.1.2.3:80               every IPv4 address of this machine
  starmesh portmap add udp 203.0.113.5:7777 10.1.2.3:7777 one address only
  starmesh portmap add tcp [::]:8080 10.1.2.3:80          every IPv6 address
  starmesh portmap list
  starmesh portmap remove 1
`;
