/** `starmesh name`: the names of a network's machines, and others written by hand. */
import type { Command } from "commander";
import type { NamesStatus } from "../../src-shared/names.ts";
import type { Context, ReadOptions } from "./context.ts";
import { nextCommand } from "./context.ts";
import { withEngine } from "./engine.ts";

interface NameOptions extends ReadOptions {
  readonly network?: string;
}

export function addNameCommand(program: Command, context: Context): void {
  const name = program
    .command("name")
    .description("names for the machines of a network: show them, or write others by hand");
  addList(name, context);
  addAdd(name, context);
  addRemove(name, context);
}

function addList(name: Command, context: Context): void {
  const { terminal } = context;
  name
    .command("list")
    .description("show all names, and how this machine looks them up")
    .option("--network <NETWORK>", "of this network; of all without")
    .option("--json", "as JSON")
    .addHelpText("after", explanation)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<NameOptions>();
      const found = await withEngine(context, options, (client) =>
        client.call("names.list", inNetwork(options)),
      );
      if (options.json) return terminal.json(found);
      if (found.length === 0) terminal.print("This machine is in no network yet.");
      for (const each of found) printNames(context, each, options);
    });
}

function addAdd(name: Command, context: Context): void {
  name
    .command("add")
    .argument("<NAME>", "what comes before the network's own name: printer, www.office")
    .argument("<ADDRESS|NAME>", "the address it leads to, or the name that it is another one of")
    .description("write a name for all members; for administrators")
    .option("--network <NETWORK>", "where this machine is in several")
    .addHelpText(
      "after",
      "\nExamples:\n  starmesh name add printer 192.168.1.9    something without Starmesh, behind a gateway\n  starmesh name add files nas              another name for the member nas\n",
    )
    .action(async (what: string, value: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<NameOptions>();
      const added = await withEngine(context, options, (client) =>
        client.call("names.add", { name: what, value, ...inNetwork(options) }),
      );
      context.terminal.print(`${added.name} leads to ${added.value}.`);
    });
}

function addRemove(name: Command, context: Context): void {
  name
    .command("remove")
    .argument("<NAME>", "as it was added")
    .description("take back a name that was written by hand; for administrators")
    .option("--network <NETWORK>", "where this machine is in several")
    .action(async (what: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<NameOptions>();
      await withEngine(context, options, (client) =>
        client.call("names.remove", { name: what, ...inNetwork(options) }),
      );
      context.terminal.print(`${what} leads nowhere now.`);
    });
}

function printNames({ terminal }: Context, found: NamesStatus, options: NameOptions): void {
  terminal.print(`${found.network}: ${wayLine(found, options)}`);
  terminal.table(
    ["NAME", "LEADS TO", ""],
    found.names.map(({ name, addresses, alias, byHand }) => [
      name,
      alias ?? addresses.join(", "),
      byHand ? "by hand" : "",
    ]),
  );
}

/** How this machine looks the names up, in one line. */
function wayLine({ way, server, reason }: NamesStatus, options: NameOptions): string {
  switch (way) {
    case "off":
      return `this machine's look-ups are left alone; ask ${server ?? "nobody"} yourself, or: ${nextCommand(options, "set --dns on")}`;
    case "none":
      return "names are looked up while the network is up and carries packets.";
    case "resolved":
      return `systemd-resolved asks ${server ?? ""} for these names, and all others where it always did.`;
    case "domains":
      return `this system asks ${server ?? ""} for these names, and all others where it always did.`;
    case "file":
      return "programs of this machine ask Starmesh first; it passes other names on to the servers that were there before.";
    case "failed":
      return `names are not looked up here: ${reason ?? "unknown"}`;
  }
}

function inNetwork({ network }: NameOptions): { readonly network?: string } {
  return network === undefined ? {} : { network };
}

const explanation = `
Every member has a name: NODE.NETWORK.mesh. All programs of this machine know these names while it is in the network; all
other names are looked up as ever. “starmesh set --dns off” leaves the machine's look-ups alone.

Examples:
  starmesh name list
  ping nas.home.mesh
  starmesh name add printer 192.168.1.9
`;
