/**
 * The measurement in turns: `turns VARIANT…` holds variants against the first one, `gateway` what a gateway does against what
 * two nodes do.
 */
import { parseArgs } from "node:util";
import { Lab } from "../netns/lab.ts";
import { throughput } from "../netns/traffic.ts";
import { judgeGateway, openGateway } from "./gateway.ts";
import { checkCall } from "./rounds.ts";
import type { Way } from "./turns.ts";
import { formatTurns, playTurns } from "./turns.ts";
import type { Variant } from "./variants.ts";
import { variants } from "./variants.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "9" },
    seconds: { type: "string", default: "2" },
  },
});
const [mode, ...names] = positionals;
checkCall(
  names,
  variants.map(({ name }) => name),
  `npm run bench -- ${mode}`,
);

const lab = new Lab();
try {
  const ways = mode === "gateway" ? await openGateway(lab) : await openVariants(names);
  const compared = await playTurns(ways, { rounds: Number(values.rounds), seconds: Number(values.seconds) });
  process.stdout.write(formatTurns(compared.values(), mode === "gateway" ? judgeGateway(compared) : []));
} finally {
  await lab.close();
}

async function openVariants(asked: readonly string[]): Promise<readonly Way[]> {
  const ways: Way[] = [];
  for (const name of asked.length > 0 ? asked : ["suite1", "filter"]) {
    const found = variants.find((variant) => variant.name === name);
    if (found !== undefined) ways.push(await openVariant(found));
  }
  return ways;
}

async function openVariant({ name, label, prepare, open }: Variant): Promise<Way> {
  await prepare();
  const hosts = lab.cable(`${name}-from`, `${name}-to`);
  const { from, to, address, pids } = await open(lab, hosts);
  return { name, label, pids, run: (seconds) => throughput(from, { host: to, address }, { seconds }) };
}
