/** `starmesh relay`: whether this machine passes packets on for other members. */
import type { Command } from "commander";
import { Argument } from "commander";
import { AppError } from "../../src-shared/errors.ts";
import type { NetworkStatus } from "../../src-shared/status.ts";
import type { Context, ReadOptions } from "./context.ts";
import { withEngine } from "./engine.ts";

interface RelayOptions extends ReadOptions {
  readonly cost?: string;
  readonly quota?: string;
}

export function addRelayCommand(program: Command, context: Context): void {
  const { terminal } = context;
  program
    .command("relay")
    .addArgument(
      new Argument("[on|off]", "pass packets on for others or not; without it: show").choices(["on", "off"]),
    )
    .argument("[NETWORK]", "for the members of this network; of all without")
    .description("let this machine pass packets on for members that do not reach each other directly")
    .option(
      "--cost <MILLISECONDS>",
      "how much slower a way through here counts: 1 to 1000; 0 is “off” (default 5)",
    )
    .option("--quota <MBIT>", "at most so many Mbit/s for each member, in all networks; 0 is no limit")
    .option("--json", "as JSON")
    .addHelpText("after", explanation)
    .action(
      async (wish: string | undefined, network: string | undefined, _options: unknown, command: Command) => {
        const options = command.optsWithGlobals<RelayOptions>();
        if (wish === undefined && (options.cost !== undefined || options.quota !== undefined))
          throw new AppError("usage", { detail: "--cost and --quota go with “relay on”." });
        const networks = await withEngine(context, options, async (client) => {
          if (wish === undefined) return (await client.call("status.read", {})).networks;
          const set = await client.call("relay.set", {
            on: wish === "on",
            ...(network === undefined ? {} : { network }),
            ...(options.cost === undefined
              ? {}
              : { cost: parseNumber(options.cost, { name: "--cost", most: 1000 }) }),
            ...(options.quota === undefined
              ? {}
              : { quotaMbit: parseNumber(options.quota, { name: "--quota", most: 100_000 }) }),
          });
          return set.networks;
        });
        if (options.json)
          return terminal.json(networks.map(({ name, relay }) => ({ network: name, ...relay })));
        for (const each of networks) terminal.print(relayLine(each));
        if (networks.length === 0) terminal.print("This machine is in no network yet.");
      },
    );
}

/** What a network's setting means, in one line. */
export function relayLine({ name, relay }: NetworkStatus): string {
  if (!relay.allowed) return `${name}: an administrator withholds the right to relay from this machine.`;
  if (!relay.on) return `${name}: this machine relays for nobody.`;
  const quota = relay.quotaMbit === null ? "" : `, at most ${relay.quotaMbit} Mbit/s for each`;
  return `${name}: this machine relays for other members at a cost of ${relay.cost} ms${quota}.`;
}

function parseNumber(text: string, { name, most }: { readonly name: string; readonly most: number }): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= most))
    throw new AppError("usage", { detail: `${name} is a whole number from 0 to ${most}, not “${text}”.` });
  return value;
}

const explanation = `
Two machines that cannot reach each other directly, because both are behind strict NATs, exchange their packets through
a third one. Those packets stay sealed end to end: whoever relays cannot read them. Routers relay by default. Any other
machine that many can reach does it as well, and goes on when all routers are off. Of several ways the quickest is taken;
the cost makes others take one through here only if it saves more than that.

Examples:
  starmesh relay                     show whether this machine relays
  starmesh relay on                  for the members of all its networks
  starmesh relay on home --cost 50   only if it saves 50 ms
  starmesh relay on --quota 20       at most 20 Mbit/s for each member
  starmesh relay off
`;
