/** The command that explains the path to a peer, and chooses it. */
import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import type { OutputOf } from "../../src-shared/api/contract.ts";
import type { PathStatus, PeerStatus, PinStatus, Transport } from "../../src-shared/status.ts";
import { pinStatus, transports } from "../../src-shared/status.ts";
import type { RemedyStatus } from "../../src-shared/verdict.ts";
import type { Context, ReadOptions } from "./context.ts";
import { nextCommand } from "./context.ts";
import { withEngine } from "./engine.ts";
import { formatCount, formatLatency, formatLoss, formatPath, formatTime } from "./format.ts";

interface PathOptions extends ReadOptions {
  readonly network?: string;
  readonly via?: string;
  readonly direct?: true;
  readonly auto?: true;
  readonly spread?: PinStatus["spread"];
  readonly transport?: Transport | "auto";
}

export function addPathCommand(program: Command, context: Context): void {
  const { terminal } = context;
  program
    .command("path")
    .argument("<PEER>", "its name, address or the beginning of its key")
    .description("explain how a peer is reached, why so and what would help; or choose the path")
    .option("--network <NETWORK>", "where several networks have such a peer")
    .addOption(new Option("--via <RELAY>", "from now on through this relay").conflicts(["direct", "auto"]))
    .addOption(new Option("--direct", "from now on only directly").conflicts(["auto"]))
    .option("--auto", "let Starmesh choose again")
    .option(
      "--transport <NAME>",
      `send to it by this transport and no other: ${transports.join(", ")}, or auto`,
      parseTransport,
    )
    .option("--spread <HOW>", "share packets among several paths: auto, on or off", parseSpread)
    .option("--json", "as JSON")
    .addHelpText("after", choosing)
    .action(async (peer: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<PathOptions>();
      const input = { peer, ...(options.network === undefined ? {} : { network: options.network }) };
      const found = await withEngine(context, options, async (client) => {
        const wish = wishOf(options);
        if (wish !== null) {
          const before = wish.keeps ? (await client.call("peers.path", input)).peer.pin : null;
          const kept = { via: before?.via ?? null, direct: before?.direct ?? false };
          await client.call("peers.pin", { ...input, ...kept, ...wish.change });
        }
        return client.call("peers.path", input);
      });
      if (options.json) terminal.json(found);
      else printPath(context, options, found);
    });
}

/** What to choose; `keeps`: only how packets are shared changes. Null: nothing, only look. */
function wishOf({ via, direct, auto, spread, transport }: PathOptions): {
  readonly keeps: boolean;
  readonly change: Partial<PinStatus>;
} | null {
  const sharing = {
    ...(spread === undefined ? {} : { spread }),
    ...(transport === undefined ? {} : { transport: transport === "auto" ? null : transport }),
  };
  if (via !== undefined) return { keeps: false, change: { via, ...sharing } };
  if (direct) return { keeps: false, change: { direct: true, ...sharing } };
  if (auto) return { keeps: false, change: { transport: null, spread: "auto", ...sharing } };
  return spread === undefined && transport === undefined ? null : { keeps: true, change: sharing };
}

function parseTransport(text: string): Transport | "auto" {
  const found = transports.find((each) => each === text.toLowerCase());
  if (found === undefined && text !== "auto")
    throw new InvalidArgumentError(`Give ${transports.join(", ")}, or auto.`);
  return found ?? "auto";
}

function parseSpread(text: string): PinStatus["spread"] {
  const parsed = pinStatus.shape.spread.safeParse(text);
  if (!parsed.success) throw new InvalidArgumentError("Give auto, on or off.");
  return parsed.data;
}

function printPath(context: Context, options: PathOptions, found: OutputOf<"peers.path">): void {
  const { terminal } = context;
  const { peer, candidates, decisions } = found;
  terminal.print(`${terminal.paint(peer.name, "bold")} (${peer.address}) in ${peer.network}: ${peer.state}`);
  if (peer.path !== null) printPathInUse(context, peer.path);
  if (peer.pin !== null) {
    const undo = nextCommand(options, `path ${peer.name} --auto`);
    terminal.print(`  Chosen by you: ${describePin(peer.pin)} (undo: ${undo})`);
  }
  printVerdict(context, peer);
  if (candidates.length > 0) {
    terminal.print("");
    terminal.table(
      ["CANDIDATE", "KIND", "STATE", "LATENCY", "LOSS", ""],
      candidates.map((candidate) => [
        candidate.endpoint,
        candidate.kind,
        candidate.state,
        formatLatency(candidate.latencyMs),
        formatLoss(candidate.lossPercent),
        candidate.active ? { text: "in use", colour: "green" } : "",
      ]),
    );
  }
  if (decisions.length > 0) {
    terminal.print("");
    terminal.print("Decisions, the newest first:");
    for (const { at, text } of decisions) terminal.print(`  ${formatTime(at)}  ${text}`);
  }
}

function printPathInUse({ terminal }: Context, path: PathStatus): void {
  const shared = path.shared > 1 ? `, shared among ${path.shared} paths` : "";
  terminal.print(`  ${formatPath(path)} over ${path.transport}, ${formatCount(path.hops, "hop")}${shared}`);
  const ways = [
    path.lossOutPercent === null ? "" : `${formatLoss(path.lossOutPercent)} there`,
    path.lossInPercent === null ? "" : `${formatLoss(path.lossInPercent)} back`,
  ].filter((each) => each !== "");
  const directions = ways.length === 0 ? "" : ` (${ways.join(", ")})`;
  const measured = [
    path.latencyMs === null ? "" : `latency ${formatLatency(path.latencyMs)}`,
    path.jitterMs === null ? "" : `jitter ${formatLatency(path.jitterMs)}`,
    path.lossPercent === null ? "" : `loss ${formatLoss(path.lossPercent)}${directions}`,
    path.mtu === null ? "" : `MTU ${path.mtu}`,
  ].filter((each) => each !== "");
  if (measured.length > 0) terminal.print(`  ${measured.join(", ")}`);
  if (path.standby !== null) {
    const { via, latencyMs } = path.standby;
    const way = via.length === 0 ? "direct" : `via ${via.join(", ")}`;
    const latency = latencyMs === null ? "" : `, ${formatLatency(latencyMs)}`;
    terminal.print(`  Standing by: ${way}${latency}`);
  }
}

function printVerdict({ terminal }: Context, { verdict, path, reason }: PeerStatus): void {
  const said = verdict?.text ?? path?.reason ?? reason;
  if (said !== null) terminal.print(`  Why: ${said}`);
  for (const { text } of verdict?.evidence ?? []) terminal.print(`    - ${text}`);
  if (verdict?.remedy != null)
    terminal.print(`  ${terminal.paint("What would help:", "yellow")} ${describeRemedy(verdict.remedy)}`);
}

/** `Switch on … (140 ms quicker)`. */
function describeRemedy({ text, gainMs }: RemedyStatus): string {
  return gainMs === null ? text : `${text} (${formatLatency(gainMs)} quicker)`;
}

function describePin({ via, direct, transport, spread }: PinStatus): string {
  const path = direct ? "only directly" : via === null ? "" : `through ${via}`;
  const sharing =
    spread === "auto"
      ? ""
      : spread === "on"
        ? "packets shared among paths"
        : "packets not shared among paths";
  const over = transport === null ? "" : `only over ${transport}`;
  return [path, over, sharing].filter((each) => each !== "").join(", ");
}

const choosing = `
Starmesh takes the quickest path that works, a direct one unless a relay is much quicker. To choose yourself:
  starmesh path bob --via nas     through the relay nas, where that is quicker or cheaper
  starmesh path bob --direct      never through a relay
  starmesh path bob --transport tls   over TLS and nothing else, also while that does not answer
  starmesh path bob --auto        as Starmesh finds best
A choice is kept until it is undone. While what was chosen does not answer, another path is used, and this command says
so. It is for what this machine sends; for both directions choose at both ends.
`;
