/** The engine's log as it grows, while a page looks on. */
import { useEffect, useState } from "react";
import type { AppError } from "../../src-shared/errors.ts";
import { asAppError, usePanel } from "./use-panel.ts";

/** One line, numbered since the page was opened, so that lists tell equal ones apart. */
export interface LogLine {
  readonly number: number;
  readonly text: string;
}

export interface LiveLog {
  /** The oldest first; the newest thousand. Null until the log answered. */
  readonly lines: readonly LogLine[] | null;
  /** Lines that the engine left out because there were too many. */
  readonly missed: number;
  readonly error: AppError | null;
}

export function useLog(): LiveLog {
  const [log, setLog] = useState<LiveLog>(nothingYet);
  const client = usePanel((state) => (state.connection.kind === "open" ? state.connection.client : null));
  useEffect(() => {
    if (client === null) return;
    const stopper = new AbortController();
    const watch = async () => {
      let isFirst = true;
      try {
        for await (const { lines, missed } of client.stream("log.watch", {}, stopper.signal)) {
          // A new connection begins with lines that are known already.
          const fresh = isFirst;
          isFirst = false;
          setLog((before) => grown(fresh ? nothingYet : before, lines, missed));
        }
      } catch (reason) {
        if (!stopper.signal.aborted) setLog((before) => ({ ...before, error: asAppError(reason) }));
      }
    };
    void watch();
    return () => stopper.abort();
  }, [client]);
  return log;
}

function grown(before: LiveLog, lines: readonly string[], missed: number): LiveLog {
  const known = before.lines ?? [];
  const next = (known.at(-1)?.number ?? 0) + 1;
  return {
    lines: [...known, ...lines.map((text, at) => ({ number: next + at, text }))].slice(-mostLines),
    missed: before.missed + missed,
    error: null,
  };
}

const nothingYet: LiveLog = { lines: null, missed: 0, error: null };
const mostLines = 1000;
