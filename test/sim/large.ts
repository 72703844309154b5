/** `npm run sim -- [NODES] [SEED]`: ninety simulated seconds of a large network, and what they took. */
import { start } from "../fakes/entries.ts";
import type { SimNode } from "./world/node.ts";
import { pathKind } from "./world/node.ts";
import type { Crowd } from "./world/story.ts";
import { misplaced, settle, silent } from "./world/story.ts";

/** Plays it; answers whether everybody was where they belong at every stage. */
function play(count: number, seed: number): boolean {
  const crowd = settle(count, seed, { wanted: wantedPeers, isCommon: true });
  const { world } = crowd;
  const faults: number[] = [];
  const look = (stage: string, cut: boolean) => {
    const wrong = [...misplaced(crowd, cut), ...silent(crowd)];
    faults.push(wrong.length);
    const counts = Object.entries(world.count()).map(([kind, many]) => `${kind} ${many}`);
    const faulty = wrong.length === 0 ? "none misplaced" : `misplaced: ${wrong.slice(0, 5).join("; ")}`;
    say(`${stage.padEnd(12)} ${counts.join(", ")}; ${faulty}`);
  };

  for (const [at, node] of world.nodes.entries())
    world.clock.after((at * joining) / count, () => world.join(node));
  world.pass(30_000);
  look("joined", false);

  const before = { ...sums(crowd), ran: world.clock.ran, seconds: processorSeconds() };
  world.pass(steady);
  const after = sums(crowd);
  const rate = (bytes: number) => `${Math.round((bytes * 1000) / count / steady)} B/s`;
  const speed = (world.clock.ran - before.ran) / (processorSeconds() - before.seconds);
  say(
    `steady       each with about ${2 * wantedPeers} peers under traffic; ${Math.round(speed)} events per processor second`,
  );
  say(`             state and presence for each node: ${rate(after.told - before.told)}`);
  say(`             probes and echoes of each node:   ${rate(after.probes - before.probes)}`);

  const watched = directPairs(crowd).slice(0, mostWatched);
  world.internet.passes = (from, to) => from === world.router.host || to === world.router.host;
  const gaps = recover(crowd, watched);
  say(`cut          ${watched.length} direct pairs watched: nothing arrived for ${spread(gaps)}`);
  world.pass(start + 66_000 - world.clock.now);
  look("relayed", true);

  world.internet.passes = () => true;
  world.pass(start + 90_000 - world.clock.now);
  look("direct again", false);
  const megabytes = Math.round(process.memoryUsage().rss / 1e6);
  say(
    `${count} nodes, 90 simulated seconds, ${world.clock.ran} events in ${processorSeconds().toFixed(0)} s of processor time, ${megabytes} MB; seed ${seed} gives ${world.digest()}`,
  );
  return faults.every((many) => many === 0);
}

function sums({ world }: Crowd): { readonly told: number; readonly probes: number } {
  return {
    told: world.router.toldBytes,
    probes: world.nodes.reduce((sum, { plane }) => sum + plane.probeBytes, 0),
  };
}

interface Pair {
  readonly from: SimNode;
  readonly to: SimNode["key"];
}

function directPairs({ world }: Crowd): Pair[] {
  return world.nodes.flatMap((from) =>
    from.wanted.filter((to) => pathKind(from.view(to)) === "direct").map((to) => ({ from, to })),
  );
}

/** How long it takes each pair until packets arrive again; infinite where none do. */
function recover({ world }: Crowd, pairs: readonly Pair[]): number[] {
  const cutAt = world.clock.now;
  const gaps: number[] = [];
  let left = [...pairs];
  while (left.length > 0 && world.clock.now - cutAt < 5500) {
    world.pass(50);
    const arrived = new Set(left.filter(({ from, to }) => from.plane.reaches(to)));
    for (const _ of arrived) gaps.push(world.clock.now - cutAt);
    left = left.filter((pair) => !arrived.has(pair));
  }
  return [...gaps, ...left.map(() => Number.POSITIVE_INFINITY)];
}

function spread(gaps: readonly number[]): string {
  const sorted = [...gaps].sort((one, other) => one - other);
  const at = (share: number) =>
    `${sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]} ms`;
  return `${at(0.5)} (median), ${at(0.95)} (p95), ${at(1)} (longest)`;
}

function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const wantedPeers = 4;
const joining = 10_000;
const steady = 30_000;
const mostWatched = 1000;

const [count = 5000, seed = 20_261_121] = process.argv.slice(2).map(Number);
process.exitCode = play(count, seed) ? 0 : 1;
