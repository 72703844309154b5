/** `starmesh early`: whether ways to peers are kept open before packets come. */
import type { Command } from "commander";
import { Argument } from "commander";
import type { NetworkStatus } from "../../src-shared/status.ts";
import type { Context, ReadOptions } from "./context.ts";
import { withEngine } from "./engine.ts";

export function addEarlyCommand(program: Command, context: Context): void {
  const { terminal } = context;
  program
    .command("early")
    .addArgument(
      new Argument("[on|off]", "keep the ways open or not; without it: show").choices(["on", "off"]),
    )
    .argument("[NETWORK]", "in this network; in all without")
    .description("keep direct paths open to machines used lately, so that the next packet takes them at once")
    .option("--json", "as JSON")
    .addHelpText("after", explanation)
    .action(
      async (wish: string | undefined, network: string | undefined, _options: unknown, command: Command) => {
        const options = command.optsWithGlobals<ReadOptions>();
        const networks = await withEngine(context, options, async (client) => {
          if (wish === undefined) return (await client.call("status.read", {})).networks;
          const at = network === undefined ? {} : { network };
          return (await client.call("early.set", { on: wish === "on", ...at })).networks;
        });
        if (options.json)
          return terminal.json(networks.map(({ name, early }) => ({ network: name, on: early })));
        for (const each of networks) terminal.print(earlyLine(each));
        if (networks.length === 0) terminal.print("This machine is in no network yet.");
      },
    );
}

function earlyLine({ name, early }: NetworkStatus): string {
  return early
    ? `${name}: the ways to the 16 machines used last are kept open for a day.`
    : `${name}: ways are opened with the first packet.`;
}

const explanation = `
Usually nothing is sent to a machine until there is a packet for it; its first packets may then go through a relay for a
second or two while a direct path is found. With this on, paths to the machines used last stay open for a day after the
last packet, for a few bytes every 25 seconds each.

Examples:
  starmesh early            show what is chosen
  starmesh early on         in all networks
  starmesh early on home    in one network
  starmesh early off
`;
