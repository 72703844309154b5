import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { padEnd, printable, tableLines, textWidth } from "../../../src-main/commands/text.ts";

const plain = (text: string) => text;

describe("the width of a text", () => {
  it.each([
    ["", 0],
    ["nas", 3],
    ["Ünï", 3],
    ["U\u0308n", 2],
    ["办公室", 6],
    ["東京-nas", 8],
    ["한국", 4],
    ["ｗｉｄｅ", 8],
    ["🖥", 2],
    ["👨‍👩‍👧 x", 4],
    ["🇨🇳", 2],
    ["½", 1],
  ])("of %j is %i", (text, width) => {
    // A screen without its selector is a text symbol to some terminals and a picture to others.
    expect(textWidth(text === "🖥" ? `${text}\uFE0F` : text)).toBe(width);
  });

  it("is what padding counts with", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.nat(40), (text, width) => {
        const clean = printable(text);
        expect(textWidth(padEnd(clean, width))).toBe(Math.max(textWidth(clean), width));
      }),
    );
  });
});

describe("a table", () => {
  it("lines its columns up, whatever script they are in", () => {
    expect(
      tableLines(
        ["NAME", "ADDRESS", "STATE"],
        [
          ["nas", "10.0.0.1", "online"],
          ["办公室", "10.0.0.20", { text: "offline", colour: "dim" }],
        ],
        plain,
      ),
    ).toEqual(["NAME    ADDRESS    STATE", "nas     10.0.0.1   online", "办公室  10.0.0.20  offline"]);
  });

  it("leaves out columns without content", () => {
    expect(tableLines(["A", "B", "C"], [["1", "", "3"]], plain)).toEqual(["A  C", "1  3"]);
  });

  it("puts colours round the text, not round the space after it", () => {
    const paint = (text: string) => `<${text}>`;
    expect(tableLines(["A", "B"], [[{ text: "x", colour: "red" }, "yy"]], paint)).toEqual([
      "<A>  <B>",
      "<x>  yy",
    ]);
  });

  it("keeps every row on its line", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ unit: "binary" }), fc.string()), { maxLength: 20 }),
        (rows) => {
          const lines = tableLines(["ONE", "TWO"], rows, plain);
          expect(lines).toHaveLength(rows.length + 1);
          for (const line of lines) expect(line).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u);
        },
      ),
    );
  });
});

describe("what reaches a terminal", () => {
  it("moves no cursor, rings no bell, turns no direction", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const left = printable(text).replaceAll(/[\t\n]/g, "");
        expect(left.replaceAll(new RegExp(`${escapeCharacter}\\[[0-9;]*m`, "g"), "")).not.toMatch(
          /\p{Cc}|\p{Bidi_Control}/u,
        );
      }),
    );
    expect(printable(`a${escapeCharacter}[2Jb${escapeCharacter}]0;title\u0007c\u202Ed`)).toBe(
      "a[2Jb]0;titlecd",
    );
    expect(printable(`${escapeCharacter}[32mok${escapeCharacter}[0m\n`)).toBe(
      `${escapeCharacter}[32mok${escapeCharacter}[0m\n`,
    );
  });
});

const escapeCharacter = String.fromCharCode(0x1b);
