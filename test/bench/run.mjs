// @ts-check
/**
 * `npm run bench [-- VARIANT… --rounds N --seconds N]`: set-up, then the measurement, bundled as it is. With `lossy`
 * before the variants: over bad lines; with `lossy --parts`: what each part of the link for them is worth. With `turns` before
 * them: held against the first one, in turns; with `gateway`: what a gateway does; with `panel`: how the pages do.
 */
import { pathToFileURL } from "node:url";
import { setUpOrExit } from "../../scripts/setup.mjs";
import { bundle } from "../netns/bundle.mjs";

await setUpOrExit();
/** @type {Readonly<Record<string, string>>} */
const programs = { lossy: "lossy-run", turns: "turns-run", gateway: "turns-run", panel: "panel-run" };
const program = programs[process.argv[2] ?? ""] ?? "run";
await import(pathToFileURL(await bundle(`test/bench/${program}.ts`)).href);
