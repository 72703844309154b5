import { describe, expect, it } from "vitest";
import { withName, withoutName } from "../../../src-main/mesh/name-list.ts";
import type { NameEntry } from "../../../src-shared/names.ts";
import { mostNameEntries, nameEntry } from "../../../src-shared/names.ts";

const members = ["nas", "TV"];
const printer: NameEntry = { kind: "address", name: "printer", address: "192.168.1.9" };
const files: NameEntry = { kind: "alias", name: "files", of: "nas" };

describe("names by hand", () => {
  it("[Z38] are added once, with several addresses where they have them, and taken back as one", () => {
    const second: NameEntry = { ...printer, address: "192.168.1.10" };
    const both = withName(withName([], printer, members), second, members);
    expect(both).toEqual([printer, second]);
    expect(withName(both, printer, members)).toBe(both);
    expect(withoutName([...both, files], "printer")).toEqual([files]);
    expect(() => withoutName([files], "printer")).toThrow(expect.objectContaining({ code: "unknown-name" }));
  });

  it("are refused where somebody has them, and aliases where they lead to nothing", () => {
    const codeOf = (names: readonly NameEntry[], entry: NameEntry) => {
      try {
        withName(names, entry, members);
        return null;
      } catch (error) {
        return error instanceof Error && "code" in error ? error.code : error;
      }
    };
    expect(codeOf([], { ...printer, name: "tv" })).toBe("name-taken");
    expect(codeOf([files], { ...printer, name: "files" })).toBe("name-taken");
    expect(codeOf([printer], { ...files, name: "printer" })).toBe("name-taken");
    expect(codeOf([], { ...files, of: "nobody" })).toBe("unknown-name");
    expect(codeOf([], { ...files, of: "files" })).toBe("unknown-name");
    expect(codeOf([printer], { ...files, of: "printer" })).toBeNull();
    const full = Array.from(
      { length: mostNameEntries },
      (_, at): NameEntry => ({ ...printer, name: `n${at}` }),
    );
    expect(codeOf(full, printer)).toBe("names-full");
    expect(JSON.stringify(full.map((each) => ({ ...each, name: "x".repeat(180) }))).length).toBeLessThan(
      262_144,
    );
  });

  it("are host names in small letters", () => {
    expect(nameEntry.parse({ kind: "address", name: "WWW.Office", address: "::FFFF" })).toEqual({
      kind: "address",
      name: "www.office",
      address: "::ffff",
    });
    for (const name of ["", "-a", "a-", "a..b", "a_b", "ä", "x".repeat(64), `${"x.".repeat(95)}x`])
      expect(nameEntry.safeParse({ kind: "address", name, address: "10.0.0.1" }).success).toBe(false);
    expect(nameEntry.safeParse({ kind: "address", name: "a", address: "nas" }).success).toBe(false);
  });
});
