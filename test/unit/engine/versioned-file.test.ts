import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { readVersioned, writeVersioned } from "../../../src-main/engine/versioned-file.ts";
import { AppError } from "../../../src-shared/errors.ts";

const schema = z.object({ version: z.literal(1), name: z.string(), list: z.array(z.number()) });

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "starmesh-file-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("a versioned file", () => {
  it("gives back what was written, and null before", () => {
    const path = join(folder, "a.json");
    expect(readVersioned(path, schema)).toBeNull();
    fc.assert(
      fc.property(fc.record({ name: fc.string(), list: fc.array(fc.integer()) }), (value) => {
        writeVersioned(path, { version: 1, ...value });
        expect(readVersioned(path, schema)).toEqual({ version: 1, ...value });
      }),
      { numRuns: 20 },
    );
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["a.json"]);
  });

  it("refuses anything else with state-unreadable and leaves it as it is", () => {
    const garbage = fc.oneof(
      fc.string(),
      fc.json(),
      fc.uint8Array().map((bytes) => Buffer.from(bytes).toString("latin1")),
      fc.constantFrom("", "null", "{}", '{"version":2}', '{"version":1,"name":3}', '{"version":1'),
    );
    let number = 0;
    fc.assert(
      fc.property(garbage, (text) => {
        const path = join(folder, `${number++}.json`);
        writeFileSync(path, text);
        expect(code(() => readVersioned(path, schema))).toBe("state-unreadable");
        const written = code(() => writeVersioned(path, { version: 1 }));
        // A file of our version is replaced knowingly; reading it told the engine that it is damaged.
        if (text !== '{"version":1,"name":3}') {
          expect(written).toBe("state-unreadable");
          expect(readFileSync(path, "utf8")).toBe(Buffer.from(text).toString());
        }
      }),
      { numRuns: 200 },
    );
  });

  it("names the file and what is wrong in one line", () => {
    const path = join(folder, "node.json");
    writeFileSync(path, '{"version":7}');
    expect(message(() => readVersioned(path, schema))).toBe(
      `The file ${path} cannot be read: it is of version 7, made by another Starmesh. Move it away to start afresh.`,
    );
    writeFileSync(path, '{"version":1,"name":"x","list":[true]}');
    expect(message(() => readVersioned(path, schema))).toMatch(/cannot be read: list\.0: /);
  });
});

const code = (work: () => unknown) => thrown(work)?.code;
const message = (work: () => unknown) => thrown(work)?.message;

function thrown(work: () => unknown): AppError | undefined {
  try {
    work();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  return undefined;
}
