/** What cannot be undone waits a moment before it is done, so that it can be taken back. */
import type { StoreApi } from "zustand/vanilla";
import { createStore } from "zustand/vanilla";
import type { AppError } from "../../src-shared/errors.ts";

export interface LaterAct {
  /** Tells it from all others: `member ID`, so that its row can show that it goes. */
  readonly key: string;
  /** What is about to happen: “nas is removed”. */
  readonly text: string;
  readonly run: () => Promise<unknown>;
}

export interface LaterState {
  /** The newest last. */
  readonly waiting: readonly LaterAct[];
  /** Being done now: their rows stay as they are until the engine has told. */
  readonly running: readonly LaterAct[];
  /** What failed last; null: nothing, or it was put away. */
  readonly failed: { readonly text: string; readonly error: AppError } | null;
}

export interface Later {
  readonly store: StoreApi<LaterState>;
  /** Does it in a moment, unless it is taken back. The same key twice is once. */
  readonly add: (act: LaterAct) => void;
  readonly takeBack: (key: string) => void;
  /** Does all of it at once: the page goes. */
  readonly doNow: () => void;
  /** Nothing is done while somebody holds: the reader is at the button. */
  readonly hold: (held: boolean) => void;
  readonly putAway: () => void;
}

export function createLater(asError: (reason: unknown) => AppError, milliseconds: number = grace): Later {
  const store = createStore<LaterState>(() => ({ waiting: [], running: [], failed: null }));
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  let isHeld = false;
  const without = (acts: readonly LaterAct[], key: string) => acts.filter((act) => act.key !== key);
  const start = (key: string) => {
    clearTimeout(timers.get(key));
    if (!isHeld)
      timers.set(
        key,
        setTimeout(() => perform(key), milliseconds),
      );
  };
  const perform = (key: string) => {
    clearTimeout(timers.get(key));
    timers.delete(key);
    const act = store.getState().waiting.find((each) => each.key === key);
    if (act === undefined) return;
    store.setState(({ waiting, running }) => ({
      waiting: without(waiting, key),
      running: [...without(running, key), act],
    }));
    const end = (failed: LaterState["failed"]) =>
      store.setState((state) => ({
        running: without(state.running, key),
        failed: failed ?? state.failed,
      }));
    act.run().then(
      () => setTimeout(() => end(null), settling),
      (reason: unknown) => end({ text: act.text, error: asError(reason) }),
    );
  };
  return {
    store,
    add(act) {
      store.setState(({ waiting }) => ({ waiting: [...without(waiting, act.key), act], failed: null }));
      start(act.key);
    },
    takeBack(key) {
      clearTimeout(timers.get(key));
      timers.delete(key);
      store.setState(({ waiting }) => ({ waiting: without(waiting, key) }));
    },
    doNow() {
      for (const { key } of store.getState().waiting) perform(key);
    },
    hold(held) {
      isHeld = held;
      for (const { key } of store.getState().waiting) {
        clearTimeout(timers.get(key));
        if (!held) start(key);
      }
    },
    putAway: () => store.setState({ failed: null }),
  };
}

/** Long enough to read the line and find the button. */
const grace = 8000;
/** The list that shows the row is read again every few seconds: till then it stays as good as gone. */
const settling = 4000;
