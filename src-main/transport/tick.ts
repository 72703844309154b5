/** One tick a second for all that look that often: a machine at rest wakes once for them, and not once for each. */
import type { Millis } from "../../src-shared/ids.ts";

/** Calls back about once a second until what it answers is called. A look that fails keeps no other from looking. */
export function everySecond(look: () => void): () => void {
  // A look of its own, should one function be handed in twice.
  const own = { look };
  looks.add(own);
  timer ??= setInterval(tick, tickMillis);
  return () => {
    looks.delete(own);
    if (looks.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
}

function tick(): void {
  for (const own of looks)
    queueMicrotask(() => {
      if (looks.has(own)) own.look();
    });
}

const looks = new Set<{ readonly look: () => void }>();
let timer: NodeJS.Timeout | null = null;

/** Between two ticks. */
export const tickMillis: Millis = 1000;
