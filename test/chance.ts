/** What chance is made of in property tests: one seed for everybody, or none where new cases are looked for. */
import fc from "fast-check";

const seed = process.env["STARMESH_TEST_SEED"] ?? "1";
if (seed !== "") fc.configureGlobal({ seed: Number(seed) });
