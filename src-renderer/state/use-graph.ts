/** A network's picture, read again while its page is open. */
import { useEffect, useState } from "react";
import type { AppError } from "../../src-shared/errors.ts";
import type { NetworkGraph } from "../../src-shared/graph.ts";
import { asAppError, usePanel } from "./use-panel.ts";

export function useNetworkGraph(network: string | undefined): {
  /** Null until it was read. */
  readonly told: NetworkGraph | null;
  readonly error: AppError | null;
} {
  const [told, setTold] = useState<{ readonly of: string; readonly graph: NetworkGraph } | null>(null);
  const [error, setError] = useState<AppError | null>(null);
  const client = usePanel((state) => (state.connection.kind === "open" ? state.connection.client : null));
  const turn = usePanel((state) => Math.floor(state.heardAt / readEveryMilliseconds));
  useEffect(() => {
    if (client === null || turn < 0 || network === undefined) return;
    let wanted = true;
    client.call("networks.graph", { network }).then(
      (graph) => {
        if (!wanted) return;
        setTold({ of: network, graph });
        setError(null);
      },
      (reason: unknown) => wanted && setError(asAppError(reason)),
    );
    return () => {
      wanted = false;
    };
  }, [client, turn, network]);
  return { told: told?.of === network ? (told?.graph ?? null) : null, error };
}

const readEveryMilliseconds = 5000;
