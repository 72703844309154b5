/** Who may reach whom in a network: the policy as administrators write it, and as it is signed. */
import { z } from "zod";
import type { Prefix } from "./address.ts";
import { parsePrefix } from "./address.ts";
import { identityKey, networkId, nodeName } from "./ids.ts";

/** Whom a rule is about. `member` is a name; a prefix is of the overlay, or of what a gateway routes. */
export type Selector =
  | { readonly kind: "any" }
  | { readonly kind: "member" | "group" | "tag"; readonly name: string }
  | { readonly kind: "prefix"; readonly prefix: Prefix };

/** What `any`, `tcp:22,80-90`, `udp`, `icmp` or `protocol:47` mean. No ports: all of them. */
export interface Service {
  /** A number stands for an IP protocol; `icmp` for that of IPv6, too. */
  readonly protocol: "any" | "tcp" | "udp" | "icmp" | number;
  /** Destination ports, first and last. */
  readonly ports: readonly (readonly [number, number])[];
}

/** A selector as written; null when it is none. */
export function parseSelector(text: string): Selector | null {
  if (text === "any") return { kind: "any" };
  const prefix = parsePrefix(text);
  if (prefix !== null) return { kind: "prefix", prefix };
  // An address with a mistake in it is no name, unless it is said to be one.
  if (/^[\d.]+$/.test(text)) return null;
  const [, kind = "member", name = ""] = /^(?:(member|group|tag):)?(.*)$/s.exec(text) ?? [];
  if (kind === "tag") return /^[^\s,]{1,63}$/.test(name) ? { kind, name } : null;
  return nodeName.safeParse(name).success ? { kind: kind as "member" | "group", name } : null;
}

/** A service as written; null when it is none. */
export function parseService(text: string): Service | null {
  const [, word = "", rest] = /^([a-z]+)(?::(.*))?$/s.exec(text) ?? [];
  if (word === "any" || word === "icmp") return rest === undefined ? { protocol: word, ports: [] } : null;
  if (word === "protocol") {
    const number = /^\d{1,3}$/.test(rest ?? "") ? Number(rest) : 256;
    return number > 255 ? null : { protocol: protocolNames[number] ?? number, ports: [] };
  }
  if (word !== "tcp" && word !== "udp") return null;
  const ports = rest === undefined ? [] : parsePorts(rest);
  return ports === null ? null : { protocol: word, ports };
}

/** One port to ask about: `22` and `tcp:22`, `udp:53`, `icmp`, `protocol:47`; null for anything else, ranges included. */
export function parsePort(
  text: string,
): { readonly protocol: Exclude<Service["protocol"], "any">; readonly port: number | null } | null {
  const service = parseService(/^\d{1,5}$/.test(text) ? `tcp:${text}` : text);
  const [first, second] = service?.ports ?? [];
  if (service === null || service.protocol === "any" || second !== undefined) return null;
  if (service.protocol !== "tcp" && service.protocol !== "udp")
    return { protocol: service.protocol, port: null };
  return first === undefined || first[0] !== first[1] ? null : { protocol: service.protocol, port: first[0] };
}

const howToSelect = "write a member's name, group:NAME, tag:NAME, an address or prefix, or any";
const selector = z
  .string(howToSelect)
  .max(100, howToSelect)
  .refine((text) => parseSelector(text) !== null, howToSelect);
const grouped = selector.refine(
  (text) => !["any", "group"].includes(parseSelector(text)?.kind ?? "any"),
  "a group has members, tag:NAME, addresses and prefixes; not other groups, nor any",
);
const howToServe = "write tcp:22, tcp:22,80-90, udp:53, icmp, protocol:47 or any";
const service = z
  .string(howToServe)
  .max(500, howToServe)
  .refine((text) => parseService(text) !== null, howToServe);
const howToAsk = "write one port, such as tcp:22 or udp:53, or icmp";
const port = z.preprocess(
  (value) => (typeof value === "number" ? `tcp:${value}` : value),
  z
    .string(howToAsk)
    .max(20, howToAsk)
    .refine((text) => parsePort(text) !== null, howToAsk),
);
const action = z.enum(["accept", "drop"], "write accept or drop");
const end = selector.refine(
  (text) => ["member", "prefix"].includes(parseSelector(text)?.kind ?? "") && !isWide(text),
  "write a member's name or an address",
);

/** One value, or a list of them. */
function oneOrMore<Item extends z.ZodType>(item: Item) {
  return z.preprocess(
    (value) => (Array.isArray(value) ? value : [value]),
    z.array(item).min(1, "write at least one").max(1000, "write at most 1,000"),
  );
}

const rule = z.strictObject({
  from: oneOrMore(selector),
  to: oneOrMore(selector),
  ports: oneOrMore(service).default(["any"]),
  action: action.default("accept"),
  comment: z.string("write a text").max(300, "write at most 300 characters").optional(),
});

const check = z.strictObject({ from: end, to: end, port, expect: action });

/**
 * A policy: the first rule that fits decides, else `default`. Whoever lets something in lets its answers out; answers to what
 * a member began itself always come in. `tests` must hold, or nobody signs it.
 */
export const policy = z
  .strictObject({
    /** Where no rule fits: everything is let in, or nothing. */
    default: z.enum(["all", "none"], "write all or none"),
    groups: z
      .record(
        nodeName,
        z.preprocess((value) => (Array.isArray(value) ? value : [value]), z.array(grouped).max(5000)),
        "write NAME: [members]",
      )
      .default({}),
    rules: z.array(rule, "write a list of rules").max(10_000, "write at most 10,000 rules").default([]),
    tests: z.array(check, "write a list of tests").max(1000, "write at most 1,000 tests").default([]),
  })
  .superRefine(({ groups, rules }, context) => {
    for (const [at, { from, to }] of rules.entries())
      for (const [field, list] of [
        ["from", from],
        ["to", to],
      ] as const)
        for (const [place, text] of list.entries()) {
          const named = parseSelector(text);
          if (named?.kind !== "group" || Object.hasOwn(groups, named.name)) continue;
          const message = `there is no group “${named.name}”`;
          context.addIssue({ code: "custom", path: ["rules", at, field, place], message });
        }
  });
export type Policy = z.infer<typeof policy>;
export type PolicyRule = Policy["rules"][number];
export type PolicyTest = Policy["tests"][number];

/**
 * The signed policy of a network. Of several the highest version counts. With a `trial` it counts for `until − at` after a
 * member first saw it, never beyond `until`; from then on `previous` does, without anybody having to say so.
 */
export const policyRecord = z.object({
  network: networkId,
  version: z.number().int().min(1),
  at: z.number().int().nonnegative(),
  policy,
  /** Whom the names meant when it was signed, names in lower case: nobody gets another's rights by taking its name. */
  members: z.record(nodeName, identityKey),
  trial: z
    .object({
      until: z.number().int().nonnegative(),
      /** Null: there was none, everything was let in. */
      previous: z.object({ policy, members: z.record(nodeName, identityKey) }).nullable(),
    })
    .optional(),
});
export type PolicyRecord = z.infer<typeof policyRecord>;

/** As without any: everything is let in. */
export const openPolicy: Policy = { default: "all", groups: {}, rules: [], tests: [] };

/** Names of members that a policy mentions, in lower case. */
export function namesIn({ groups, rules, tests }: Policy): ReadonlySet<string> {
  const texts = [
    ...Object.values(groups).flat(),
    ...rules.flatMap(({ from, to }) => [...from, ...to]),
    ...tests.flatMap(({ from, to }) => [from, to]),
  ];
  const names = new Set<string>();
  for (const text of new Set(texts)) {
    const found = parseSelector(text);
    if (found?.kind === "member") names.add(found.name.toLowerCase());
  }
  return names;
}

function parsePorts(text: string): [number, number][] | null {
  const found: [number, number][] = [];
  for (const part of text.split(",")) {
    const [, first, last = first] = /^\s*(\d{1,5})(?:-(\d{1,5}))?\s*$/.exec(part) ?? [];
    const range: [number, number] = [Number(first), Number(last)];
    if (!(range[0] <= range[1] && range[1] <= 65_535)) return null;
    found.push(range);
  }
  return found;
}

/** A prefix of more than one address. */
function isWide(text: string): boolean {
  const prefix = parsePrefix(text);
  return prefix !== null && prefix.length < (prefix.family === 4 ? 32 : 128);
}

/** Protocols that have a name of their own here, by number. */
const protocolNames: Readonly<Record<number, "tcp" | "udp" | "icmp" | undefined>> = {
  1: "icmp",
  6: "tcp",
  17: "udp",
  58: "icmp",
};
