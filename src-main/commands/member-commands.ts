/** Commands about members: invite, members, member approve|remove|admin, wg add. */
import type { Command } from "commander";
import { AppError } from "../../src-shared/errors.ts";
import type { MemberStatus } from "../../src-shared/status.ts";
import { parseCount, parseDuration } from "./arguments.ts";
import type { CommonOptions, Context, ReadOptions } from "./context.ts";
import { nextCommand } from "./context.ts";
import { withEngine } from "./engine.ts";
import { formatTime, inviteTerms, stateCell } from "./format.ts";

interface InviteOptions extends CommonOptions {
  readonly once?: true;
  readonly count?: string;
  readonly expires?: string;
  readonly qr?: true;
}

interface MemberOptions extends CommonOptions {
  readonly network?: string;
}

interface WireGuardOptions extends MemberOptions {
  readonly endpoint?: string;
  readonly qr?: true;
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
  addWireGuardCommand(program, context);
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
      member.admin ? "admin" : "",
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
}

function addWireGuardCommand(program: Command, context: Context): void {
  program
    .command("wg")
    .description("let stock WireGuard clients in through this machine")
    .command("add")
    .argument("<NAME>", "what the client is called in the network")
    .description("print the profile of a new client that this machine serves")
    .option("--network <NETWORK>", "where this machine is in several")
    .option("--endpoint <HOST[:PORT]>", "where the client reaches this machine")
    .option("--qr", "draw it as a QR code for the WireGuard app, too")
    .addHelpText(
      "after",
      "\nExamples:\n  starmesh wg add phone --qr\n  starmesh wg add laptop --endpoint vpn.example.org > laptop.conf\n",
    )
    .action(async (name: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<WireGuardOptions>();
      const { terminal } = context;
      const endpoint = options.endpoint === undefined ? {} : { endpoint: options.endpoint };
      const added = await withEngine(context, options, (client) =>
        client.call("wireguard.add", { name, ...inNetwork(options), ...endpoint }),
      );
      terminal.print(added.profile.trimEnd());
      for (const warning of added.warnings) terminal.note(warning);
      if (options.qr) terminal.picture(await qrLines(added.profile));
      terminal.note(`${added.name} is ${added.address}. This profile is shown once: save it, or scan it.`);
      terminal.note(`Try it: ${nextCommand(options, `ping ${added.name}`)}`);
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

/** A QR code of half-block characters, with the light border that readers need. */
async function qrLines(text: string): Promise<readonly string[]> {
  const { default: qrcode } = await import("qrcode");
  const drawn = await qrcode.toString(text, { type: "utf8", errorCorrectionLevel: "L", margin: 2 });
  return drawn.split("\n").filter((line) => line !== "");
}
