/** Takes secrets out of what is written for others to read: the log, and reports. */
import { formatAddress, isPrivate, parseAddress } from "../../src-shared/address.ts";

/** Whether a field of this name holds a secret. */
export function isSecretName(name: string): boolean {
  return secretName.test(name);
}

/** Links carry secrets whole, and so may URLs; of a key its beginning tells enough. */
export function withoutSecrets(text: string): string {
  return text
    .replace(/starmesh:\/\/[^\s"]+/g, "starmesh://…")
    .replace(/:\/\/[^\s/@"]+@/g, "://…@")
    .replace(/(?<![\w+/-])([\w+/-]{8})(?:[\w+/-]{35}=|[\w-]{35}(?![\w+/=-]))/g, "$1…")
    .replace(/(?<![\w-])([0-9a-fA-F]{8})[0-9a-fA-F]{24,}(?![\w-])/g, "$1…");
}

/** Replaces names and addresses by others, the same by the same, so that a report still tells who is who. */
export class Disguise {
  readonly #names: ReadonlyMap<string, string>;
  readonly #pattern: RegExp | null;
  readonly #addresses = new Map<string, string>();

  /** @param names what to replace, by kind: `peer` becomes `peer-1`, `peer-2` … */
  constructor(names: readonly { readonly kind: string; readonly name: string }[]) {
    const known = new Map<string, string>();
    const counts = new Map<string, number>();
    for (const { kind, name } of names) {
      if (name === "" || known.has(name)) continue;
      const count = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, count);
      known.set(name, `${kind}-${count}`);
    }
    this.#names = known;
    const longestFirst = [...known.keys()].sort((one, other) => other.length - one.length).map(escaped);
    this.#pattern =
      longestFirst.length === 0
        ? null
        : new RegExp(`(?<![\\p{L}\\p{N}-])(?:${longestFirst.join("|")})(?![\\p{L}\\p{N}-])`, "gu");
  }

  text(text: string): string {
    const named =
      this.#pattern === null ? text : text.replace(this.#pattern, (name) => this.#names.get(name) ?? name);
    return named
      .replace(/(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])/g, (address) => this.#address(address))
      .replace(/(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,8}(?![\w:])/gi, (address) =>
        this.#address(address),
      );
  }

  #address(text: string): string {
    const address = parseAddress(text);
    // A time has colons, too; what has so many is an address, though perhaps an odd one.
    if (everywhere.test(text) || (address === null && !/::|(?::.*){7}/.test(text))) return text;
    const plain = address === null ? text : formatAddress(address);
    const known = this.#addresses.get(plain);
    if (known !== undefined) return known;
    const kind = address === null ? "odd" : isPrivate(address) ? "private" : "public";
    const disguised = `ipv${address?.family ?? 6}-${kind}-${this.#addresses.size + 1}`;
    this.#addresses.set(plain, disguised);
    return disguised;
  }
}

/** A value for others to read: without secrets, and disguised where that is wanted. Codes and times stay as they are. */
export function redacted(value: unknown, disguise: Disguise | null): unknown {
  if (typeof value === "string") {
    const safe = withoutSecrets(value);
    return disguise === null ? safe : disguise.text(safe);
  }
  if (Array.isArray(value)) return value.map((each) => redacted(each, disguise));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      disguise === null ? name : disguise.text(name),
      isSecretName(name) && typeof each === "string" && each !== ""
        ? "…"
        : codeNames.has(name) && typeof each === "string"
          ? each
          : redacted(each, disguise),
    ]),
  );
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

const secretName = /secret|token|seed|private|preshared|psk|cookie|password|invite/i;
/** Their values are words of Starmesh, also where a machine is called the same. */
const codeNames: ReadonlySet<string> = new Set([
  "at",
  "code",
  "kind",
  "level",
  "made",
  "reasonCode",
  "startedAt",
  "state",
  "transport",
]);
/** Addresses that mean the same on every machine. */
const everywhere = /^(?:0\.0\.0\.0|127\.\d+\.\d+\.\d+|::1?)$/;
