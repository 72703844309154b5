/** The measurement over bad lines: interleaved rounds of all variants, their medians as a table and in out/lossy.json. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../netns/bundle.mjs";
import type { LossySample } from "./lossy.ts";
import { measureLossy } from "./lossy.ts";
import { printLossyParts } from "./lossy-parts.ts";
import { formatLossy, judgeLossy, lossyFigures } from "./lossy-table.ts";
import { machine, median } from "./measure.ts";
import { checkCall, playRounds } from "./rounds.ts";
import { variants } from "./variants.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "4" },
    /** Instead: what each part of the lossy-line link is worth. */
    parts: { type: "boolean", default: false },
    /** Where the result goes. */
    out: { type: "string", default: join(root, "out/lossy.json") },
  },
});
if (values.parts) process.exit(await printLossyParts());
const [, ...names] = positionals;
const known = variants.map(({ name }) => name);
checkCall(names, known, "npm run bench -- lossy");

const asked = names.length > 0 ? names : ["bare", "suite1", "kcp", "quic", "wireguard", "nebula"];
const chosen = variants.filter(({ name, missing }) => asked.includes(name) && missing() === null);
for (const variant of chosen) await variant.prepare();

const samples = await playRounds(chosen, Number(values.rounds), {
  measure: async (variant, lab) => {
    const hosts = lab.cable("from", "to", { line: true });
    const line = await lab.line(hosts[0], { delayMillis: 10 });
    return measureLossy(await variant.open(lab, hosts), line, Number(values.seconds));
  },
  tell: (sample) => JSON.stringify(sample),
});

const results = chosen.map(({ name, label }) => ({ name, label, median: medians(samples.get(name) ?? []) }));
const verdicts = judgeLossy(new Map(results.map(({ name, median: middle }) => [name, middle])));
mkdirSync(join(root, "out"), { recursive: true });
const rounds = Object.fromEntries(samples);
writeFileSync(values.out, `${JSON.stringify({ machine: machine(), results, rounds, verdicts }, null, 2)}\n`);
process.stdout.write(formatLossy(results, verdicts));

function medians(taken: readonly LossySample[]): Readonly<Record<keyof LossySample, number | null>> {
  const middle = lossyFigures.map(({ figure }) => [figure, median(taken.map((sample) => sample[figure]))]);
  return Object.fromEntries(middle) as Record<keyof LossySample, number | null>;
}
