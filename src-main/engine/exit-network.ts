/** What the way to the internet has to know of one network of this install. */
import type { ExitNetwork } from "./exit.ts";
import type { NetworkLoop } from "./loop.ts";
import type { StoredNetwork } from "./stored.ts";

/** A network as it stands now; `loop` null: it is not connected. */
export function exitNetwork(stored: StoredNetwork, loop: NetworkLoop | null): ExitNetwork {
  const member = (identity: Parameters<ExitNetwork["nameOf"]>[0]) =>
    loop?.machine.membership.member(identity) ?? null;
  return {
    id: stored.network,
    name: stored.name,
    choice: stored.exit ?? null,
    up: stored.up,
    device: loop?.interfaceName ?? null,
    routes: loop?.machine.routes() ?? [],
    nameOf: (identity) => member(identity)?.certificate.name ?? null,
    keyOf: (identity) => member(identity)?.sessionKey ?? null,
    forward: (key) => loop?.lookUpBy(key) ?? (async () => null),
  };
}
