/** Rules of routing, and routes of a table of their own, as the kernel takes and tells them (include/uapi/linux/fib_rules.h). */
import type { Prefix } from "../../src-shared/address.ts";
import type { Attribute } from "./netlink.ts";
import { parseAttributes, viewOf } from "./netlink.ts";
import type { Exchange } from "./rtnetlink.ts";

/** A rule: what fits it is looked up in a table, or has nowhere to go (`table` null). What is left out fits anything. */
export interface Rule {
  readonly family: 4 | 6;
  /** Lower ones come first. */
  readonly priority: number;
  readonly to?: Prefix;
  readonly mark?: number;
  /** `udp` or `tcp`, and its destination port. */
  readonly protocol?: "udp" | "tcp";
  readonly port?: number;
  readonly table: number | null;
  /** Routes of the table that are this short or shorter do not count. */
  readonly suppress?: number;
}

/** A route of one table: into an interface, or a word in its place. */
export interface TableRoute {
  readonly prefix: Prefix;
  /** Number of an interface; `unreachable`: nowhere; `throw`: the next rule decides. */
  readonly to: number | "unreachable" | "throw";
  /** Lower wins. */
  readonly metric: number;
}

/** The exchange that adds a rule, or takes it away. */
export function ruleExchange(rule: Rule, type: number, flags = 0): Exchange {
  const { to } = rule;
  const header = new Uint8Array(ruleHeaderBytes);
  header[0] = familyNumber(rule.family);
  header[1] = to?.length ?? 0;
  header[7] = rule.table === null ? FR_ACT_UNREACHABLE : FR_ACT_TO_TBL;
  return {
    type,
    flags,
    header,
    attributes: [
      { type: FRA_PRIORITY, value: rule.priority },
      { type: FRA_PROTOCOL, value: Uint8Array.of(ownProtocol) },
      ...(rule.table === null ? [] : [{ type: FRA_TABLE, value: rule.table }]),
      ...(to === undefined ? [] : [{ type: FRA_DST, value: prefixBytes(to) }]),
      ...(rule.mark === undefined ? [] : marked(rule.mark)),
      ...(rule.protocol === undefined
        ? []
        : [{ type: FRA_IP_PROTO, value: Uint8Array.of(protocolNumbers[rule.protocol]) }]),
      ...(rule.port === undefined ? [] : [{ type: FRA_DPORT_RANGE, value: portRange(rule.port) }]),
      ...(rule.suppress === undefined ? [] : [{ type: FRA_SUPPRESS_PREFIXLEN, value: rule.suppress }]),
    ],
  };
}

/** The exchange that adds a route to a table, or takes it away. */
export function tableRouteExchange(
  { prefix, to, metric }: TableRoute,
  table: number,
  { type, flags = 0 }: { readonly type: number; readonly flags?: number },
): Exchange {
  const header = new Uint8Array(routeHeaderBytes);
  header[0] = familyNumber(prefix.family);
  header[1] = prefix.length;
  header[5] = ownProtocol;
  header[6] = typeof to === "number" ? RT_SCOPE_LINK : 0;
  header[7] = typeof to === "number" ? RTN_UNICAST : routeTypes[to];
  const destination: Attribute[] = prefix.length === 0 ? [] : [{ type: RTA_DST, value: prefixBytes(prefix) }];
  return {
    type,
    flags,
    header,
    attributes: [
      ...destination,
      { type: RTA_TABLE, value: table },
      { type: RTA_PRIORITY, value: metric },
      ...(typeof to === "number" ? [{ type: RTA_OIF, value: to }] : []),
    ],
  };
}

/** A rule that is ours, as the kernel tells it; null for all others and for messages that are not whole. */
export function parseOwnRule(body: Uint8Array): Rule | null {
  const attributes = parseAttributes(body, ruleHeaderBytes);
  if (attributes === null || attributes.get(FRA_PROTOCOL)?.[0] !== ownProtocol) return null;
  const family = familyOf(body[0]);
  const priority = number(attributes.get(FRA_PRIORITY));
  const destination = attributes.get(FRA_DST);
  const action = body[7];
  if (family === null || priority === null) return null;
  if (destination !== undefined && destination.length !== (family === 4 ? 4 : 16)) return null;
  const table = action === FR_ACT_TO_TBL ? number(attributes.get(FRA_TABLE)) : null;
  if (action === FR_ACT_TO_TBL ? table === null : action !== FR_ACT_UNREACHABLE) return null;
  const mark = number(attributes.get(FRA_FWMARK)) ?? 0;
  const suppress = number(attributes.get(FRA_SUPPRESS_PREFIXLEN)) ?? nothingSuppressed;
  const protocol = attributes.get(FRA_IP_PROTO)?.[0];
  const ports = attributes.get(FRA_DPORT_RANGE);
  return {
    family,
    priority,
    ...(destination === undefined ? {} : { to: prefixOf(family, destination, body[1] ?? 0) }),
    ...(mark === 0 ? {} : { mark }),
    ...(protocol === protocolNumbers.udp ? { protocol: "udp" } : {}),
    ...(protocol === protocolNumbers.tcp ? { protocol: "tcp" } : {}),
    ...(ports?.length === 4 ? { port: viewOf(ports).getUint16(0, true) } : {}),
    table,
    ...(suppress === nothingSuppressed ? {} : { suppress }),
  };
}

/** A route of a table, as the kernel tells it; null for those of other tables and for what is no whole message. */
export function parseTableRoute(body: Uint8Array, table: number): TableRoute | null {
  const attributes = parseAttributes(body, routeHeaderBytes);
  if (attributes === null || number(attributes.get(RTA_TABLE)) !== table) return null;
  const family = familyOf(body[0]);
  const length = body[1] ?? 0;
  if (family === null || body[5] !== ownProtocol) return null;
  const destination = attributes.get(RTA_DST) ?? new Uint8Array(family === 4 ? 4 : 16);
  if (destination.length !== (family === 4 ? 4 : 16)) return null;
  const output = number(attributes.get(RTA_OIF));
  const to =
    body[7] === routeTypes.unreachable
      ? "unreachable"
      : body[7] === routeTypes.throw
        ? "throw"
        : output === null
          ? null
          : output;
  if (to === null) return null;
  return {
    prefix: prefixOf(family, destination, length),
    to,
    metric: number(attributes.get(RTA_PRIORITY)) ?? 0,
  };
}

function marked(mark: number): readonly Attribute[] {
  return [
    { type: FRA_FWMARK, value: mark },
    { type: FRA_FWMASK, value: 0xffff_ffff },
  ];
}

function portRange(port: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint16(0, port, true);
  viewOf(bytes).setUint16(2, port, true);
  return bytes;
}

function prefixBytes({ family, value }: Prefix): Uint8Array {
  const count = family === 4 ? 4 : 16;
  return Uint8Array.from({ length: count }, (_, at) =>
    Number((value >> BigInt(8 * (count - 1 - at))) & 255n),
  );
}

function prefixOf(family: 4 | 6, bytes: Uint8Array, length: number): Prefix {
  const value = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return { family, value, length: Math.min(length, bytes.length * 8) };
}

function familyNumber(family: 4 | 6): number {
  return family === 4 ? AF_INET : AF_INET6;
}

function familyOf(number: number | undefined): 4 | 6 | null {
  return number === AF_INET ? 4 : number === AF_INET6 ? 6 : null;
}

function number(value: Uint8Array | undefined): number | null {
  return value?.length === 4 ? viewOf(value).getUint32(0, true) : null;
}

/** Numbers of the kernel's interface that callers put into requests. */
export const ruleNumbers = { RTM_NEWRULE: 32, RTM_DELRULE: 33, RTM_GETRULE: 34 } as const;

const AF_INET = 2;
const AF_INET6 = 10;
const FRA_DST = 1;
const FRA_PRIORITY = 6;
const FRA_FWMARK = 10;
const FRA_SUPPRESS_PREFIXLEN = 14;
const FRA_TABLE = 15;
const FRA_FWMASK = 16;
const FRA_PROTOCOL = 21;
const FRA_IP_PROTO = 22;
const FRA_DPORT_RANGE = 24;
const FR_ACT_TO_TBL = 1;
const FR_ACT_UNREACHABLE = 7;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_PRIORITY = 6;
const RTA_TABLE = 15;
const RTN_UNICAST = 1;
const RT_SCOPE_LINK = 253;
const routeTypes = { unreachable: 7, throw: 9 } as const;
const protocolNumbers = { udp: 17, tcp: 6 } as const;
const nothingSuppressed = 0xffff_ffff;
const ruleHeaderBytes = 12;
const routeHeaderBytes = 12;
/** Marks our rules and routes, so that nothing else is ever taken for one of them (free in /etc/iproute2/rt_protos). */
const ownProtocol = 83;
