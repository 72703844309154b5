/** The members of a network, read again whenever they may have changed. */
import { useCallback, useEffect, useState } from "react";
import type { AppError } from "../../src-shared/errors.ts";
import type { MemberStatus, NetworkStatus } from "../../src-shared/status.ts";
import { asAppError, clientNow, usePanel } from "./use-panel.ts";

interface Members {
  /** Null until they were read. */
  readonly members: readonly MemberStatus[] | null;
  readonly error: AppError | null;
  /** Reads them now, after a change. */
  readonly read: () => void;
}

export function useMembers(network: NetworkStatus): Members {
  const [members, setMembers] = useState<readonly MemberStatus[] | null>(null);
  const [error, setError] = useState<AppError | null>(null);
  const client = usePanel((state) => (state.connection.kind === "open" ? state.connection.client : null));
  const turn = usePanel((state) => Math.floor(state.heardAt / readEveryMilliseconds));
  const { id } = network;
  const read = useCallback(() => {
    void (async () => {
      try {
        setMembers(await clientNow().call("members.list", { network: id }));
        setError(null);
      } catch (reason) {
        setError(asAppError(reason));
      }
    })();
  }, [id]);
  useEffect(() => {
    if (client !== null && turn >= 0) read();
  }, [client, turn, read]);
  return { members, error, read };
}

/** Whoever waits for approval should be seen soon. */
const readEveryMilliseconds = 3000;
