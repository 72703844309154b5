/**
 * Which NATs Starmesh gets through, and how fast: all pairs of kinds, between real engines on an internet of namespaces.
 * `npm run nat-grid [-- KIND… --tries N --json]`: with kinds, only pairs of these.
 */
import { parseArgs } from "node:util";
import type { Meeting, SiteKind } from "./grid.ts";
import { Grid } from "./grid.ts";
import type { Target } from "./grid-targets.ts";
import { misses, targetOf } from "./grid-targets.ts";

interface Row {
  readonly one: SiteKind;
  readonly other: SiteKind;
  readonly target: Target;
  /** One for each try. */
  readonly meetings: readonly Meeting[];
  readonly missed: readonly string[];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { tries: { type: "string", default: "1" }, json: { type: "boolean", default: false } },
});
const tries = Number(values.tries);
const width = 22;
/** Long enough to see that a pair stays relayed, or that it does not. */
const relayedMillis = 4000;
const all: readonly SiteKind[] = [
  "public",
  "full-cone",
  "address-restricted",
  "port-restricted",
  "double-nat",
  "symmetric-sequential",
  "symmetric-random",
  "ipv6-firewall",
  "udp-blocked",
  "hairpin",
  "no-hairpin",
];
const unknown = positionals.filter((kind) => !all.some((one) => one === kind));
if (unknown.length > 0 || !(tries >= 1)) end(2, `kinds are ${all.join(", ")}; --tries takes a number`);
if (process.platform !== "linux" || process.getuid?.() !== 0)
  end(1, "the grid needs Linux and root, for network namespaces: sudo npm run nat-grid");
const kinds = positionals.length === 0 ? all : all.filter((kind) => positionals.includes(kind));

const grid = new Grid();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(signal, () => void grid.close().then(() => process.exit(130)));
try {
  const begun = performance.now();
  await grid.open(kinds, note);
  const rows: Row[] = [];
  for (const [one, other] of pairs(kinds)) rows.push(await measure(one, other));
  print(rows, Math.round((performance.now() - begun) / 1000));
  process.exitCode = rows.some(({ missed }) => missed.length > 0) ? 1 : 0;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
} finally {
  await grid.close();
}
process.exit();

/** Homes behind one carrier only meet each other. */
function pairs(of: readonly SiteKind[]): readonly (readonly [SiteKind, SiteKind])[] {
  const isAlone = (kind: SiteKind) => kind === "hairpin" || kind === "no-hairpin";
  return of.flatMap((one, at) =>
    of
      .slice(at)
      .filter((other) => one === other || !(isAlone(one) || isAlone(other)))
      .map((other) => [one, other] as const),
  );
}

async function measure(one: SiteKind, other: SiteKind): Promise<Row> {
  const target = targetOf(one, other);
  const pair = grid.pair(one, other);
  const meetings: Meeting[] = [];
  for (let at = 0; at < tries; at++) {
    if (at > 0) await grid.part(pair);
    meetings.push(
      await grid.meet(pair, target.outcome === "direct" ? target.directMillis + 2000 : relayedMillis),
    );
  }
  // One try in twenty may miss where a port is found by chance.
  const failed = meetings.map((meeting) => misses(target, meeting)).filter((missed) => missed.length > 0);
  const missed = failed.length > tries * 0.05 ? failed.flat() : [];
  const row = { one, other, target, meetings, missed };
  note(lineOf(row));
  return row;
}

function print(rows: readonly Row[], seconds: number): void {
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ seconds, pairs: rows }, null, 2)}\n`);
    return;
  }
  const failed = rows.filter(({ missed }) => missed.length > 0);
  const relayed = rows.filter(({ target }) => target.outcome === "relayed");
  const lines = [
    `${"between".padEnd(width)}${"and".padEnd(width)}  result    first packet    direct after`,
    ...rows.map(lineOf),
    "",
    ...new Set(
      relayed.map(({ target, one, other }) => `relayed by nature: ${one}, ${other}: ${target.because}`),
    ),
    `${rows.length - failed.length} of ${rows.length} pairs met their targets, in ${seconds} s`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

function lineOf({ one, other, meetings, missed }: Row): string {
  const direct = meetings.filter(({ outcome }) => outcome === "direct").length;
  const outcome =
    meetings.length === 1 ? (meetings[0]?.outcome ?? "none") : `${direct}/${meetings.length} dir.`;
  const first = range(meetings.map(({ firstMillis }) => firstMillis));
  const after = range(meetings.map(({ directMillis }) => directMillis));
  const said = missed.length === 0 ? "" : `   MISSED: ${[...new Set(missed)].join("; ")}`;
  return `${one.padEnd(width)}${other.padEnd(width)}  ${outcome.padEnd(10)}${first.padStart(12)}${after.padStart(16)}${said}`;
}

/** `12 ms`, or of several tries `median (longest) ms`. */
function range(millis: readonly (number | null)[]): string {
  const known = millis.filter((one) => one !== null).sort((one, other) => one - other);
  if (known.length === 0) return "–";
  const median = known[Math.floor(known.length / 2)];
  return known.length === 1 ? `${median} ms` : `${median} (${known.at(-1)}) ms`;
}

function note(text: string): void {
  if (values.json || process.stderr.isTTY) process.stderr.write(`${text}\n`);
}

function end(code: number, text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(code);
}
