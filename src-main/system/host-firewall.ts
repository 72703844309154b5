/**
 * Linux: rules of other programs (Docker, ufw, firewalld) by which nothing passes through this machine unless they name it. An
 * accept in a table of ours cannot overrule them, so ours go into their chains, each with a comment that says whose they are.
 */
import { z } from "zod";
import { listRules, loadRules } from "./nftables.ts";
import { watchPacketRules, watchSocket } from "./rtnetlink.ts";
import type { Firewall, FirewallOpening, Watch } from "./system.ts";

/** Chains that drop what passes, and whether all rules of the opening stand there. */
export async function firewalls(opening: FirewallOpening): Promise<readonly Firewall[]> {
  const closed = await closedChains(opening);
  return closed.map(({ chain, place }) => ({ name: nameOf(chain), open: hasAll(place, opening) }));
}

/** Puts the rules where they are missing, before all others; those of another opening with this mark go. */
export async function openFirewalls(opening: FirewallOpening): Promise<void> {
  const closed = await closedChains(opening);
  const lacking = closed.filter(({ place }) => !hasAll(place, opening));
  const kept = closed.filter((each) => !lacking.includes(each)).map(({ place }) => nameOf(place.chain));
  const stale = (await ownRules(opening.mark)).filter(
    ({ family, table, chain }) => !kept.includes(nameOf({ family, table, name: chain })),
  );
  const added = lacking.flatMap(({ place }) =>
    commentsOf(opening).map(
      ({ match, device, comment }) =>
        `insert rule ${nameOf(place.chain)} ${match} "${device}" counter accept comment "${comment}"`,
    ),
  );
  const steps = [...stale.map(deletion), ...added];
  if (steps.length > 0) await loadRules(`${steps.join("\n")}\n`);
}

/** Takes all rules with the mark away; also when they are gone already. */
export async function closeFirewalls(mark: string): Promise<void> {
  const steps = (await ownRules(mark)).map(deletion);
  if (steps.length > 0) await loadRules(`${steps.join("\n")}\n`);
}

/**
 * Calls back a moment after rules were changed by anybody; where the kernel does not tell, every half minute. It tells by a socket
 * of this process's own, or the one that is `given`.
 */
export function watchFirewalls(onChange: () => void, given?: Promise<number>): Watch {
  let timer: NodeJS.Timeout | null = null;
  const soon = () => {
    timer ??= setTimeout(() => {
      timer = null;
      onChange();
    }, settleMillis).unref();
  };
  const watch = given === undefined ? watched(soon) : watchGiven(given, soon);
  return {
    close: () => {
      if (timer !== null) clearTimeout(timer);
      watch.close();
    },
  };
}

function watched(onChange: () => void): Watch {
  try {
    return watchPacketRules(onChange);
  } catch {
    return lookNowAndThen(onChange);
  }
}

function watchGiven(given: Promise<number>, onChange: () => void): Watch {
  let [watch, closed]: [Watch | null, boolean] = [null, false];
  const opened = given.then(
    (fd) => watchSocket(fd, onChange),
    () => lookNowAndThen(onChange),
  );
  void opened.then((open) => {
    if (closed) open.close();
    else watch = open;
  });
  return {
    close() {
      closed = true;
      watch?.close();
    },
  };
}

function lookNowAndThen(onChange: () => void): Watch {
  const timer = setInterval(onChange, lookMillis).unref();
  return { close: () => clearInterval(timer) };
}

interface Listed {
  readonly chains: readonly Chain[];
  readonly rules: readonly Rule[];
}

interface Closed {
  readonly chain: Chain;
  /** Where rules for what passes belong, with what is in it. */
  readonly place: { readonly chain: Chain; readonly rules: readonly Rule[] };
}

async function closedChains({ families }: FirewallOpening): Promise<readonly Closed[]> {
  const chains = (await allChains()).filter(
    ({ family }) => family === "inet" || families.some((each) => family === familyNames[each]),
  );
  const closed: Closed[] = [];
  for (const chain of chains) {
    if (chain.hook !== "forward" || chain.table.startsWith(ownTables)) continue;
    const rules = await rulesOf(chain);
    if (chain.policy !== "drop" && !rules.some(endsAll)) continue;
    const users = chains.find((each) => each.name === usersChain && isSameTable(each, chain));
    const isUsed = users !== undefined && rules.some((rule) => jumpsTo(rule, users.name));
    closed.push({ chain, place: isUsed ? { chain: users, rules: await rulesOf(users) } : { chain, rules } });
  }
  return closed;
}

async function rulesOf(chain: Chain): Promise<readonly Rule[]> {
  return (await listed(["list", "chain", chain.family, chain.table, chain.name])).rules;
}

async function allChains(): Promise<readonly Chain[]> {
  return (await listed(["list", "chains"])).chains;
}

async function ownRules(mark: string): Promise<readonly Rule[]> {
  const possible = (await allChains()).filter(({ hook, name }) => hook === "forward" || name === usersChain);
  const rules = await Promise.all(possible.map(rulesOf));
  return rules.flat().filter(({ comment }) => comment?.startsWith(`${mark} `));
}

/** What nft lists; nothing where it was refused, as for a chain that is gone meanwhile. */
async function listed(command: readonly string[]): Promise<Listed> {
  return parseListed((await listRules(command)) ?? "");
}

/** The chains and rules of `nft --json` (libnftables-json(5)); what is anything else is passed over. */
export function parseListed(text: string): Listed {
  try {
    const { nftables } = ruleset.parse(JSON.parse(text));
    return {
      chains: nftables.flatMap((each) => listedChain.safeParse(each).data?.chain ?? []),
      rules: nftables.flatMap((each) => listedRule.safeParse(each).data?.rule ?? []),
    };
  } catch {
    return { chains: [], rules: [] };
  }
}

function commentsOf({ mark, devices }: FirewallOpening) {
  return devices.flatMap((device) => [
    { match: "iifname", device, comment: `${mark} from ${device}` },
    { match: "oifname", device, comment: `${mark} to ${device}` },
  ]);
}

/** Whether all rules of an opening stand, and nothing before them drops what they would let through. */
function hasAll({ rules }: Closed["place"], opening: FirewallOpening): boolean {
  const wanted = commentsOf(opening).map(({ comment }) => comment);
  const end = rules.findIndex(endsAll);
  const reached = end < 0 ? rules : rules.slice(0, end);
  const own = rules.flatMap(({ comment }) => (comment?.startsWith(`${opening.mark} `) ? [comment] : []));
  return (
    own.length === wanted.length &&
    wanted.every((comment) => reached.some((each) => each.comment === comment))
  );
}

/** Whether nothing gets past a rule: it drops or refuses whatever comes. */
function endsAll({ expr }: Rule): boolean {
  const acts = expr.filter((each) => !("counter" in each));
  const [act] = acts;
  return act !== undefined && acts.length === 1 && ("drop" in act || "reject" in act);
}

function jumpsTo({ expr }: Rule, name: string): boolean {
  return expr.some((each) => {
    const jump = z.object({ jump: z.object({ target: z.literal(name) }) });
    return jump.safeParse(each).success;
  });
}

function isSameTable(one: Chain, other: Chain): boolean {
  return one.family === other.family && one.table === other.table;
}

function nameOf({ family, table, name }: Pick<Chain, "family" | "table" | "name">): string {
  return `${family} ${table} ${name}`;
}

function deletion({ family, table, chain, handle }: Rule): string {
  return `delete rule ${family} ${table} ${chain} handle ${handle}`;
}

const familyNames = { 4: "ip", 6: "ip6" } as const;
const ownTables = "starmesh";
/** Docker's, for what the machine's owner wants before all of Docker's own rules. */
const usersChain = "DOCKER-USER";
const settleMillis = 1000;
const lookMillis = 30_000;

/** A word of nft that stands in a command as it is. */
const word = z.string().regex(/^[A-Za-z_][\w/.-]{0,127}$/);
const family = z.enum(["ip", "ip6", "inet"]);
const chain = z.object({
  family,
  table: word,
  name: word,
  hook: z.string().optional(),
  policy: z.string().optional(),
});
const rule = z.object({
  family,
  table: word,
  chain: word,
  handle: z.int().min(0),
  comment: z.string().optional(),
  expr: z.array(z.record(z.string(), z.unknown())).default([]),
});
const ruleset = z.object({ nftables: z.array(z.unknown()) });
const listedChain = z.object({ chain });
const listedRule = z.object({ rule });
type Chain = z.infer<typeof chain>;
type Rule = z.infer<typeof rule>;
