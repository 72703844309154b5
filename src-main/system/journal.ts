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

/** One change of the system, in words that survive on disk. */
const systemChange = z.discriminatedUnion("kind", [
  /** An interface of ours that exists. */
  z.object({ kind: z.literal("link"), device }),
  z.object({ kind: z.literal("address"), device, address: addressText, length: z.int().min(0).max(128) }),
  z.object({ kind: z.literal("route"), device, prefix: prefixText, source: addressText.optional() }),
]);
export type SystemChange = z.infer<typeof systemChange>;

const journalFile = z.object({
  version: z.literal(1),
  /** `System.lifetime()` when the entries were made. */
  lifetime: z.string(),
  /** In the order they were made; `index` is the interface's. */
  entries: z.array(z.object({ change: systemChange, index: z.int() })),
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
  /** Undoes, last first, all that was made, or what was made on one interface. Idempotent. */
  undo(device?: string): Promise<readonly UndoFailure[]>;
}

/**
 * Opens the journal of a state folder. What an earlier run left there is undone by the first `undo`.
 * Throws `state-unreadable`.
 */
export function openJournal(folder: string, system: System): Journal {
  return new FileJournal(join(folder, "journal.json"), system);
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
    this.#entries = file?.lifetime === system.lifetime() ? file.entries : [];
    if (file !== null && file.entries.length !== this.#entries.length) this.#save(this.#entries);
  }

  apply(change: SystemChange): Promise<void> {
    return this.#inTurn(async () => {
      const entry = { change, index: this.#indexOf(change.device) };
      refuseHarm(change, this.#system);
      this.#save([...this.#entries, entry]);
      try {
        await make(change, this.#system);
      } catch (error) {
        this.#save(this.#entries.filter((each) => each !== entry));
        throw error;
      }
    });
  }

  undo(device?: string): Promise<readonly UndoFailure[]> {
    return this.#inTurn(async () => {
      const failures: UndoFailure[] = [];
      for (const entry of this.#entries.toReversed()) {
        if (device !== undefined && entry.change.device !== device) continue;
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
  #isSame(entry: Entry): boolean {
    return this.#system
      .interfaces()
      .some((each) => each.name === entry.change.device && each.index === entry.index);
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
  }
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
