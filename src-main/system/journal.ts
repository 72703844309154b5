/** What Starmesh changed in the system: written down before it is done, undone at stop or, after a kill, at the next start. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Address, Prefix } from "../../src-shared/address.ts";
import { formatPrefix, parseAddress, parsePrefix } from "../../src-shared/address.ts";
import { AppError } from "../../src-shared/errors.ts";
import { replaceFile } from "./files.ts";
import type { System } from "./system.ts";
import { connectedPrefixes, findOverlap } from "./system.ts";

const addressText = z.string().refine((text) => parseAddress(text) !== null, "not an address");
const prefixText = z.string().refine((text) => parsePrefix(text) !== null, "not a prefix");
const device = z.string().min(1).max(64);
const mark = z.string().regex(/^starmesh\w{0,48}$/);

/** One change of the system, in words that survive on disk. */
const systemChange = z.discriminatedUnion("kind", [
  /** An interface of ours that exists. */
  z.object({ kind: z.literal("link"), device }),
  z.object({ kind: z.literal("address"), device, address: addressText, length: z.int().min(0).max(128) }),
  z.object({ kind: z.literal("route"), device, prefix: prefixText, source: addressText.optional() }),
  /** A setting of the kernel's network; `before` is what it was, written by the journal itself. */
  z.object({
    kind: z.literal("setting"),
    name: z.string().regex(/^net\/ipv[46]\/(?!.*\.\.)[\w@./-]+$/),
    value: z.string().max(64),
    before: z.string().max(64).optional(),
  }),
  /** Names asked of a server by an interface of ours. */
  z.object({
    kind: z.literal("dnsLink"),
    device,
    server: addressText,
    domains: z.array(z.string().max(253)).max(64),
    everything: z.boolean(),
  }),
  /** Names asked of a server by a rule of the system's, which outlasts the interface. */
  z.object({
    kind: z.literal("dnsDomains"),
    name: device,
    server: addressText,
    domains: z.array(z.string().max(253)).max(64),
    everything: z.boolean(),
  }),
  /** What comes in and is let in by rules of the system's own, which outlast the interface. */
  z.object({ kind: z.literal("admission"), name: device, address: addressText.nullable() }),
  /** The way of what goes to the internet. */
  z.object({
    kind: z.literal("exit"),
    interface: device.nullable(),
    strict: z.boolean(),
    lan: z.boolean(),
    only: z.array(prefixText).max(256),
    except: z.array(prefixText).max(256),
    inside: z.array(prefixText).max(4096),
    mark: z.int().min(1).max(0xffff_ffff),
  }),
  /** A group of programs that go past that way. */
  z.object({ kind: z.literal("outside"), name: mark, mark: z.int().min(1).max(0xffff_ffff) }),
  /** A server of ours before those that a file names. */
  z.object({ kind: z.literal("dnsFile"), server: addressText }),
  /** What may pass out of our interfaces, which another one of its name replaces. */
  z.object({
    kind: z.literal("passage"),
    name: mark,
    sites: z.array(
      z.object({
        device,
        routes: z.array(
          z.object({ prefix: prefixText, snat: z.boolean(), allow: z.array(prefixText).max(4096) }),
        ),
      }),
    ),
  }),
  /** Rules among those of other programs, by which our interfaces' packets pass. */
  z.object({
    kind: z.literal("firewall"),
    mark,
    devices: z
      .array(device.regex(/^[\w.-]+$/))
      .max(64)
      .readonly(),
    families: z
      .array(z.union([z.literal(4), z.literal(6)]))
      .max(2)
      .readonly(),
  }),
]);
export type SystemChange = z.infer<typeof systemChange>;

const journalFile = z.object({
  version: z.literal(1),
  /** `System.lifetime()` when the entries were made. */
  lifetime: z.string(),
  /** In the order they were made; `index` is the interface's, null for what belongs to none. */
  entries: z.array(z.object({ change: systemChange, index: z.int().nullable() })),
});
type JournalFile = z.infer<typeof journalFile>;
type Entry = JournalFile["entries"][number];

/** A change that could not be undone; it stays in the journal and is tried again at the next start. */
export interface UndoFailure {
  readonly change: SystemChange;
  readonly error: unknown;
}

/** The only way by which Starmesh changes the system. */
export interface Journal {
  /**
   * Writes a change down and makes it. Refuses a default route (`system-refused`) and a route over a prefix that this
   * machine is directly connected to by another interface (`range-overlaps`).
   */
  apply(change: SystemChange): Promise<void>;
  /** Undoes, last first, all that was made, or what was made on one interface, but what is spared. Idempotent. */
  undo(device?: string, spares?: (change: SystemChange) => boolean): Promise<readonly UndoFailure[]>;
  /** Undoes one change that was made; nothing when it was not. Throws what the system refuses it with. */
  revert(change: SystemChange): Promise<void>;
  /** Nothing is changed. */
  isEmpty(): boolean;
}

/**
 * Opens the journal of a state folder. What an earlier run left there is undone by the first `undo`.
 * Throws `state-unreadable`.
 */
export function openJournal(folder: string, system: System): Journal {
  return new FileJournal(journalPath(folder), system);
}

/** The journal's file. */
export function journalPath(folder: string): string {
  return join(folder, "journal.json");
}

class FileJournal implements Journal {
  readonly #path: string;
  readonly #system: System;
  #entries: readonly Entry[];
  #last: Promise<unknown> = Promise.resolve();

  constructor(path: string, system: System) {
    this.#path = path;
    this.#system = system;
    const file = readJournal(path);
    // Interfaces, addresses and routes of another life of the system are gone; its numbers mean nothing now.
    const isSameLife = file?.lifetime === system.lifetime();
    this.#entries = (file?.entries ?? []).filter(({ change }) => isSameLife || outlasts(change));
    if (file !== null && file.entries.length !== this.#entries.length) this.#save(this.#entries);
  }

  apply(change: SystemChange): Promise<void> {
    return this.#inTurn(async () => {
      const device = deviceOf(change);
      const index = device === null ? null : this.#indexOf(device);
      refuseHarm(change, this.#system);
      const replaced =
        device === null ? this.#entries.find((each) => sameThing(each.change, change)) : undefined;
      const noted = this.#withBefore(change, replaced?.change);
      if (noted === null) return;
      const entry = { change: noted, index };
      const before = this.#entries;
      this.#save([...before.filter((each) => each !== replaced), entry]);
      try {
        await make(change, this.#system);
      } catch (error) {
        this.#save(before);
        throw error;
      }
    });
  }

  isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  revert(change: SystemChange): Promise<void> {
    return this.#inTurn(async () => {
      const entry = this.#entries.findLast((each) => sameThing(each.change, change));
      if (entry === undefined) return;
      if (this.#isSame(entry)) await unmake(entry.change, this.#system);
      this.#save(this.#entries.filter((each) => each !== entry));
    });
  }

  undo(
    device?: string,
    spares: (change: SystemChange) => boolean = () => false,
  ): Promise<readonly UndoFailure[]> {
    return this.#inTurn(async () => {
      const failures: UndoFailure[] = [];
      for (const entry of this.#entries.toReversed()) {
        if (device !== undefined && deviceOf(entry.change) !== device) continue;
        if (spares(entry.change)) continue;
        try {
          if (this.#isSame(entry)) await unmake(entry.change, this.#system);
          this.#save(this.#entries.filter((each) => each !== entry));
        } catch (error) {
          failures.push({ change: entry.change, error });
        }
      }
      return failures;
    });
  }

  /** An interface that has only the name in common with ours belongs to somebody else. */
  #isSame({ change, index }: Entry): boolean {
    const device = deviceOf(change);
    if (device === null) return true;
    return this.#system.interfaces().some((each) => each.name === device && each.index === index);
  }

  /** A setting with what it is before the first change of ours; null when there is nothing to change. */
  #withBefore(change: SystemChange, known: SystemChange | undefined): SystemChange | null {
    if (change.kind !== "setting") return change;
    const now = this.#system.setting(change.name);
    if (now === change.value) return null;
    const before = known?.kind === "setting" ? known.before : (now ?? undefined);
    return before === undefined ? change : { ...change, before };
  }

  #indexOf(name: string): number {
    const found = this.#system.interfaces().find((each) => each.name === name);
    if (found !== undefined) return found.index;
    throw new AppError("system-refused", { action: `change the interface ${name}`, detail: "there is none" });
  }

  #save(entries: readonly Entry[]): void {
    const file: JournalFile = { version: 1, lifetime: this.#system.lifetime(), entries: [...entries] };
    replaceFile(this.#path, `${JSON.stringify(file)}\n`);
    this.#entries = entries;
  }

  #inTurn<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

function readJournal(path: string): JournalFile | null {
  if (!existsSync(path)) return null;
  try {
    return journalFile.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    const detail = error instanceof z.ZodError ? "it is damaged or of a newer Starmesh" : String(error);
    throw new AppError("state-unreadable", { file: path, detail });
  }
}

/** Whether a change is still there after a restart of the machine. */
function outlasts({ kind }: SystemChange): boolean {
  return kind === "dnsFile" || kind === "dnsDomains" || kind === "admission";
}

/** The interface that a change belongs to; null: none. */
function deviceOf(change: SystemChange): string | null {
  return "device" in change ? change.device : null;
}

/** Whether two changes are about one and the same thing. */
function sameThing(one: SystemChange, other: SystemChange): boolean {
  switch (one.kind) {
    case "setting":
    case "passage":
    case "outside":
      return one.kind === other.kind && one.name === other.name;
    case "exit":
      return one.kind === other.kind;
    case "firewall":
      return one.kind === other.kind && one.mark === other.mark;
    default:
      return JSON.stringify(one) === JSON.stringify(other);
  }
}

function refuseHarm(change: SystemChange, system: System): void {
  if (change.kind !== "route") return;
  const prefix = toPrefix(change.prefix);
  if (prefix.length === 0) {
    const action = `route ${change.prefix} into ${change.device}`;
    throw new AppError("system-refused", { action, detail: "the default route stays as it is" });
  }
  const overlap = findOverlap(prefix, connectedPrefixes(system.interfaces(), change.device));
  if (overlap === null) return;
  const { interface: name, prefix: local } = overlap;
  throw new AppError("range-overlaps", { range: change.prefix, local: formatPrefix(local), interface: name });
}

function make(change: SystemChange, system: System): Promise<void> {
  switch (change.kind) {
    case "link":
      return Promise.resolve();
    case "address":
      return system.addAddress({ ...change, address: toAddress(change.address) });
    case "route":
      return system.addRoute(toRouteChange(change));
    case "setting":
      return system.changeSetting(change.name, change.value);
    case "admission":
      return system.admission?.admit(change) ?? Promise.resolve();
    case "passage":
      return system.setPassage(change.name, change.sites);
    case "firewall":
      return system.openFirewalls(change);
    case "dnsLink":
      return system.setDns({ ...change, way: "resolved" });
    case "dnsDomains":
      return system.setDns({ ...change, way: "domains" });
    case "dnsFile":
      return system.setDns({ ...change, way: "file" });
    case "exit":
      return system.setExit(change);
    case "outside":
      return system.openOutside(change.name, change.mark);
  }
}

function unmake(change: SystemChange, system: System): Promise<void> {
  switch (change.kind) {
    case "link":
      return system.removeLink(change.device);
    case "address":
      return system.removeAddress({ ...change, address: toAddress(change.address) });
    case "route":
      return system.removeRoute(toRouteChange(change));
    case "setting":
      return restore(change, system);
    case "admission":
      return system.admission?.dismiss(change.name) ?? Promise.resolve();
    case "passage":
      return system.setPassage(change.name, null);
    case "firewall":
      return system.closeFirewalls(change.mark);
    case "dnsLink":
      return system.removeDns({ ...change, way: "resolved" });
    case "dnsDomains":
      return system.removeDns({ ...change, way: "domains" });
    case "dnsFile":
      return system.removeDns({ ...change, way: "file" });
    case "exit":
      return system.removeExit();
    case "outside":
      return system.closeOutside(change.name);
  }
}

/** What somebody else has set since stays. */
async function restore(
  { name, value, before }: Extract<SystemChange, { readonly kind: "setting" }>,
  system: System,
): Promise<void> {
  if (before !== undefined && system.setting(name) === value) await system.changeSetting(name, before);
}

function toRouteChange(change: Extract<SystemChange, { readonly kind: "route" }>) {
  const { device, source } = change;
  return {
    device,
    prefix: toPrefix(change.prefix),
    ...(source === undefined ? {} : { source: toAddress(source) }),
  };
}

function toAddress(text: string): Address {
  const address = parseAddress(text);
  if (address === null) throw new TypeError(`not an address: ${text}`);
  return address;
}

function toPrefix(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix === null) throw new TypeError(`not a prefix: ${text}`);
  return prefix;
}
