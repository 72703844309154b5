/** The measurement: interleaved rounds of all variants, their medians as a table and in out/bench.json. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../netns/bundle.mjs";
import type { Figure, Sample } from "./measure.ts";
import { machine, measure, median } from "./measure.ts";
import { checkCall, playRounds } from "./rounds.ts";
import { figures, formatTable } from "./table.ts";
import { judge } from "./targets.ts";
import { variants } from "./variants.ts";
import { measureWhole } from "./whole.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "3" },
    /** How many the idle node has. */
    peers: { type: "string", default: "50" },
    /** Where the result goes. */
    out: { type: "string", default: join(root, "out/bench.json") },
  },
});
const known = [...variants.map(({ name }) => name), "whole"];
checkCall(positionals, known, "npm run bench");

const asked = (name: string) => positionals.length === 0 || positionals.includes(name);
const chosen = variants.filter(({ name }) => asked(name));
const left = chosen.filter((variant) => variant.missing() !== null);
for (const variant of left) process.stderr.write(`left out: ${variant.label}: ${variant.missing()}\n`);
const able = chosen.filter((each) => !left.includes(each));
for (const variant of able) await variant.prepare();

const samples = await playRounds(able, Number(values.rounds), {
  measure: async (variant, lab) => measure(await variant.open(lab), Number(values.seconds)),
  tell: ({ tcpGbit }) => `${tcpGbit.toFixed(2)} Gbit/s`,
});
const whole = asked("whole") ? await measureWhole(Number(values.peers)) : null;

const results = chosen.map(({ name, label }) => ({ name, label, median: medians(samples.get(name) ?? []) }));
const verdicts = judge(new Map(results.map(({ name, median: middle }) => [name, middle])), whole);
const rounds = Object.fromEntries(samples);
mkdirSync(join(root, "out"), { recursive: true });
writeFileSync(
  values.out,
  `${JSON.stringify({ machine: machine(), results, rounds, whole, verdicts }, null, 2)}\n`,
);
process.stdout.write(formatTable(results, whole, verdicts));

function medians(taken: readonly Sample[]): Readonly<Record<Figure, number | null>> {
  const middle = (figure: Figure) =>
    median(taken.map((sample) => sample[figure]).filter((value) => value !== null));
  return Object.fromEntries(figures.map(({ figure }) => [figure, middle(figure)])) as Record<
    Figure,
    number | null
  >;
}
