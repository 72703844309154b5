/** Which network a call means. */
import { AppError } from "../../src-shared/errors.ts";
import type { Engine } from "../engine/engine.ts";
import type { Held } from "../engine/held-networks.ts";

/** The network named, or the only one there is. Throws `unknown-network`, `ambiguous-network`, and `usage` where a name is needed. */
export function onlyNetwork(engine: Engine, name: string | undefined): Held {
  if (name !== undefined) return engine.networks.find(name);
  const [only, second] = engine.networks.all();
  if (only === undefined) throw new AppError("usage", { detail: "This machine is in no network yet." });
  if (second === undefined) return only;
  const list = engine.networks.all().map(({ stored }) => stored.name);
  throw new AppError("usage", { detail: `Say in which network, with --network: ${list.join(", ")}.` });
}
