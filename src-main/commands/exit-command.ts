/** `starmesh exit-node`: through which member this machine goes to the internet. */
import type { Command } from "commander";
import type { InputOf } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { ExitStatus } from "../../src-shared/exit.ts";
import type { Context, ReadOptions } from "./context.ts";
import { withEngine } from "./engine.ts";

interface ExitOptions extends ReadOptions {
  readonly network?: string;
  readonly lan?: string;
  readonly killSwitch?: string;
  readonly only?: readonly string[];
  readonly except?: readonly string[];
}

export function addExitCommand(program: Command, context: Context): void {
  const { terminal } = context;
  program
    .command("exit-node")
    .argument("[PEER|off]", "the member to go through, or “off”; without it: show")
    .description("go to the internet through another member")
    .option("--network <NETWORK>", "where several networks have such a member")
    .option("--lan <on|off>", "reach what is on this machine's own LAN directly (default on)")
    .option(
      "--kill-switch <strict|convenient>",
      "while the member does not answer: strict lets nothing out, convenient goes the ordinary way (default)",
    )
    .option("--only <PREFIX...>", "only these prefixes go through the member")
    .option("--except <PREFIX...>", "everything but these goes through the member")
    .option("--json", "as JSON")
    .addHelpText("after", explanation)
    .action(async (peer: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ExitOptions>();
      const found = await withEngine(context, options, (client) => {
        if (peer === undefined) return client.call("exit.read", {});
        if (peer === "off") return client.call("exit.set", { member: null });
        return client.call("exit.set", { member: peer, ...wishOf(options) });
      });
      if (options.json) return terminal.json(found);
      for (const line of exitLines(found)) terminal.print(line);
    });
}

/** What acts now, and what may be chosen. */
export function exitLines(status: ExitStatus): readonly string[] {
  const offers = status.offers.map(
    ({ member, network, ipv6 }) => `${member} (${network}${ipv6 ? "" : ", IPv4 only"})`,
  );
  const offered =
    offers.length === 0
      ? "No member offers it. On one that should: starmesh route advertise 0.0.0.0/0, and ::/0"
      : `Members that offer it: ${offers.join(", ")}`;
  const outside = status.outside.map(({ process, program }) => `${program} (${process})`);
  return [
    actsLine(status),
    ...(status.chosen === null ? [offered] : chosenLines(status.chosen)),
    ...(outside.length === 0
      ? []
      : [`Past it: ${outside.join(", ")}. To send one back: starmesh outside --back NUMBER`]),
  ];
}

function actsLine({ state, chosen, reason }: ExitStatus): string {
  const member = chosen?.member ?? "";
  switch (state) {
    case "off":
      return "This machine goes to the internet by itself.";
    case "active":
      return `This machine goes to the internet through ${member}.`;
    case "ordinary":
      return `${member} does not answer: everything goes the ordinary way until it does (kill switch: convenient).`;
    case "blocked":
      return `${member} does not answer: nothing gets out until it does (kill switch: strict). To go on without it: starmesh exit-node off`;
    case "failed":
      return `This machine could not be set up to go through ${member}: ${reason ?? "unknown"}`;
  }
}

function chosenLines(chosen: NonNullable<ExitStatus["chosen"]>): readonly string[] {
  const { killSwitch, lan, only, except } = chosen;
  return [
    killSwitch === "strict"
      ? "Kill switch: strict. Nothing goes another way, also if Starmesh is killed; stopping Starmesh ends it."
      : "Kill switch: convenient. Everything goes the ordinary way while the member does not answer.",
    lan ? "LAN: reached directly." : "LAN: not reached.",
    ...(only.length === 0 ? [] : [`Only: ${only.join(", ")}`]),
    ...(except.length === 0 ? [] : [`Except: ${except.join(", ")}`]),
  ];
}

function wishOf({
  network,
  lan,
  killSwitch,
  only,
  except,
}: ExitOptions): Omit<InputOf<"exit.set">, "member"> {
  if (lan !== undefined && lan !== "on" && lan !== "off")
    throw new AppError("usage", { detail: "--lan: write on or off." });
  if (killSwitch !== undefined && killSwitch !== "strict" && killSwitch !== "convenient")
    throw new AppError("usage", { detail: "--kill-switch: write strict or convenient." });
  return {
    ...(network === undefined ? {} : { network }),
    ...(lan === undefined ? {} : { lan: lan === "on" }),
    ...(killSwitch === undefined ? {} : { killSwitch }),
    ...(only === undefined ? {} : { only: [...only] }),
    ...(except === undefined ? {} : { except: [...except] }),
  };
}

const explanation = `
The member must offer it, and an administrator grant it: there “starmesh route advertise 0.0.0.0/0” and “… ::/0”, then an
administrator's “starmesh route accept NAME 0.0.0.0/0”. Names are looked up there as well. Nothing is changed before you
choose a member, and everything is as before after “off”.

Examples:
  starmesh exit-node                            show what acts, and who offers it
  starmesh exit-node office                     everything goes through the member office
  starmesh exit-node office --kill-switch strict --lan off
  starmesh exit-node office --only 203.0.113.0/24     nothing else does
  starmesh exit-node office --except 198.51.100.0/24
  starmesh exit-node off
`;
