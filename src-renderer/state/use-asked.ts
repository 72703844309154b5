/** Something that only a call to the engine tells, read again whenever it may have changed. */
import { useCallback, useEffect, useRef, useState } from "react";
import type { Client } from "../../src-shared/api/client.ts";
import type { AppError } from "../../src-shared/errors.ts";
import { asAppError, clientNow, usePanel } from "./use-panel.ts";

export interface Asked<Value> {
  /** Null until it was read. */
  readonly value: Value | null;
  readonly error: AppError | null;
  /** Reads it now, after a change. */
  readonly read: () => void;
}

/** Asks at once, every few seconds, and whenever `about`, what the question is about, is another. */
export function useAsked<Value>(about: string, ask: (client: Client) => Promise<Value>): Asked<Value> {
  const [state, setState] = useState<{ readonly value: Value | null; readonly error: AppError | null }>(
    unread,
  );
  const client = usePanel(({ connection }) => (connection.kind === "open" ? connection.client : null));
  const turn = usePanel(({ heardAt }) => Math.floor(heardAt / readEveryMilliseconds));
  const question = useRef(ask);
  question.current = ask;
  const latest = useRef(0);
  const read = useCallback(() => {
    // Answers may overtake each other: only the newest question's counts, or a row would jump back.
    const asked = ++latest.current;
    void (async () => {
      try {
        const value = await question.current(clientNow());
        if (asked === latest.current) setState({ value, error: null });
      } catch (reason) {
        if (asked === latest.current) setState(({ value }) => ({ value, error: asAppError(reason) }));
      }
    })();
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is asked about is another question.
  useEffect(() => {
    if (client !== null && turn >= 0) read();
  }, [client, turn, read, about]);
  return { ...state, read };
}

const unread = { value: null, error: null } as const;
/** Whoever waits for approval should be seen soon. */
const readEveryMilliseconds = 3000;
