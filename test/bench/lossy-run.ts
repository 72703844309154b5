/** The measurement over bad lines: interleaved rounds of all variants, their medians as a table and in out/lossy.json. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../netns/bundle.mjs";
import { Lab } from "../netns/lab.ts";
import type { LossySample } from "./lossy.ts";
import { measureLossy } from "./lossy.ts";
import { formatLossy, judgeLossy, lossyFigures } from "./lossy-table.ts";
import { machine, median } from "./measure.ts";
import { variants } from "./variants.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "4" },
    /** Where the result goes. */
    out: { type: "string", default: join(root, "out/lossy.json") },
  },
});
const [, ...names] = positionals;
const known = variants.map(({ name }) => name);
const unknown = names.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`unknown: ${unknown.join(", ")}; there are ${known.join(", ")}\n`);
  process.exit(2);
}
if (process.getuid?.() !== 0) {
  process.stderr.write("The bench needs root, for network namespaces: sudo npm run bench -- lossy\n");
  process.exit(1);
}

const asked = names.length > 0 ? names : ["bare", "suite1", "kcp", "quic", "wireguard", "nebula"];
const chosen = variants.filter(({ name, missing }) => asked.includes(name) && missing() === null);
for (const variant of chosen) await variant.prepare();

const samples = new Map<string, LossySample[]>(chosen.map(({ name }) => [name, []]));
for (let round = 1; round <= Number(values.rounds); round++) {
  for (const variant of chosen) {
    const lab = new Lab();
    try {
      const hosts = lab.cable("from", "to", { line: true });
      const line = await lab.line(hosts[0], { delayMillis: 10 });
      const sample = await measureLossy(await variant.open(lab, hosts), line, Number(values.seconds));
      samples.get(variant.name)?.push(sample);
      process.stderr.write(`round ${round}, ${variant.label}: ${JSON.stringify(sample)}\n`);
    } catch (error) {
      process.stderr.write(
        `round ${round}, ${variant.label}: failed: ${error instanceof Error ? error.message : error}\n`,
      );
      process.exitCode = 1;
    } finally {
      await lab.close();
    }
  }
}

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
