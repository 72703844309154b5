/** The ids in test titles and the list of capabilities belong together. */
import { expect, test } from "vitest";
import { capabilities, proofs } from "../../scripts/capabilities.mjs";

test("every id in a test title stands in docs/capabilities.md", () => {
  const known = new Set(capabilities().map((line) => line.id));
  const unknown = proofs().flatMap(({ ids, title, file }) =>
    ids.filter((id) => !known.has(id)).map((id) => `${file}: ${id} (${title})`),
  );
  expect(unknown).toEqual([]);
});

test("the list is whole and names each line once", () => {
  const ids = capabilities().map((line) => line.id);
  expect(new Set(ids).size).toBe(ids.length);
  const perSystem = Object.fromEntries(
    [..."PEZWC"].map((system) => [system, ids.filter((id) => id.startsWith(system)).length]),
  );
  expect(perSystem).toEqual({ P: 33, E: 25, Z: 38, W: 31, C: 32 });
});
