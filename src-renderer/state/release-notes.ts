/** What is new in a version, as its makers wrote it: plain text, of which only points and paragraphs are kept. */

/** Lines of a paragraph, or the points of a list. */
export type NotesPart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "points"; readonly points: readonly string[] };

/** The first hundred lines; headings are left out, since the page has its own, and so is what is said twice. */
export function partsOfNotes(notes: string): readonly NotesPart[] {
  const parts: NotesPart[] = [];
  const said = new Set<string>();
  for (const raw of notes.split(/\r\n|[\r\n\u2028\u2029]/).slice(0, mostLines)) {
    const line = raw.replace(unseen, "").trim();
    if (line === "" || line.startsWith("#") || said.has(line)) continue;
    said.add(line);
    const point = /^[-*•]\s+(.+)$/.exec(line)?.[1];
    const last = parts.at(-1);
    if (point === undefined) parts.push({ kind: "text", text: line });
    else if (last?.kind === "points") parts[parts.length - 1] = { ...last, points: [...last.points, point] };
    else parts.push({ kind: "points", points: [point] });
  }
  return parts;
}

/** Control characters, and those that turn the direction of writing. */
const unseen = /[\p{Cc}\p{Cf}]/gu;
const mostLines = 100;
