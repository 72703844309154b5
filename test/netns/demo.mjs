// @ts-check
/** `npm run demo`: set-up, then the demonstration, bundled as it is. */
import { pathToFileURL } from "node:url";
import { setUpOrExit } from "../../scripts/setup.mjs";
import { bundle } from "./bundle.mjs";

await setUpOrExit();
await import(pathToFileURL(await bundle("test/netns/demo.ts")).href);
