/** Waiting for a state: asks again and again until there is an answer, and says what was missing when there is none. */
import { setTimeout as delay } from "node:timers/promises";

/** The first answer that is neither null, undefined nor false. Throws once the time is over. */
export async function waitUntil<Answer>(
  what: string,
  ask: () => Answer | null | undefined | false | Promise<Answer | null | undefined | false>,
  millis = 60_000,
): Promise<Answer> {
  const end = performance.now() + millis;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`waited ${millis} ms in vain: ${what}`);
    await delay(pauseMillis);
  }
}

const pauseMillis = 25;
