/** Fake answers about mapped ports. */
import type { Handlers } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { PortMapStatus } from "../../src-shared/port-map.ts";

/** None at first; every port can be opened once. */
export function portMapHandlers(): Pick<Handlers, "portmaps.list" | "portmaps.add" | "portmaps.remove"> {
  let portMaps: PortMapStatus[] = [];
  let last = 0;
  return {
    "portmaps.list": async () => ({ portMaps }),
    "portmaps.add": async (map) => {
      const port = Number(map.listen.replace(/^.*:/, ""));
      if (portMaps.some(({ protocol, listen }) => protocol === map.protocol && listen === map.listen))
        throw new AppError("port-in-use", { port });
      const added = { ...map, id: ++last, problem: null };
      portMaps = [...portMaps, added];
      return added;
    },
    "portmaps.remove": async ({ id }) => {
      if (!portMaps.some((map) => map.id === id)) throw new AppError("unknown-port-map", { id });
      portMaps = portMaps.filter((map) => map.id !== id);
      return { portMaps };
    },
  };
}
