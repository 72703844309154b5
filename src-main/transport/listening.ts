/** Servers that listen. */
import type { ListenOptions, Server } from "node:net";

/** Listens there. Rejects with what the system says, `code` `EADDRINUSE`, `EACCES`, …; what fails later ends nothing else. */
export function startListening(server: Server, where: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      server.on("error", () => undefined);
      resolve();
    });
  });
}
