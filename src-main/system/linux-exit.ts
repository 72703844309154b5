/** Linux: what goes to the internet is sent into one of our interfaces, by rules and a routing table of their own. */
import { errnoText } from "../../drivers/tun/descriptor.ts";
import type { Prefix } from "../../src-shared/address.ts";
import { formatPrefix, parsePrefix } from "../../src-shared/address.ts";
import { AppError } from "../../src-shared/errors.ts";
import { netlink } from "./netlink.ts";
import { parseLink, rtnetlink } from "./route-messages.ts";
import type { Exchange } from "./rtnetlink.ts";
import { dump, errnoNumbers, exchange } from "./rtnetlink.ts";
import type { Rule, TableRoute } from "./rule-messages.ts";
import {
  parseOwnRule,
  parseTableRoute,
  ruleExchange,
  ruleNumbers,
  tableRouteExchange,
} from "./rule-messages.ts";
import type { ExitChange } from "./system.ts";

/** Makes rules and routes as they are wanted: what is missing first, so that nothing gets out by the old way meanwhile. */
export function setExit(change: ExitChange): void {
  const link = dump(rtnetlink.RTM_GETLINK, parseLink).find(({ name }) => name === change.interface);
  const routes = families.flatMap((family) => routesOf(change, family, link?.index ?? null));
  const rules = families.flatMap((family) => rulesOf(change, family));
  const oldRoutes = dump(rtnetlink.RTM_GETROUTE, (body) => parseTableRoute(body, exitTable));
  const oldRules = dump(ruleNumbers.RTM_GETRULE, parseOwnRule);
  for (const route of lacking(routes, oldRoutes, routeText)) demand(addRoute(route), route.prefix.family);
  for (const rule of lacking(rules, oldRules, ruleText)) demand(addRule(rule), rule.family);
  for (const rule of lacking(oldRules, rules, ruleText))
    exchange(ruleExchange(rule, ruleNumbers.RTM_DELRULE));
  for (const route of lacking(oldRoutes, routes, routeText)) exchange(removeRoute(route));
}

/** Takes all of them away; also when they are gone already. */
export function removeExit(): void {
  for (const rule of dump(ruleNumbers.RTM_GETRULE, parseOwnRule).toReversed())
    exchange(ruleExchange(rule, ruleNumbers.RTM_DELRULE));
  for (const route of dump(rtnetlink.RTM_GETROUTE, (body) => parseTableRoute(body, exitTable)))
    exchange(removeRoute(route));
}

/** The routes of the table. Those into the interface go with it, and then the strict ones below them count. */
function routesOf(change: ExitChange, family: 4 | 6, link: number | null): readonly TableRoute[] {
  const everywhere: Prefix = { family, value: 0n, length: 0 };
  const wanted = change.only.length === 0 ? [everywhere] : prefixesOf(change.only, family);
  return [
    ...(link === null ? [] : wanted.map((prefix) => ({ prefix, to: link, metric: usualMetric }))),
    ...(change.strict
      ? wanted.map((prefix) => ({ prefix, to: "unreachable" as const, metric: lastMetric }))
      : []),
    ...prefixesOf(change.except, family).map((prefix) => ({
      prefix,
      to: "throw" as const,
      metric: firstMetric,
    })),
  ];
}

function rulesOf(change: ExitChange, family: 4 | 6): readonly Rule[] {
  const all = change.only.length === 0;
  const names = (["udp", "tcp"] as const).map((protocol) => ({
    family,
    priority: firstPriority + 3,
    protocol,
    port: namesPort,
    table: exitTable,
  }));
  return [
    // Our other networks, and this one.
    ...prefixesOf(change.inside, family).map((to) => ({
      family,
      priority: firstPriority,
      to,
      table: mainTable,
    })),
    // What carries the networks themselves leaves as ever, or not at all.
    { family, priority: firstPriority + 1, mark: change.mark, table: mainTable },
    { family, priority: firstPriority + 2, mark: change.mark, table: null },
    // Names are never asked for beside the exit, also not of a server on the LAN.
    ...(all ? names : []),
    ...(change.lan ? [{ family, priority: firstPriority + 4, table: mainTable, suppress: 0 }] : []),
    { family, priority: firstPriority + 5, table: exitTable },
  ];
}

function prefixesOf(texts: readonly string[], family: 4 | 6): readonly Prefix[] {
  return texts.flatMap((text) => parsePrefix(text) ?? []).filter((prefix) => prefix.family === family);
}

function addRoute(route: TableRoute): Exchange {
  const flags = netlink.NLM_F_CREATE | netlink.NLM_F_EXCL;
  return tableRouteExchange(route, exitTable, { type: rtnetlink.RTM_NEWROUTE, flags });
}

function removeRoute(route: TableRoute): Exchange {
  return tableRouteExchange(route, exitTable, { type: rtnetlink.RTM_DELROUTE });
}

function addRule(rule: Rule): Exchange {
  return ruleExchange(rule, ruleNumbers.RTM_NEWRULE, netlink.NLM_F_CREATE | netlink.NLM_F_EXCL);
}

/** Those of the first list that the second has not. */
function lacking<Item>(
  some: readonly Item[],
  others: readonly Item[],
  textOf: (item: Item) => string,
): readonly Item[] {
  const known = new Set(others.map(textOf));
  return some.filter((item) => !known.has(textOf(item)));
}

function routeText({ prefix, to, metric }: TableRoute): string {
  return `${prefix.family} ${formatPrefix(prefix)} ${to} ${metric}`;
}

function ruleText({ to, ...rule }: Rule): string {
  const { family, priority, mark, protocol, port, table, suppress } = rule;
  const prefix = to === undefined ? "" : formatPrefix(to);
  return [family, priority, prefix, mark, protocol, port, table, suppress].join();
}

/** Throws unless the kernel did it or has it; a family that it does not have at all leads nowhere anyway. */
function demand(request: Exchange, family: 4 | 6): void {
  const answer = exchange(request);
  if (answer.ok || answer.errno === errnoNumbers["EEXIST"]) return;
  if (answer.errno === errnoNumbers["EPERM"]) throw new AppError("no-privilege");
  const noFamily = ["EAFNOSUPPORT", "EOPNOTSUPP", "ENODEV", "EACCES"].map((name) => errnoNumbers[name]);
  if (family === 6 && noFamily.includes(answer.errno)) return;
  const action = "send what goes to the internet through a member";
  throw new AppError("system-refused", { action, detail: errnoText(answer.errno) });
}

const families = [4, 6] as const;
const mainTable = rtnetlink.RT_TABLE_MAIN;
/** Free on every system that we know of. */
const exitTable = 21_325;
/** Before the main table's, which is at 32766. */
const firstPriority = 7740;
/** Each kind of route has its own, so that one may come before another of its prefix goes. */
const firstMetric = 99;
const usualMetric = 100;
const lastMetric = 0xffff_fffe;
const namesPort = 53;
