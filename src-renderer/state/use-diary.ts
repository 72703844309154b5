/** What the engine remembers of peers, read again while a page shows it. */
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

/** A peer by the id of its network and its name. */
export interface DiaryOf {
  readonly network: string;
  readonly peer: string;
}

interface Read<Value> {
  /** Null until it was read for this reach. */
  readonly value: Value | null;
  /** Begin and end of what was asked for. Milliseconds since 1970. */
  readonly since: number;
  readonly until: number;
  readonly error: AppError | null;
}

/** One peer's diary. */
export function useDiary(of: DiaryOf, reach: Reach): Read<Diary> {
  const { value, ...read } = useDiaries([of], reach);
  return { ...read, value: value?.get(diaryName(of)) ?? null };
}

/** Several peers' diaries by `diaryName`; those not read yet are missing. */
export function useDiaries(of: readonly DiaryOf[], reach: Reach): Read<ReadonlyMap<string, Diary>> {
  const [read, setRead] = useState<Read<ReadonlyMap<string, Diary>> & { readonly reach: Reach }>({
    ...unread,
    reach,
  });
  const client = usePanel((state) => (state.connection.kind === "open" ? state.connection.client : null));
  const turn = usePanel((state) => Math.floor(state.heardAt / readEveryMilliseconds[reach]));
  const names = JSON.stringify(of);
  useEffect(() => {
    if (client === null || turn < 0) return;
    let wanted = true;
    const until = Date.now();
    const since = until - reachLengths[reach];
    const asked = JSON.parse(names) as readonly DiaryOf[];
    const time = { since: new Date(since).toISOString(), points: columns };
    Promise.all(
      asked.map(
        async (one) => [diaryName(one), await client.call("diary.read", { ...one, ...time })] as const,
      ),
    ).then(
      (diaries) => wanted && setRead({ value: new Map(diaries), since, until, error: null, reach }),
      (reason: unknown) => wanted && setRead((before) => ({ ...before, reach, error: asAppError(reason) })),
    );
    return () => {
      wanted = false;
    };
  }, [client, turn, names, reach]);
  return read.reach === reach ? read : unread;
}

export function diaryName({ network, peer }: DiaryOf): string {
  return `${network} ${peer}`;
}

const unread = { value: null, since: 0, until: 0, error: null } as const;
const readEveryMilliseconds = { hour: 5000, day: 30_000, week: 60_000 } as const satisfies Record<
  Reach,
  number
>;
/** About one for two pixels. */
const columns = 336;
