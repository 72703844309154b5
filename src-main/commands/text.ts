/** Text in columns: how wide it is on a terminal, and what of it may reach one. */

/** A table cell; plain text, or text with a colour. */
export type Cell = string | { readonly text: string; readonly colour: Colour };
export type Colour = "green" | "yellow" | "red" | "dim" | "bold";

/** Columns that a text takes on a terminal: East Asian wide characters and emoji take two, marks none. */
export function textWidth(text: string): number {
  // Nearly all cells are plain ASCII, and cutting text into clusters is slow.
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += clusterWidth(segment);
  return width;
}

/** The text, with spaces after it up to a width. */
export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - textWidth(text)));
}

/** Without anything that moves the cursor, rings, or turns the writing direction; colours and line ends stay. */
export function printable(text: string): string {
  return text.replace(unprintable, (found) => (isColour(found) ? found : ""));
}

/** Lines of a table with a heading; columns that are empty in every row are left out. */
export function tableLines(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
  paint: (text: string, colour: Colour) => string,
): readonly string[] {
  const used = headings.map((_, at) => rows.some((row) => textOf(row[at]) !== ""));
  const columns = headings.map((_, at) => at).filter((at) => used[at]);
  const width = (at: number) =>
    Math.max(textWidth(headings[at] ?? ""), ...rows.map((row) => textWidth(textOf(row[at]))));
  const widths = new Map(columns.map((at) => [at, width(at)] as const));
  const line = (cells: readonly Cell[]) =>
    columns
      .map((at) => paintCell(cells[at] ?? "", at === columns.at(-1) ? 0 : (widths.get(at) ?? 0), paint))
      .join("  ")
      .trimEnd();
  return [line(headings.map((text) => ({ text, colour: "dim" }))), ...rows.map(line)];
}

function paintCell(cell: Cell, width: number, paint: (text: string, colour: Colour) => string): string {
  const text = textOf(cell);
  const space = " ".repeat(Math.max(0, width - textWidth(text)));
  return (typeof cell === "string" || text === "" ? text : paint(text, cell.colour)) + space;
}

function textOf(cell: Cell | undefined): string {
  const text = typeof cell === "string" ? cell : (cell?.text ?? "");
  return printable(text).replaceAll(/\s+/g, " ");
}

function clusterWidth(cluster: string): number {
  if (/^[\p{Mn}\p{Me}\p{Cc}\p{Cf}]+$/u.test(cluster)) return 0;
  return /\p{Emoji_Presentation}|\uFE0F/u.test(cluster) || isWide(cluster.codePointAt(0) ?? 0) ? 2 : 1;
}

/** East_Asian_Width W and F of the Unicode Character Database, in the blocks that names are written in. */
function isWide(point: number): boolean {
  return wideRanges.some(([from, to]) => point >= from && point <= to);
}

function isColour(sequence: string): boolean {
  return sequence.length > 1;
}

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

const escapeCharacter = String.fromCharCode(0x1b);
// Colours are matched as wholes, so that what is left of any other sequence shows as text.
const unprintable = new RegExp(`${escapeCharacter}\\[[0-9;]*m|(?![\\t\\n])[\\p{Cc}\\p{Bidi_Control}]`, "gu");

const wideRanges: readonly (readonly [from: number, to: number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18aff],
  [0x1b000, 0x1b2ff],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1faff],
  [0x20000, 0x3fffd],
];
