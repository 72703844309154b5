/** What the engine remembers of a peer, read again while its page is open. */
import { useEffect, useState } from "react";
import type { Diary } from "../../src-shared/diary.ts";
import type { AppError } from "../../src-shared/errors.ts";
import { asAppError, usePanel } from "./use-panel.ts";

/** How far back one looks. */
export type Reach = "hour" | "day" | "week";

/** Milliseconds. */
export const reachLengths = {
  hour: 3_600_000,
  day: 86_400_000,
  week: 7 * 86_400_000,
} as const satisfies Record<Reach, number>;

export interface RememberedPeer {
  /** Null until it was read for this reach. */
  readonly diary: Diary | null;
  /** Begin and end of what was asked for. Milliseconds since 1970. */
  readonly since: number;
  readonly until: number;
  readonly error: AppError | null;
}

export function useDiary(network: string, peer: string, reach: Reach): RememberedPeer {
  const [read, setRead] = useState<RememberedPeer & { readonly reach: Reach }>({ ...unread, reach });
  const client = usePanel((state) => (state.connection.kind === "open" ? state.connection.client : null));
  const turn = usePanel((state) => Math.floor(state.heardAt / readEveryMilliseconds[reach]));
  useEffect(() => {
    if (client === null || turn < 0) return;
    let wanted = true;
    const until = Date.now();
    const since = until - reachLengths[reach];
    client.call("diary.read", { network, peer, since: new Date(since).toISOString(), points: columns }).then(
      (diary) => wanted && setRead({ diary, since, until, error: null, reach }),
      (reason: unknown) => wanted && setRead((before) => ({ ...before, reach, error: asAppError(reason) })),
    );
    return () => {
      wanted = false;
    };
  }, [client, turn, network, peer, reach]);
  return read.reach === reach ? read : { ...unread, error: null };
}

const unread: RememberedPeer = { diary: null, since: 0, until: 0, error: null };
const readEveryMilliseconds = { hour: 5000, day: 30_000, week: 60_000 } as const satisfies Record<
  Reach,
  number
>;
/** About one for two pixels. */
const columns = 336;
