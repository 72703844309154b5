// @ts-check
/** `npm run screenshots [-- --only PART --in FOLDER]`: builds the pages, then takes a picture of everything they can show. */
import { pathToFileURL } from "node:url";
import { setUpOrExit } from "../../scripts/setup.mjs";
import { bundle } from "../netns/bundle.mjs";

await setUpOrExit();
await import(pathToFileURL(await bundle("test/browser/screenshots.ts")).href);
