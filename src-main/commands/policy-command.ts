/** `starmesh policy`: who may reach whom. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { Argument } from "commander";
import type { Client } from "../../src-shared/api/client.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { PolicyPlan, PolicyRuling, PolicyStatus } from "../../src-shared/policy-status.ts";
import type { Context, ReadOptions } from "./context.ts";
import { nextCommand } from "./context.ts";
import { withEngine } from "./engine.ts";
import { formatTime } from "./format.ts";

interface PolicyOptions extends ReadOptions {
  readonly network?: string;
  readonly keep?: true;
  readonly file?: string;
}

export function addPolicyCommand(program: Command, context: Context): void {
  const { terminal } = context;
  const policy = program
    .command("policy")
    .description("who may reach whom in a network, by which protocols and ports")
    .addHelpText("after", explanation);
  const command = (name: string, description: string) =>
    policy
      .command(name)
      .description(description)
      .option("--network <NETWORK>", "where this machine is in several")
      .option("--json", "as JSON");

  command("show", "print the policy that counts, as YAML").action(async (_options: unknown, own: Command) => {
    const options = own.optsWithGlobals<PolicyOptions>();
    const status = await withEngine(context, options, (client) => client.call("policy.read", where(options)));
    if (options.json) return terminal.json(status);
    terminal.print(status.text.trimEnd());
    printStanding(context, options, status);
  });

  keeping(
    command(
      "set",
      "set the policy of a file for all members; what is wrong in it is named by line and column",
    ),
  )
    .argument("<FILE>", "YAML or JSON; - reads it from standard input")
    .action(async (file: string, _options: unknown, own: Command) => {
      const options = own.optsWithGlobals<PolicyOptions>();
      const text = await readText(file);
      await withEngine(context, options, (client) =>
        set(context, client, { options, text, name: nameOf(file) }),
      );
    });

  keeping(command("edit", "change the policy in your editor ($VISUAL or $EDITOR), then set it")).action(
    async (_options: unknown, own: Command) => {
      const options = own.optsWithGlobals<PolicyOptions>();
      await withEngine(context, options, (client) => edit(context, client, options));
    },
  );

  command("preview", "show what a file would change, and set nothing")
    .argument("<FILE>", "YAML or JSON; - reads it from standard input")
    .action(async (file: string, _options: unknown, own: Command) => {
      const options = own.optsWithGlobals<PolicyOptions>();
      const text = await readText(file);
      const plan = await withEngine(context, options, (client) =>
        client.call("policy.preview", { ...where(options), text, name: nameOf(file) }),
      );
      if (options.json) return terminal.json(plan);
      printPlan(context, plan);
      if (plan.cutsOff.length > 0) terminal.note(`${cutLine(plan)} It would be set on trial for a minute.`);
    });

  keeping(command("default", "say what becomes of what no rule is about: let in all of it, or none"))
    .addArgument(new Argument("<WHAT>", "all or none").choices(["all", "none"]))
    .action(async (allow: string, _options: unknown, own: Command) => {
      const options = own.optsWithGlobals<PolicyOptions>();
      const done = await withEngine(context, options, (client) =>
        client.call("policy.default", {
          ...where(options),
          allow: allow === "all" ? "all" : "none",
          keep: options.keep === true,
        }),
      );
      printSet(context, options, done);
    });

  command("confirm", "keep a policy that is on trial").action(async (_options: unknown, own: Command) => {
    const options = own.optsWithGlobals<PolicyOptions>();
    const status = await withEngine(context, options, (client) =>
      client.call("policy.confirm", where(options)),
    );
    if (options.json) return terminal.json(status);
    terminal.print(`Kept: version ${status.version} of the policy of ${status.network}.`);
  });

  command("check", "say which rule decides about a port between two members")
    .argument("<FROM>", "a member's name, or an address")
    .argument("<TO>", "the same; also an address behind a gateway")
    .argument("<PORT>", "such as tcp:22, udp:53, icmp")
    .option("--file <FILE>", "by the policy in this file instead of the one that counts")
    .action(async (from: string, to: string, port: string, _options: unknown, own: Command) => {
      const options = own.optsWithGlobals<PolicyOptions>();
      const { file } = options;
      const given = file === undefined ? {} : { text: await readText(file), name: nameOf(file) };
      const found = await withEngine(context, options, (client) =>
        client.call("policy.check", { ...where(options), from, to, port, ...given }),
      );
      if (options.json) return terminal.json(found);
      printRuling(context, { from, to, port }, found);
    });
}

function keeping(command: Command): Command {
  return command.option("--keep", "for good at once, also where it may cut this machine off");
}

async function set(
  context: Context,
  client: Client,
  given: { readonly options: PolicyOptions; readonly text: string; readonly name: string },
): Promise<void> {
  const { options, text, name } = given;
  const keep = options.keep === true;
  printSet(context, options, await client.call("policy.set", { ...where(options), text, name, keep }));
}

/** The editor works on a copy; a text that was refused stays there, so that nothing typed is lost. */
async function edit(context: Context, client: Client, options: PolicyOptions): Promise<void> {
  const { environment } = context.machine;
  const before = (await client.call("policy.read", where(options))).text;
  const folder = mkdtempSync(join(tmpdir(), "starmesh-policy-"));
  const file = join(folder, "policy.yaml");
  writeFileSync(file, before, { mode: 0o600 });
  const editor = environment["VISUAL"] || environment["EDITOR"] || "vi";
  const { status, error } = spawnSync(`${editor} "${file}"`, { shell: true, stdio: "inherit" });
  const text = readFileSync(file, "utf8");
  const isUnchanged = text === before;
  if (error === undefined && status === 0 && !isUnchanged)
    await set(context, client, { options, text, name: file });
  rmSync(folder, { recursive: true });
  if (error !== undefined || status !== 0)
    throw new AppError("usage", { detail: `The editor “${editor}” did not end well: nothing was set.` });
  if (isUnchanged) context.terminal.note("Nothing was changed.");
}

function printSet(
  context: Context,
  options: PolicyOptions,
  done: { readonly status: PolicyStatus; readonly plan: PolicyPlan },
): void {
  const { terminal } = context;
  const { status, plan } = done;
  if (options.json) {
    terminal.json(done);
    return;
  }
  printPlan(context, plan);
  if (status.trialUntil === null) {
    terminal.print(`Set: version ${status.version} of the policy of ${status.network}.`);
    return;
  }
  terminal.print(`On trial until ${formatTime(status.trialUntil)}, then it is taken back. ${cutLine(plan)}`);
  terminal.note(`Keep it: ${nextCommand(options, "policy confirm")}`);
}

function printPlan({ terminal }: Context, { changes, more, unbound }: PolicyPlan): void {
  if (changes.length === 0) terminal.note("Nobody gains or loses anything.");
  else
    terminal.table(
      ["FROM", "TO", "LOSES", "GAINS"],
      changes.map(({ from, to, lost, gained }) => [
        listed(from),
        listed(to),
        { text: lost.join(" "), colour: "red" },
        { text: gained.join(" "), colour: "green" },
      ]),
    );
  if (more > 0) terminal.note(`And ${more} more changes.`);
  for (const name of unbound)
    terminal.note(`Nobody is called “${name}” yet: whoever joins under that name is meant.`);
}

function printStanding(context: Context, options: PolicyOptions, status: PolicyStatus): void {
  const { terminal } = context;
  if (status.version === 0) terminal.note("No policy was ever set: everybody reaches everybody.");
  else
    terminal.note(
      `Version ${status.version}, set ${status.setAt === null ? "" : formatTime(status.setAt)}${status.setBy === null ? "" : ` by ${status.setBy}`}.`,
    );
  if (status.trialUntil !== null) {
    terminal.note(`On trial until ${formatTime(status.trialUntil)}, then it is taken back.`);
    terminal.note(`Keep it: ${nextCommand(options, "policy confirm")}`);
  }
  if (status.rolledBack) terminal.note("A newer one was tried and taken back.");
  for (const name of status.unbound) terminal.note(`“${name}” is nobody now.`);
  for (const { name, now } of status.renamed)
    terminal.note(`“${name}” is the member that is called ${now} now.`);
  if (!status.inbound)
    terminal.note("This machine lets nobody in, whatever the policy says. See: starmesh set --inbound on");
}

function printRuling(
  { terminal }: Context,
  asked: { readonly from: string; readonly to: string; readonly port: string },
  { rulings, refusesInbound }: PolicyRuling,
): void {
  const [first] = rulings;
  const isOne = rulings.every(({ rule, action }) => rule === first?.rule && action === first.action);
  for (const { action, rule, line, family } of isOne ? rulings.slice(0, 1) : rulings) {
    const by = rule === null ? line : `rule ${rule}, ${line}`;
    const over = isOne ? "" : ` over IPv${family}`;
    const verb = action === "accept" ? "may reach" : "does not reach";
    terminal.print(`${asked.from} ${verb} ${asked.to} by ${asked.port}${over}: ${by}`);
  }
  if (refusesInbound) terminal.print("But this machine lets nobody in. See: starmesh set --inbound on");
}

function cutLine({ cutsOff }: PolicyPlan): string {
  return `It takes something away between this machine and ${listed(cutsOff)}.`;
}

/** The first few, and how many there are. */
function listed(names: readonly string[]): string {
  const few = names.slice(0, mostNames).join(", ");
  return names.length > mostNames ? `${few} and ${names.length - mostNames} more` : few;
}

function where({ network }: PolicyOptions): { readonly network?: string } {
  return network === undefined ? {} : { network };
}

/** Throws `usage`. */
async function readText(file: string): Promise<string> {
  try {
    return file === "-" ? await text(process.stdin) : await readFile(file, "utf8");
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new AppError("usage", { detail: `${nameOf(file)} cannot be read: ${detail}.` });
  }
}

function nameOf(file: string): string {
  return file === "-" ? "standard input" : file;
}

const mostNames = 6;

const explanation = `
As long as no policy is set, everybody in a network reaches everybody. A policy is a list of rules; the first one that fits
decides, and where none does, the default. Each member keeps to it by itself: what it does not let in is refused at once.
Answers always come in. Administrators set the policy; each member may besides refuse everything: starmesh set --inbound off

  default: none                  # all, or none: what no rule is about
  groups:
    admins: [ann-laptop, bob]
  rules:
    - from: group:admins         # names, group:NAME, tag:NAME, addresses, prefixes, any
      to: any
    - from: any
      to: [nas, 192.168.1.0/24]  # also what gateways route
      ports: [tcp:22,443, icmp]
      comment: files and pings
  tests:                         # a policy whose tests do not hold is not set
    - { from: bob, to: nas, port: tcp:22, expect: accept }

A name means the member that bears it when the policy is set, whatever it is called later. Where a policy could cut this
machine off from an administrator or from somebody it talks to, it counts for a minute only, unless it is confirmed.

Examples:
  starmesh policy default none           nobody reaches anybody, but by rules and exposed apps
  starmesh policy show > policy.yaml     save it to change it
  starmesh policy preview policy.yaml    who would gain and lose what
  starmesh policy set policy.yaml
  starmesh policy confirm                keep it after a trial
  starmesh policy check bob nas tcp:22   which rule decides
`;
