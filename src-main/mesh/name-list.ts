/** The names that administrators write by hand: what may be added, and what goes. */
import { AppError } from "../../src-shared/errors.ts";
import type { NameEntry } from "../../src-shared/names.ts";
import { mostNameEntries } from "../../src-shared/names.ts";
import { sameName } from "./addresses.ts";

/**
 * The list with one more entry; the same list when it stands there. Several addresses may share a name; an alias stands
 * alone, and for something that is there. Throws `name-taken`, `unknown-name`, `names-full`.
 */
export function withName(
  names: readonly NameEntry[],
  entry: NameEntry,
  members: readonly string[],
): readonly NameEntry[] {
  if (names.some((each) => JSON.stringify(each) === JSON.stringify(entry))) return names;
  const { name } = entry;
  const owner = members.find((member) => sameName(member, name));
  if (owner !== undefined) throw new AppError("name-taken", { name, owner: `the member ${owner}` });
  const known = names.find((each) => each.name === name);
  if (known !== undefined && (known.kind === "alias" || entry.kind === "alias")) {
    const what = known.kind === "alias" ? known.of : known.address;
    throw new AppError("name-taken", { name, owner: what });
  }
  if (entry.kind === "alias") {
    const isThere = [...members, ...names.map((each) => each.name)].some((each) => sameName(each, entry.of));
    if (!isThere || entry.of === name) throw new AppError("unknown-name", { name: entry.of });
  }
  if (names.length >= mostNameEntries) throw new AppError("names-full", { most: mostNameEntries });
  return [...names, entry];
}

/** The list without all entries of a name. Throws `unknown-name`. */
export function withoutName(names: readonly NameEntry[], name: string): readonly NameEntry[] {
  const left = names.filter((each) => each.name !== name);
  if (left.length === names.length) throw new AppError("unknown-name", { name });
  return left;
}
