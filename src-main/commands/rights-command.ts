/** `starmesh rights`: by what right this machine's network is changed, and asking for it. */
import type { Command } from "commander";
import { AppError } from "../../src-shared/errors.ts";
import type { Status } from "../../src-shared/status.ts";
import type { Context, ReadOptions } from "./context.ts";
import { withStartedEngine } from "./engine.ts";
import { askingHere } from "./terminal-agent.ts";

export function addRightsCommand(program: Command, context: Context): void {
  const { terminal } = context;
  program
    .command("rights")
    .description("let Starmesh change this machine's network; the system asks for your leave once")
    .option("--json", "as JSON, without asking")
    .addHelpText("after", explanation)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ReadOptions>();
      await withStartedEngine(context, options, async (client) => {
        const { node } = await client.call("status.read", {});
        if (options.json) return terminal.json(node.rights);
        if (node.rights.kind === "none") {
          if (!node.rights.canAsk)
            throw new AppError("privilege-refused", { detail: "nobody can be asked for it here" });
          terminal.progress("Waiting for your leave, which the system asks for");
          await askingHere(node.pid, () => client.call("rights.ask", {}));
          return terminal.print(lines.helper);
        }
        terminal.print(lines[node.rights.kind]);
      });
    });
}

const lines: Readonly<Record<Exclude<Status["node"]["rights"]["kind"], "none">, string>> = {
  own: "Starmesh runs with the rights that it needs.",
  helper: "A helper changes this machine's network for Starmesh, which itself runs without rights.",
  lost: "The helper has ended; it is used again as soon as it is back.",
};

const explanation = `
Starmesh itself needs no rights. What does (an interface, its addresses and routes, names, the way to the internet) is done by
a small helper that takes nothing but these requests, and undoes them when Starmesh ends. Where none listens, this command has
one started, until Starmesh ends.
`;
