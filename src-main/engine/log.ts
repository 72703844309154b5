/** The log: events with fields, in daily files that are compressed, kept 30 days and bounded in size; or on the console. */
import {
  createReadStream,
  createWriteStream,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import electronLog from "electron-log/node";
import { LogTail } from "./log-tail.ts";
import { isSecretName, withoutSecrets } from "./redaction.ts";
import type { Log } from "./surroundings.ts";

export interface LogOptions {
  readonly folder: string;
  /** Write to standard error instead of the folder, debug events too. */
  readonly console: boolean;
  readonly now?: () => Date;
  readonly limits?: LogLimits;
}

export interface LogLimits {
  /** A file longer than this is put away. */
  readonly fileBytes: number;
  /** All files together. */
  readonly folderBytes: number;
  readonly days: number;
}

export interface EventLog {
  readonly log: Log;
  /** For what only `--debug` shows. */
  readonly debug: Log;
  /** What was written last, for whoever looks on; without debug events. */
  readonly tail: LogTail;
  /** Waits until what was put away is compressed. */
  close(): Promise<void>;
}

/** Opens the log of one engine. A folder that cannot be written costs the log, never the engine. */
export function openLog(options: LogOptions): EventLog {
  const { folder, now = () => new Date(), limits = usualLimits } = options;
  const logger = electronLog.create({ logId: folder });
  const current = () => `starmesh-${now().toISOString().slice(0, 10)}.log`;
  let tidying = Promise.resolve();
  let newest = "";
  const tail = new LogTail();
  const tidy = () => {
    tidying = tidying.then(() =>
      tidyFolder(folder, { current: current(), oldest: daysBefore(now(), limits.days), limits }),
    );
  };

  for (const transport of Object.values(logger.transports)) if (transport) transport.level = false;
  const { console: terminal, file } = logger.transports;
  terminal.writeFn = ({ message }) => {
    // What the library complains of comes this way, too, through its default logger.
    if (options.console) process.stderr.write(`${message.data.join(" ")}\n`);
  };
  terminal.transforms = [];
  electronLog.transports.console.writeFn = terminal.writeFn;
  // Else the library looks for a package.json round the program, which a bundle need not have.
  file.setAppName("starmesh");
  file.format = ({ data }) => data;
  file.maxSize = limits.fileBytes;
  file.writeOptions = { flag: "a", mode: 0o600, encoding: "utf8" };
  file.resolvePathFn = () => join(folder, current());
  file.archiveLogFn = (full) => {
    putAway(folder, full.toString());
    tidy();
  };
  if (options.console) terminal.level = "debug";
  else {
    file.level = "info";
    makeFolder(folder);
  }

  const write = (level: "info" | "debug") => (event: string, fields?: Readonly<Record<string, unknown>>) => {
    if (!options.console && level === "info" && newest !== current()) {
      newest = current();
      tidy();
    }
    const line = formatEvent(now(), event, fields);
    if (level === "info") tail.add(line);
    logger[level](line);
  };
  return { log: write("info"), debug: write("debug"), tail, close: () => tidying };
}

/** One line: `2026-11-21T02:20:00.123Z peer.path peer=nas kind=direct ms=12`. What looks like a key is cut. */
export function formatEvent(at: Date, event: string, fields: Readonly<Record<string, unknown>> = {}): string {
  const parts = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${isSecretName(name) ? "…" : fieldText(value)}`);
  return [at.toISOString(), event, ...parts].join(" ").slice(0, longestLine);
}

export const usualLimits: LogLimits = { fileBytes: 5 * 2 ** 20, folderBytes: 50 * 2 ** 20, days: 30 };

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch {
    // Then there is no log; what else of the state folder cannot be written says so itself.
  }
}

/** Gives the full file a name of its own, so that the next line begins a new one. */
function putAway(folder: string, path: string): void {
  const stem = basename(path, ".log");
  const numbers = logFiles(folder)
    .filter(({ name }) => name.startsWith(`${stem}.`))
    .map(({ number }) => number);
  const last = Math.max(0, ...numbers.filter(Number.isFinite));
  renameSync(path, join(folder, `${stem}.${last + 1}.log`));
}

/** Compresses what is no longer written, and removes what is too old or too much. */
async function tidyFolder(
  folder: string,
  {
    current,
    oldest,
    limits,
  }: { readonly current: string; readonly oldest: string; readonly limits: LogLimits },
): Promise<void> {
  try {
    for (const { name, day } of logFiles(folder)) {
      if (day < oldest) rmSync(join(folder, name), { force: true });
      else if (name.endsWith(".log") && name !== current) await compress(join(folder, name));
    }
    let total = 0;
    for (const { name } of logFiles(folder).reverse()) {
      total += statSync(join(folder, name)).size;
      if (total > limits.folderBytes && name !== current) rmSync(join(folder, name), { force: true });
    }
  } catch {
    // The log serves the engine: where it cannot be tidied now, the next turn tries again.
  }
}

async function compress(path: string): Promise<void> {
  const part = `${path}.gz.part`;
  await pipeline(createReadStream(path), createGzip(), createWriteStream(part, { mode: 0o600 }));
  renameSync(part, `${path}.gz`);
  rmSync(path);
}

/** Our files, the oldest first. */
function logFiles(
  folder: string,
): { readonly name: string; readonly day: string; readonly number: number }[] {
  return readdirSync(folder)
    .map((name) => ({
      name,
      match: /^starmesh-(\d{4}-\d\d-\d\d)(?:\.(\d+))?\.log(?:\.gz(?:\.part)?)?$/.exec(name),
    }))
    .flatMap(({ name, match }) =>
      match?.[1] === undefined
        ? []
        : [{ name, day: match[1], number: Number(match[2] ?? Number.POSITIVE_INFINITY) }],
    )
    .sort((one, other) => (one.day === other.day ? one.number - other.number : one.day < other.day ? -1 : 1));
}

function daysBefore(date: Date, days: number): string {
  return new Date(date.getTime() - days * 86_400_000).toISOString().slice(0, 10);
}

function fieldText(value: unknown): string {
  const isPlain = typeof value === "string" || typeof value === "bigint";
  const text = withoutSecrets(isPlain ? String(value) : (JSON.stringify(value, plainValue) ?? String(value)));
  return /^[^\s"=\p{Cc}]+$/u.test(text) ? text : JSON.stringify(text);
}

function plainValue(name: string, value: unknown): unknown {
  if (isSecretName(name)) return "…";
  if (value instanceof Error) return value.stack ?? value.message;
  return typeof value === "bigint" ? String(value) : value;
}

const longestLine = 8192;
