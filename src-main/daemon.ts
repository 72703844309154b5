/** Entry of the background process: `daemon.js --state DIR [--panel ADDR|off] [--debug]`. */
import { parseArgs } from "node:util";
import { runDaemon } from "./run-daemon.ts";

const { values } = parseArgs({
  options: { state: { type: "string" }, panel: { type: "string" }, debug: { type: "boolean" } },
});
const status = await runDaemon({
  state: values.state,
  foreground: false,
  panel: values.panel === "off" ? false : values.panel,
  debug: values.debug,
});
process.exit(status);
