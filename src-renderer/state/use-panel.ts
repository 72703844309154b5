/** The panel's state inside components, and calls to the engine with their progress. */
import { useCallback, useRef, useState } from "react";
import { useStore } from "zustand";
import type { Client } from "../../src-shared/api/client.ts";
import { AppError, fromWireError, toWireError } from "../../src-shared/errors.ts";
import type { NetworkStatus, Status } from "../../src-shared/status.ts";
import type { PanelState } from "./panel.ts";
import { createPanel } from "./panel.ts";

/** The one panel of this page. */
export const panel = createPanel();

export function usePanel<Value>(select: (state: PanelState) => Value): Value {
  return useStore(panel.store, select);
}

/** The engine's last status; only below the frame, which shows pages once there is one. */
export function useStatus(): Status {
  const status = usePanel((state) => state.status);
  if (status === null) throw new Error("a page was shown before the first status");
  return status;
}

/** A network of this node by id; undefined once it is left. */
export function useNetwork(id: string): NetworkStatus | undefined {
  return useStatus().networks.find((network) => network.id === id);
}

/** Something that is asked of the engine, with what the page shows meanwhile. */
export interface Task<Input, Output> {
  readonly busy: boolean;
  /** Why the last run failed; null before and after a good one. */
  readonly error: AppError | null;
  /** Asks; null when it failed. A run while another is under way does nothing. */
  readonly run: (input: Input) => Promise<Output | null>;
  readonly reset: () => void;
}

export function useTask<Input, Output>(
  work: (client: Client, input: Input) => Promise<Output>,
): Task<Input, Output> {
  const [state, setState] = useState<{ readonly busy: boolean; readonly error: AppError | null }>(idle);
  const latest = useRef(work);
  latest.current = work;
  const busy = useRef(false);
  const run = useCallback(async (input: Input) => {
    if (busy.current) return null;
    busy.current = true;
    setState({ busy: true, error: null });
    try {
      const output = await latest.current(clientNow(), input);
      setState(idle);
      return output;
    } catch (error) {
      setState({ busy: false, error: asAppError(error) });
      return null;
    } finally {
      busy.current = false;
    }
  }, []);
  const reset = useCallback(() => setState(idle), []);
  return { ...state, run, reset };
}

/** The client of this moment. Throws `not-running` while nobody answers. */
export function clientNow(): Client {
  const { connection } = panel.store.getState();
  if (connection.kind !== "open") throw new AppError("not-running");
  return connection.client;
}

/** Whatever was thrown, as one of our errors. */
export function asAppError(error: unknown): AppError {
  return error instanceof AppError ? error : fromWireError(toWireError(error));
}

const idle = { busy: false, error: null } as const;
