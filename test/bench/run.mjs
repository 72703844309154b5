// @ts-check
/** `npm run bench [-- VARIANT… --rounds N --seconds N]`: set-up, then the measurement, bundled as it is. */
import { pathToFileURL } from "node:url";
import { setUpOrExit } from "../../scripts/setup.mjs";
import { bundle } from "../netns/bundle.mjs";

await setUpOrExit();
await import(pathToFileURL(await bundle("test/bench/run.ts")).href);
