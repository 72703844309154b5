/** `starmesh network renumber`: a network moves to another range of addresses. */
import type { Command } from "commander";
import type { RenumberPlan } from "../../src-shared/renumber.ts";
import type { Context, ReadOptions } from "./context.ts";
import { withEngine } from "./engine.ts";
import type { Terminal } from "./terminal.ts";

interface RenumberOptions extends ReadOptions {
  readonly preview?: true;
  readonly force?: true;
}

export function addRenumberCommand(network: Command, context: Context): void {
  network
    .command("renumber")
    .argument("<NETWORK>")
    .argument("<RANGE>", "the addresses to move to: 10.60.0.0/16")
    .description("move a network to another range of addresses; for administrators")
    .option("--preview", "show who would get which address, and change nothing")
    .option("--force", "also where somebody uses these addresses already")
    .option("--json", "as JSON")
    .addHelpText("after", explanation)
    .action(async (name: string, range: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<RenumberOptions>();
      const plan = await withEngine(context, options, (client) =>
        options.preview
          ? client.call("networks.renumberPreview", { network: name, range })
          : client.call("networks.renumber", { network: name, range, force: options.force === true }),
      );
      if (options.json) context.terminal.json(plan);
      else printPlan(context.terminal, plan, options.preview === true);
    });
}

function printPlan(terminal: Terminal, plan: RenumberPlan, isPreview: boolean): void {
  const { before, range, members, clashes } = plan;
  terminal.table(
    ["MEMBER", "FROM", "TO"],
    members.map(({ name, from, to }) => [name, from, to]),
  );
  for (const { prefix, where } of clashes)
    terminal.note(`${range} overlaps ${prefix}, which is used already (${where}).`);
  const clients = members.filter(({ stock }) => stock).map(({ name }) => name);
  if (clients.length > 0)
    terminal.note(
      `${clients.join(", ")}: WireGuard apps keep the old address until they get another profile (starmesh wg revoke, then wg add).`,
    );
  terminal.print(
    isPreview
      ? `Nothing is changed yet: ${before} would become ${range}.`
      : `The network moved from ${before} to ${range}. Members that are off follow when they come back.`,
  );
}

const explanation = `
Every member keeps its place in the range where there is room: 10.1.0.7 becomes 10.60.0.7. Names, rules and routes go on;
addresses that are written in rules and names move along. Connections by the old addresses end. Settings by address on single
machines stay as they are: port maps, lists of “route advertise --allow”, and programs that were told an address.

Examples:
  starmesh network renumber home 10.60.0.0/16 --preview
  starmesh network renumber home 10.60.0.0/16
`;
