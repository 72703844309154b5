/** Has the engine write down everything for a while, before a report is made. */
import { useEffect, useRef, useState } from "react";
import type { AppError } from "../../src-shared/errors.ts";
import { asAppError, clientNow } from "./use-panel.ts";

export interface Tracing {
  /** Seconds until it ends; null: nothing is written down. */
  readonly secondsLeft: number | null;
  readonly error: AppError | null;
  /** Resolves when the time is over or `stop` was called; false: nothing came of it, or the page has gone. */
  readonly collect: (seconds: number) => Promise<boolean>;
  readonly stop: () => void;
}

export function useTrace(): Tracing {
  const [secondsLeft, setSecondsLeft] = useState<number | null>(null);
  const [error, setError] = useState<AppError | null>(null);
  const stopper = useRef<AbortController | null>(null);
  const isGone = useRef(false);
  useEffect(() => {
    isGone.current = false;
    return () => {
      isGone.current = true;
      stopper.current?.abort();
    };
  }, []);

  const collect = async (seconds: number) => {
    const own = new AbortController();
    stopper.current = own;
    setError(null);
    let failure: AppError | null = null;
    try {
      for await (const told of clientNow().stream("report.trace", { seconds }, own.signal))
        if (!own.signal.aborted) setSecondsLeft(told.secondsLeft);
    } catch (reason) {
      if (!own.signal.aborted) failure = asAppError(reason);
    }
    if (isGone.current) return false;
    setSecondsLeft(null);
    setError(failure);
    return failure === null;
  };
  return { secondsLeft, error, collect, stop: () => stopper.current?.abort() };
}
