/** What passes an interface, as somebody who listens there gets it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "./host.ts";
import type { Lab } from "./lab.ts";

export interface Capture {
  /** Ends it and answers every byte that passed. */
  stop(): Promise<Buffer>;
}

/** Begins to record all packets of an interface (`any`: of all). */
export async function capture(lab: Lab, host: Host, device: string): Promise<Capture> {
  const file = join(lab.folder, `${host.name}-${device}.pcap`);
  // Without immediate mode the last packets stay in the kernel's ring when it ends.
  const options = ["-U", "--immediate-mode", "-s", "0", "-B", "8192", "-Z", "root"];
  const child = host.start("tcpdump", ["-i", device, ...options, "-w", file]);
  await child.says(/listening on/);
  return {
    async stop() {
      await child.stop("SIGINT");
      return readFileSync(file);
    },
  };
}
