/** `starmesh network start` and `… order`: what becomes of a network when Starmesh starts, and where it stands among others. */
import type { Command } from "commander";
import { Argument } from "commander";
import type { NetworkStart } from "../../src-shared/status.ts";
import { networkStart } from "../../src-shared/status.ts";
import type { Context, ReadOptions } from "./context.ts";
import { withEngine } from "./engine.ts";

export function addPlaceCommands(network: Command, context: Context): void {
  network
    .command("start")
    .argument("<NETWORK>")
    .addArgument(
      new Argument("[WISH]", "connect it, or not, or as it was left").choices(networkStart.options),
    )
    .description("whether it is connected when Starmesh starts; without WISH: show")
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  starmesh network start office up\n  starmesh network start office kept\n",
    )
    .action(async (name: string, wish: NetworkStart | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ReadOptions>();
      const status = await withEngine(context, options, async (client) =>
        wish === undefined
          ? (await client.call("networks.show", { network: name })).network
          : client.call("networks.start", { network: name, start: wish }),
      );
      if (options.json) return context.terminal.json({ network: status.name, start: status.start });
      context.terminal.print(`${status.name}: ${lines[status.start]}`);
    });

  network
    .command("order")
    .argument("<NETWORK...>", "which come first, in this order")
    .description("the order in which networks are listed")
    .action(async (names: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ReadOptions>();
      const networks = await withEngine(context, options, (client) =>
        client.call("networks.order", { networks: names }),
      );
      context.terminal.print(networks.map(({ name }) => name).join("\n"));
    });
}

const lines: Readonly<Record<NetworkStart, string>> = {
  kept: "connected when Starmesh starts if it was when it ended.",
  up: "connected whenever Starmesh starts.",
  down: "not connected when Starmesh starts.",
};
