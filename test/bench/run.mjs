// @ts-check
/**
 * `npm run bench [-- VARIANT… --rounds N --seconds N]`: set-up, then the measurement, bundled as it is. With `lossy`
 * before the variants: over bad lines; with `lossy --parts`: what each part of the link for them is worth.
 */
import { pathToFileURL } from "node:url";
import { setUpOrExit } from "../../scripts/setup.mjs";
import { bundle } from "../netns/bundle.mjs";

await setUpOrExit();
const program = process.argv[2] === "lossy" ? "test/bench/lossy-run.ts" : "test/bench/run.ts";
await import(pathToFileURL(await bundle(program)).href);
