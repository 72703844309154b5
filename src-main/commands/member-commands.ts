/** Commands about members: invite, members, member approve|remove|admin|gateway. */
import type { Command } from "commander";
import { Argument } from "commander";
import { AppError } from "../../src-shared/errors.ts";
import type { MemberStatus } from "../../src-shared/status.ts";
import { parseCount, parseDuration } from "./arguments.ts";
import type { CommonOptions, Context, ReadOptions } from "./context.ts";
import { withEngine } from "./engine.ts";
import { formatTime, inviteTerms, stateCell } from "./format.ts";
import { qrLines } from "./qr.ts";

interface InviteOptions extends CommonOptions {
  readonly once?: true;
  readonly count?: string;
  readonly expires?: string;
  readonly qr?: true;
}

interface MemberOptions extends CommonOptions {
  readonly network?: string;
}

export function addMemberCommands(program: Command, context: Context): void {
  program
    .command("invite")
    .argument("<NETWORK>")
    .description("print an invite: the one line that another machine joins with")
    .option("--once", "for one machine only")
    .option("--count <N>", "for so many machines (50 without)")
    .option("--expires <TIME>", "how long it works: 30m, 24h, 7d (24h without)")
    .option("--qr", "draw it as a QR code, too")
    .addHelpText(
      "after",
      "\nExamples:\n  starmesh invite home\n  starmesh invite home --once --expires 30m --qr\n",
    )
    .action(async (network: string, _options: unknown, command: Command) => {
      await invite(context, command.optsWithGlobals<InviteOptions>(), network);
    });

  program
    .command("members")
    .argument("<NETWORK>")
    .description("list the members of a network")
    .option("--json", "as JSON")
    .action(async (network: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ReadOptions>();
      const members = await withEngine(context, options, (client) =>
        client.call("members.list", { network }),
      );
      if (options.json) context.terminal.json(members);
      else printMembers(context, members);
    });

  addMemberCommand(program, context);
}

/** The table of `members` and `network show`. */
export function printMembers({ terminal }: Context, members: readonly MemberStatus[]): void {
  terminal.table(
    ["MEMBER", "ADDRESS", "STATE", "KIND", "RIGHTS", "SERVED BY", "CERTIFICATE UNTIL", ""],
    members.map((member) => [
      member.name,
      member.address,
      member.approved ? stateCell(member.online ? "online" : "offline") : stateCell("waits"),
      member.kind === "stock" ? "WireGuard client" : "node",
      [...(member.admin ? ["admin"] : []), ...(member.gateway === null ? [] : ["gateway"])].join(", "),
      member.servedBy ?? "",
      member.expires === null ? "" : formatTime(member.expires).slice(0, 10),
      member.self ? "this machine" : "",
    ]),
  );
}

function addMemberCommand(program: Command, context: Context): void {
  const member = program.command("member").description("approve, remove or promote a member");
  const verbs = [
    ["approve", "let a member in that waits for approval", "may take part now"],
    ["remove", "end a membership; all others drop it within seconds", "was removed"],
    ["admin", "let a member admit and remove others, too", "is an administrator now"],
  ] as const;
  for (const [verb, description, done] of verbs) {
    member
      .command(verb)
      .argument("<NAME>", "the member's name, address or the beginning of its key")
      .description(description)
      .option("--network <NETWORK>", "where several networks have such a member")
      .action(async (name: string, _options: unknown, command: Command) => {
        const options = command.optsWithGlobals<MemberOptions>();
        const input = { member: name, ...inNetwork(options) };
        await withEngine(context, options, (client) => client.call(`members.${verb}`, input));
        context.terminal.print(`${name} ${done}.`);
      });
  }
  member
    .command("gateway")
    .argument("<NAME>", "the member's name, address or the beginning of its key")
    .addArgument(new Argument("<on|off>", "may it, or not").choices(["on", "off"]))
    .description("whether a member may let stock WireGuard clients in, and route what is granted to it")
    .option("--network <NETWORK>", "where several networks have such a member")
    .action(async (name: string, wish: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<MemberOptions>();
      const on = wish === "on";
      await withEngine(context, options, (client) =>
        client.call("members.gateway", { member: name, on, ...inNetwork(options) }),
      );
      context.terminal.print(`${name} ${on ? "is a gateway now" : "is no gateway any more"}.`);
    });
}

async function invite(context: Context, options: InviteOptions, network: string): Promise<void> {
  const { terminal } = context;
  if (options.once && options.count !== undefined) {
    throw new AppError("usage", { detail: "Give --once or --count, not both." });
  }
  const count = options.once ? 1 : options.count === undefined ? undefined : parseCount(options.count);
  const expiresSeconds = options.expires === undefined ? undefined : parseDuration(options.expires);
  const made = await withEngine(context, options, (client) =>
    client.call("invites.create", {
      network,
      ...(count === undefined ? {} : { count }),
      ...(expiresSeconds === undefined ? {} : { expiresSeconds }),
    }),
  );
  terminal.note("On the other machine run: starmesh join with this line");
  terminal.print(made.invite);
  if (options.qr) terminal.picture(await qrLines(made.invite));
  terminal.note(inviteTerms(made));
  for (const warning of made.warnings) terminal.note(warning);
}

function inNetwork(options: MemberOptions): { readonly network?: string } {
  return options.network === undefined ? {} : { network: options.network };
}
