// @ts-check
/** `npm run nat-grid [-- KIND… --tries N --json]`: set-up, then the grid, bundled as it is. */
import { pathToFileURL } from "node:url";
import { setUpOrExit } from "../../scripts/setup.mjs";
import { bundle } from "./bundle.mjs";

await setUpOrExit();
await import(pathToFileURL(await bundle("test/netns/nat-grid.ts")).href);
