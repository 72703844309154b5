// @ts-check
/** `npm run sim`: the large simulation, bundled as it is, with as much memory as it takes. */
import { runHere } from "../../scripts/command.mjs";
import { bundle } from "../netns/bundle.mjs";

const file = await bundle("test/sim/large.ts");
process.exitCode = await runHere(process.execPath, [
  "--max-old-space-size=16000",
  // Most of what is made is thrown away at once: a fifth of the time less.
  "--max-semi-space-size=64",
  file,
  ...process.argv.slice(2),
]);
