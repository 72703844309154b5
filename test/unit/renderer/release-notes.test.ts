import fc from "fast-check";
import { expect, it } from "vitest";
import { partsOfNotes } from "../../../src-renderer/state/release-notes.ts";

it("keeps points and paragraphs of what is new, and nothing that cannot be seen", () => {
  const notes = "## 1.2.3\r\n\n- Faster.\n* Smaller\u202e.\n\u0007Windows asks once.\n- Last\n";
  expect(partsOfNotes(notes)).toEqual([
    { kind: "points", points: ["Faster.", "Smaller."] },
    { kind: "text", text: "Windows asks once." },
    { kind: "points", points: ["Last"] },
  ]);
  expect(partsOfNotes("\n# \n")).toEqual([]);
});

it("understands any text, and never shows more than a hundred lines", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
      const shown = partsOfNotes(text.repeat(3)).flatMap((part) =>
        part.kind === "text" ? [part.text] : part.points,
      );
      expect(shown.length).toBeLessThanOrEqual(100);
      for (const line of shown) expect(line).not.toMatch(/^$|[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
    }),
  );
});
