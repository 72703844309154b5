/**
 * What the machines of the networks were told and what they wanted done, line by line, for a while that somebody asked for.
 * In memory alone: an engine that ends in between knows nothing of it when it starts again.
 */
import { formatEvent } from "./log.ts";
import { isSecretName } from "./redaction.ts";

/** One input of a network's machine and what followed. */
export interface TraceStep {
  /** Name of the network. */
  readonly network: string;
  readonly input: Said;
  readonly effects: readonly Said[];
  /** The name of the member with a session key; null: it is none. */
  readonly nameOf: (key: string) => string | null;
}

interface Said {
  readonly kind: string;
}

export class Trace {
  readonly #now: () => Date;
  readonly #most: number;
  #writing = 0;
  #lines: string[] = [];
  #missed = 0;
  #forgetting: NodeJS.Timeout | undefined;

  constructor(now: () => Date = () => new Date(), most: number = mostLines) {
    this.#now = now;
    this.#most = most;
  }

  get isOn(): boolean {
    return this.#writing > 0;
  }

  /** Writes until what it answers is called, for the last of those who asked. The first begins anew. */
  begin(): () => void {
    if (!this.isOn) this.#forget();
    this.#writing++;
    let isDone = false;
    return () => {
      if (isDone) return;
      isDone = true;
      this.#writing--;
      if (this.isOn) return;
      this.#forgetting = setTimeout(() => this.#forget(), keptMillis);
      this.#forgetting.unref();
    };
  }

  step({ network, input, effects, nameOf }: TraceStep): void {
    if (!this.isOn || (input.kind === "tick" && effects.length === 0)) return;
    const at = this.#now();
    const write = (sign: string, { kind, ...fields }: Said) =>
      this.#add(
        formatEvent(at, `${network} ${sign} ${kind}`, plain(fields, nameOf) as Record<string, unknown>),
      );
    write("<", input);
    for (const effect of effects) write(">", effect);
  }

  /** The newest lines, the oldest first; kept for a quarter of an hour. */
  lines(): readonly string[] {
    const missed = this.#missed + Math.max(0, this.#lines.length - this.#most);
    const newest = this.#lines.slice(-this.#most);
    return missed === 0 ? newest : [`${missed} lines before these were left out`, ...newest];
  }

  #add(line: string): void {
    this.#lines.push(line.slice(0, longestLine));
    if (this.#lines.length < this.#most * 2) return;
    // Cut in blocks, so that a full trace does not move with every line.
    this.#missed += this.#lines.length - this.#most;
    this.#lines = this.#lines.slice(-this.#most);
  }

  #forget(): void {
    clearTimeout(this.#forgetting);
    this.#lines = [];
    this.#missed = 0;
  }
}

/** As it can be written: keys of members by their names, bytes by their number, and of long lists the beginning. */
function plain(value: unknown, nameOf: TraceStep["nameOf"]): unknown {
  if (typeof value === "string") return nameOf(value) ?? value;
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof Map || value instanceof Set) return plain([...value], nameOf);
  if (Array.isArray(value)) {
    const more = value.length > mostItems ? [`and ${value.length - mostItems} more`] : [];
    return [...value.slice(0, mostItems).map((each) => plain(each, nameOf)), ...more];
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, isSecretName(name) ? "…" : plain(each, nameOf)]),
  );
}

const mostLines = 5000;
const longestLine = 400;
const mostItems = 8;
const keptMillis = 15 * 60_000;
