/** The members of a network, read again whenever they may have changed. */
import { useCallback, useEffect, useRef, useState } from "react";
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
  const latest = useRef(0);
  const read = useCallback(() => {
    // Answers may overtake each other: only the newest question's counts, or a row would jump back.
    const asked = ++latest.current;
    void (async () => {
      try {
        const answer = await clientNow().call("members.list", { network: id });
        if (asked !== latest.current) return;
        setMembers(answer);
        setError(null);
      } catch (reason) {
        if (asked === latest.current) setError(asAppError(reason));
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
