/** Calls about ports of this machine that lead to a member's port. */
import type { Handlers } from "../../src-shared/api/contract.ts";
import type { Install } from "./install.ts";

/** Answers of the noun “portmaps”. */
export function portMapHandlers({
  engine,
}: Install): Pick<Handlers, "portmaps.list" | "portmaps.add" | "portmaps.remove"> {
  const list = () => ({ portMaps: engine.portMaps.list() });
  return {
    "portmaps.list": async () => list(),
    "portmaps.add": async (map) => engine.portMaps.add(map),
    "portmaps.remove": async ({ id }) => {
      engine.portMaps.remove(id);
      return list();
    },
  };
}
