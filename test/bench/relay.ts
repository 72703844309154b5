/** A relay between two ends, without an engine: opens a channel pair once both have a session, and says its labels. */
import { createRequire } from "node:module";
import type { Addon } from "../../drivers/dataplane.ts";

export interface RelayOptions {
  /** Path of the addon. */
  readonly addon: string;
  readonly privateKey: string;
  /** Stands for the hash of a router's identity; base64. */
  readonly prologue: string;
  readonly port: number;
  /** Public keys of the two ends. */
  readonly between: readonly [string, string];
}

const realm = "relay";

const { addon: path, privateKey, prologue, port, between }: RelayOptions = JSON.parse(process.argv[2] ?? "");
const missing = new Set<string>(between);
const dataPlane = (createRequire(import.meta.url)(path) as Addon).start((events) => {
  for (const event of events) {
    if (event.kind === "failed") process.stderr.write(`failed: ${event.message}\n`);
    if (event.kind !== "session" || !missing.delete(event.peer) || missing.size > 0) continue;
    const { from, to } = dataPlane.openChannel(realm, ...between);
    process.stdout.write(`channels ${from} ${to}\n`);
  }
});
dataPlane.bind("main", port);
dataPlane.openRealm({
  realm,
  socket: "main",
  kind: "router",
  privateKey,
  prologue,
  stampFloorMillis: Date.now(),
});
for (const publicKey of between) {
  dataPlane.setPeer(realm, { publicKey, kind: "node", allowed: [], keepaliveSeconds: 0 });
}
process.stdout.write("ready\n");
process.on("SIGTERM", () => {
  dataPlane.stop();
  process.exit(0);
});
setInterval(() => undefined, 60_000);
