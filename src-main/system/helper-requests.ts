/** What the privileged helper is asked, as `drivers/helper/src/request.rs` reads it, and what it answers. */
import { z } from "zod";
import { formatAddress, formatPrefix } from "../../src-shared/address.ts";
import type { ErrorCode } from "../../src-shared/errors.ts";
import { AppError, errorKinds } from "../../src-shared/errors.ts";
import type { OutsideProgram } from "../../src-shared/exit.ts";
import { outsideProgram } from "../../src-shared/exit.ts";
import type { Passage } from "./passage.ts";
import type {
  AddressChange,
  DnsChange,
  ExitChange,
  Firewall,
  FirewallOpening,
  LinkChange,
  RouteChange,
} from "./system.ts";

/** One request; `do` says what. */
export type HelperRequest = { readonly do: string } & Readonly<Record<string, unknown>>;

/** The body of a request's frame. */
export function encodeHelperRequest(id: number, request: HelperRequest): Uint8Array {
  return Buffer.from(JSON.stringify({ version, id, request }));
}

/** What the helper said; null when it is no answer. */
export function parseHelperAnswer(bytes: Uint8Array): HelperAnswer | null {
  try {
    const parsed = answer.safeParse(JSON.parse(Buffer.from(bytes).toString("utf8")));
    if (!parsed.success) return null;
    const { id, done, error } = parsed.data;
    return { id, done: done ?? {}, error: error === undefined ? null : toError(error) };
  } catch {
    return null;
  }
}

export interface HelperAnswer {
  readonly id: number;
  readonly done: {
    /** Of an interface. */
    readonly name?: string | undefined;
    readonly firewalls?: readonly Firewall[] | undefined;
    /** That was taken past the exit. */
    readonly process?: number | undefined;
    /** That go past it. */
    readonly programs?: readonly OutsideProgram[] | undefined;
  };
  readonly error: AppError | null;
}

export function linkRequest({ device, up, mtu, gsoMaxSize }: LinkChange): HelperRequest {
  return { do: "setLink", device, up, mtu, gsoMaxSize };
}

export function addressRequest(verb: "add" | "remove", change: AddressChange): HelperRequest {
  const { device, length } = change;
  return { do: `${verb}Address`, device, address: formatAddress(change.address), length };
}

export function routeRequest(verb: "add" | "remove", { device, prefix, source }: RouteChange): HelperRequest {
  return {
    do: `${verb}Route`,
    device,
    prefix: formatPrefix(prefix),
    ...(source === undefined ? {} : { source: formatAddress(source) }),
  };
}

export function passageRequest(name: string, sites: readonly Passage[] | null): HelperRequest {
  return sites === null ? { do: "removePassage", name } : { do: "setPassage", name, sites };
}

export function firewallRequest(
  verb: "find" | "open",
  { mark, devices, families }: FirewallOpening,
): HelperRequest {
  return { do: `${verb}Firewalls`, name: mark, devices, families: families.map((each) => familyNames[each]) };
}

/** The mark is not asked for: the helper has but one. */
export function exitRequest(change: ExitChange): HelperRequest {
  const { interface: device, strict, lan, only, except, inside } = change;
  return { do: "setExit", interface: device, strict, lan, only, except, inside };
}

export function dnsRequest(verb: "set" | "remove", change: DnsChange): HelperRequest {
  if (change.way === "file")
    return verb === "set" ? { do: "setDnsFile", server: change.server } : { do: "removeDnsFile" };
  if (change.way === "domains") {
    const { name, server, domains, everything } = change;
    return verb === "set"
      ? { do: "setDnsDomains", name, server, domains, everything }
      : { do: "removeDnsDomains", name };
  }
  const { device, server, domains, everything } = change;
  return verb === "set"
    ? { do: "setDnsLink", device, server, domains, everything }
    : { do: "removeDnsLink", device };
}

function toError({ code, data }: z.infer<typeof refusal>): AppError {
  return isErrorCode(code) ? new AppError(code, data) : new AppError("internal", { detail: code, logs: "" });
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorKinds, code);
}

const version = 1;
/** As nft(8) calls them. */
const familyNames = { 4: "ip", 6: "ip6" } as const;
const firewall = z.object({ name: z.string(), open: z.boolean() });
const refusal = z.object({ code: z.string(), data: z.record(z.string(), z.string()) });
const answer = z.object({
  version: z.literal(version),
  id: z.int().min(0),
  done: z
    .object({
      name: z.string().max(15).optional(),
      firewalls: z.array(firewall).optional(),
      process: z.int().min(1).optional(),
      programs: z.array(outsideProgram).optional(),
    })
    .optional(),
  error: refusal.optional(),
});
