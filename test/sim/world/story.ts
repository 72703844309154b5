/** The story of a whole network from one seed: joining, a cut, churn, return; and what should be true at each. */
import type { SessionKey } from "../../../src-shared/ids.ts";
import type { NatName } from "./nat.ts";
import type { SimNode } from "./node.ts";
import { pathKind } from "./node.ts";
import { World } from "./world.ts";

/** `churned`: direct ways are open again, a tenth is gone, the router was. `returned`: all are back. */
export type Chapter = "joined" | "cut" | "churned" | "returned";

/** How a place reaches the internet. */
export type Way = NatName | "public";

export interface Crowd {
  readonly world: World;
  readonly wayOf: ReadonlyMap<SimNode, Way>;
}

/** Plays the story of `count` nodes; `check` is told at the end of each chapter. Answers the world's digest at the end. */
export function story(count: number, seed: number, check: (chapter: Chapter, crowd: Crowd) => void): string {
  const crowd = settle(count, seed);
  const { world } = crowd;
  const leavers = world.nodes.slice(0, count / 20);
  const crashers = world.nodes.slice(count / 20, count / 10);
  for (const [at, node] of world.nodes.entries())
    world.clock.after((at * joining) / count, () => world.join(node));
  world.pass(joining + 5000);
  check("joined", crowd);

  world.internet.passes = (from, to) => from === world.router.host || to === world.router.host;
  world.pass(4500);
  check("cut", crowd);
  world.internet.passes = () => true;
  for (const node of leavers) node.leave();
  for (const node of crashers) node.stop();
  world.pass(1000);
  world.restartRouter(2000);
  world.pass(3500);
  check("churned", crowd);
  for (const node of leavers) world.join(node);
  for (const node of crashers) node.start();
  // Those who joined anew have new session keys: whoever wanted them wants these.
  const renamed = new Map(leavers.map((node) => [node.formerKey, node.key]));
  for (const node of world.nodes) node.wanted = node.wanted.map((key) => renamed.get(key) ?? key);
  world.pass(10_000);
  check("returned", crowd);
  return world.digest();
}

/**
 * Wanted pairs whose path is not the one that their NATs leave, and is not five seconds later either: who lost datagrams at
 * the wrong moment takes another one for a while. `cut`: no direct way between places passes.
 */
export function misplaced(crowd: Crowd, cut: boolean): readonly string[] {
  const found = misplacedNow(crowd, cut);
  if (found.length === 0) return found;
  crowd.world.pass(5000);
  const lasting = new Set(misplacedNow(crowd, cut));
  return found.filter((pair) => lasting.has(pair));
}

function misplacedNow(crowd: Crowd, cut: boolean): readonly string[] {
  const wayOf = (node: SimNode) => crowd.wayOf.get(node) ?? "public";
  return pairs(crowd, (node, other) => {
    const best = bestWay(crowd, node, other);
    const should = best === "direct" && cut ? "relay" : best;
    const view = node.machine.peer(other.key, crowd.world.clock.now);
    const is = view === null ? "unknown" : (pathKind(view) ?? view.state);
    // A port that has to be hit by chance may not be yet; meanwhile the relay is right.
    const isYetToCome = is === "relay" && isGuessed(wayOf(node), wayOf(other));
    return is === should || isYetToCome ? null : `${is}, not ${should}`;
  });
}

/** Wanted pairs whose packets do not arrive; one lost datagram is forgiven. */
export function silent(crowd: Crowd): readonly string[] {
  return pairs(crowd, (node, other) =>
    [1, 2, 3].some(() => node.plane.reaches(other.key)) ? null : "nothing arrives",
  );
}

/** Nodes at places of every kind; each wants eight others, or so many. `isCommon` as in `World`. */
export function settle(
  count: number,
  seed: number,
  options: { readonly wanted?: number; readonly isCommon?: boolean } = {},
): Crowd {
  const world = new World(seed, { loss: 0.001, jitterMillis: 3 }, options.isCommon);
  const { random } = world;
  const wayOf = new Map<SimNode, Way>();
  while (wayOf.size < count) {
    const way = pickWay(random.next() * 100);
    const place = world.place(way === "public" ? null : way);
    const people = way === "public" ? 1 : 1 + Math.floor(random.next() * 3);
    for (let at = 0; at < people && wayOf.size < count; at++)
      wayOf.set(world.node(`node-${wayOf.size}`, place), way);
  }
  for (const node of world.nodes) {
    const others = new Set<SessionKey>();
    while (others.size < (options.wanted ?? wantedPeers)) {
      const other = world.nodes[Math.floor(random.next() * count)];
      if (other !== undefined && other !== node) others.add(other.key);
    }
    node.wanted = [...others];
  }
  return { world, wayOf };
}

function pairs(crowd: Crowd, judge: (node: SimNode, other: SimNode) => string | null): readonly string[] {
  const running = crowd.world.nodes.filter(({ isRunning }) => isRunning);
  const byKey = new Map(running.map((node) => [node.key, node]));
  return running.flatMap((node) =>
    node.wanted.flatMap((key) => {
      const other = byKey.get(key);
      const fault = other === undefined ? null : judge(node, other);
      return fault === null ? [] : [`${node.name} to ${other?.name}: ${fault}`];
    }),
  );
}

/** The best that RFC 4787 leaves for a pair. */
function bestWay({ wayOf }: Crowd, one: SimNode, other: SimNode): "lan" | "direct" | "relay" {
  if (one.host.place === other.host.place) return "lan";
  return canBeDirect(wayOf.get(one) ?? "public", wayOf.get(other) ?? "public") ? "direct" : "relay";
}

/** Whether a direct way can be punched between two such ends: not if neither keeps its port and one takes any. */
export function canBeDirect(one: Way, other: Way): boolean {
  const isPerDestination = (way: Way) => way === "symmetric" || way === "sequential";
  return !(
    isPerDestination(one) &&
    isPerDestination(other) &&
    (one === "symmetric" || other === "symmetric")
  );
}

/** Whether it takes more than both ends' ordinary probes: a port has to be guessed or hit by chance. */
export function isGuessed(one: Way, other: Way): boolean {
  const guessed = [one, other].filter((way) => way === "symmetric" || way === "sequential").length;
  return (
    canBeDirect(one, other) &&
    (guessed === 2 || (guessed === 1 && [one, other].includes("portRestrictedCone")))
  );
}

function pickWay(chance: number): Way {
  let sum = 0;
  for (const [way, share] of shares) {
    sum += share;
    if (chance < sum) return way;
  }
  return "public";
}

const joining = 4000;
const wantedPeers = 8;
/** How many of a hundred places are of which kind. */
const shares: readonly (readonly [Way, number])[] = [
  ["public", 15],
  ["fullCone", 15],
  ["restrictedCone", 10],
  ["portRestrictedCone", 45],
  ["symmetric", 15],
];
