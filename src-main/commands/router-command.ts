/** `starmesh router`: hosts networks, relays, and serves the panel, by the transports and ports that are asked for. */
import type { Command } from "commander";
import { AppError } from "../../src-shared/errors.ts";
import type { RouterWish } from "../../src-shared/router-settings.ts";
import { routerWish } from "../../src-shared/router-settings.ts";
import { transports } from "../../src-shared/status.ts";
import type { CommonOptions, Context, Outcome, RouterOptions } from "./context.ts";
import { runInForeground } from "./foreground.ts";
import { addRouterCheckCommand } from "./router-check-command.ts";

interface RouterCommandOptions extends CommonOptions {
  readonly listen?: string;
  readonly panel?: string;
  readonly public?: readonly string[];
  readonly transport?: readonly string[];
  readonly cert?: string;
  readonly key?: string;
  readonly store?: string;
  readonly bind?: string;
  readonly nums?: string;
  readonly token?: string;
  readonly newToken?: true;
  readonly config?: string;
  readonly debug?: true;
}

export function addRouterCommand(program: Command, context: Context, outcome: Outcome): void {
  const router = program
    .command("router")
    .description("be a router: host networks, relay, serve the panel; runs until Ctrl-C")
    .option("--listen <ADDRESS:PORT>", "where others reach it, TCP and UDP (default 0.0.0.0:7743)")
    .option("--public <HOST>", "name or address that invites carry; may be repeated", collect)
    .option(
      "--transport <NAME=on|off|ADDRESS:PORT>",
      `switch one of ${transports.join(", ")}, or give it a place of its own; may be repeated`,
      collect,
    )
    .option("--cert <FILE>", "certificate to show, PEM; it makes its own without")
    .option("--key <FILE>", "the certificate's private key, PEM")
    .option("--store <sqlite:PATH>", "where networks are kept; a file in the state folder without")
    .option("--bind <PORT|off>", "first of a range of ports that are networks of their own")
    .option("--nums <COUNT>", "how many such ports (default 1)")
    .option(
      "--token <TOKEN>",
      "what joining at such a port takes; - reads it from standard input, without it is made",
    )
    .option("--panel <ADDRESS:PORT|off>", "where its panel opens on this machine (default 127.0.0.1:7780)")
    .option(
      "--config <FILE>",
      "read its settings from a YAML or JSON file: docs/router.yaml shows all of them",
    )
    .option("--new-token", "replace the token of its link: old links create no networks any more")
    .option("--debug", "print the log here instead of writing it to the state folder")
    .addHelpText("after", explanation)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<RouterCommandOptions>();
      const { panel } = options;
      outcome.status = await runInForeground(context, options, {
        router: await routerOptions(context, options),
        debug: options.debug === true,
        ...(panel === undefined ? {} : { panel: panel === "off" ? false : panel }),
      });
    });
  addRouterCheckCommand(router, context);
}

async function routerOptions(context: Context, options: RouterCommandOptions): Promise<RouterOptions> {
  const token = options.token === "-" ? (await context.readLine()).trim() : options.token;
  return {
    wish: wishOf({ ...options, ...(token === undefined ? {} : { token }) }),
    ...(options.config === undefined ? {} : { config: options.config }),
    ...(options.newToken === undefined ? {} : { newToken: true }),
  };
}

/** What the options set. Throws `usage`. */
function wishOf({ listen, public: hosts, cert, key, store, ...options }: RouterCommandOptions): RouterWish {
  const parsed = routerWish.safeParse({
    listen,
    public: hosts,
    cert,
    key,
    store,
    transports: transportsOf(options.transport ?? []),
    planes: planesOf(options),
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path.map(String) ?? [];
  const option =
    path[0] === "transports" ? "transport" : (path.findLast((part) => !/^\d+$/.test(part)) ?? "");
  throw new AppError("usage", { detail: `--${option}: ${issue?.message ?? "not understood"}.` });
}

function transportsOf(texts: readonly string[]): RouterWish["transports"] {
  const wishes: Record<string, { enable?: boolean; listen?: string }> = {};
  for (const text of texts) {
    const [name = "", value = ""] = text.split(/=(.*)/s);
    if (!transports.some((each) => each === name) || value === "") {
      const known = transports.join(", ");
      throw new AppError("usage", {
        detail: `--transport: write NAME=on, NAME=off or NAME=ADDRESS:PORT with one of ${known}.`,
      });
    }
    const isSwitch = value === "on" || value === "off";
    wishes[name] = {
      ...wishes[name],
      ...(isSwitch ? { enable: value === "on" } : { enable: true, listen: value }),
    };
  }
  return Object.keys(wishes).length === 0 ? undefined : wishes;
}

function planesOf({ bind, nums, token }: RouterCommandOptions): RouterWish["planes"] {
  if (bind === "off") return null;
  if (bind !== undefined) return { bind: Number(bind), nums: Number(nums ?? 1), token };
  if (nums === undefined && token === undefined) return undefined;
  throw new AppError("usage", { detail: "--nums and --token go with --bind, the first port." });
}

function collect(text: string, texts: readonly string[] = []): readonly string[] {
  return [...texts, text];
}

const explanation = `
What is given is kept over restarts; what a file sets is fixed while the router runs with it.

Examples:
  starmesh router --public vpn.example.org
  starmesh network create home              then, on the same machine: a network and its first invite
  starmesh network create home --router LINK   or, on another machine, with the link that it prints
  starmesh router --listen 0.0.0.0:443      UDP 443 and TCP 443: what most firewalls let through
  starmesh router --transport udp=off --transport tcp=0.0.0.0:8443
  starmesh router --bind 8000 --nums 1000   a thousand networks, each named by its port; then, on other machines:
  starmesh join HOST:8000 --secret TOKEN
  starmesh router check                     whether others reach it, and by which ports
`;
