/** In place of src-main/daemon.ts in tests. */
import { parseArgs } from "node:util";
import { runDaemon } from "./fake-run-daemon.ts";

const { values } = parseArgs({ options: { state: { type: "string" } } });
process.exit(await runDaemon({ state: values.state ?? "", foreground: false, debug: false }));
