/** Rules for packets that pass through this machine out of our networks: which may, and which leave under its address. */
import type { Prefix } from "../../src-shared/address.ts";
import { formatPrefix, parsePrefix } from "../../src-shared/address.ts";

/** What is reached from one of our interfaces. */
export interface Site {
  readonly device: string;
  readonly routes: readonly PassageRoute[];
  /** From where hosts reach the network through this machine. */
  readonly shared: readonly Prefix[];
}

export interface PassageRoute {
  /** Length 0: everything of its family. */
  readonly prefix: Prefix;
  /** Leaves under this machine's own address. */
  readonly snat: boolean;
  /** Sources that may come to it; empty: all. */
  readonly allow: readonly Prefix[];
}

/** What may pass out of one of our interfaces, in words that survive on disk and between processes. */
export interface Passage {
  readonly device: string;
  readonly routes: readonly {
    /** Length 0: everything of its family. */
    readonly prefix: string;
    readonly snat: boolean;
    readonly allow: readonly string[];
  }[];
}

/** What passes at a site. */
export function passageOf({ device, routes }: Site): Passage {
  return {
    device,
    routes: routes.map(({ prefix, snat, allow }) => ({
      prefix: formatPrefix(prefix),
      snat,
      allow: allow.map(formatPrefix),
    })),
  };
}

/**
 * The body of a table of nftables. What begins at our interfaces passes to the routes named and nowhere else, refused with
 * word of it; answers pass always. What begins elsewhere is none of our business.
 */
export function passageRules(passages: readonly Passage[]): string {
  const sites = passages.map(({ device, routes }) => ({ device, routes: routes.flatMap(parseRoute) }));
  return [
    ...chain("pass", "type filter hook forward priority filter; policy accept;", [
      "ct state established,related accept",
      ...sites.flatMap(({ device, routes }) => [
        ...routes.flatMap((route) => passes(device, route)),
        `iifname "${device}" reject with icmpx type admin-prohibited`,
      ]),
    ]),
    ...chain(
      "translate",
      "type nat hook postrouting priority srcnat; policy accept;",
      sites.flatMap(({ device, routes }) =>
        routes
          .filter(({ snat }) => snat)
          .map(({ prefix }) => `iifname "${device}" oifname != "${device}" ${to(prefix)} masquerade`),
      ),
    ),
  ].join("\n");
}

function parseRoute(route: Passage["routes"][number]): readonly PassageRoute[] {
  const prefix = parsePrefix(route.prefix);
  const allow = route.allow.flatMap((text) => parsePrefix(text) ?? []);
  return prefix === null ? [] : [{ prefix, snat: route.snat, allow }];
}

function passes(device: string, { prefix, allow }: PassageRoute): readonly string[] {
  const begin = `iifname "${device}" oifname != "${device}" ${to(prefix)}`;
  if (allow.length === 0) return [`${begin} accept`];
  const fitting = allow.filter(({ family }) => family === prefix.family);
  return fitting.map((source) => `${begin} ${family(source)} saddr ${formatPrefix(source)} accept`);
}

function to(prefix: Prefix): string {
  return prefix.length === 0
    ? `meta nfproto ${prefix.family === 4 ? "ipv4" : "ipv6"}`
    : `${family(prefix)} daddr ${formatPrefix(prefix)}`;
}

function family(prefix: Prefix): string {
  return prefix.family === 4 ? "ip" : "ip6";
}

function chain(name: string, hook: string, rules: readonly string[]): readonly string[] {
  return [`chain ${name} {`, hook, ...rules, "}"];
}
