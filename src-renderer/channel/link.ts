/** Keeps the page joined to the engine: opens the way, follows the status, and begins again when it is lost. */
import type { Client } from "../../src-shared/api/client.ts";
import { createClient } from "../../src-shared/api/client.ts";
import type { AppError } from "../../src-shared/errors.ts";
import { fromWireError, toWireError } from "../../src-shared/errors.ts";
import type { Status } from "../../src-shared/status.ts";
import type { Way } from "./ways.ts";

export interface LinkListener {
  /** A way is being opened for the first time. */
  onOpening(): void;
  onOpen(client: Client): void;
  onStatus(status: Status): void;
  /** Nobody answers; the next try comes by itself. */
  onLost(): void;
  /** The engine refuses this page; nothing more is tried until `retry`. */
  onRefused(error: AppError): void;
}

export interface Link {
  /** Tries now instead of later. */
  retry(): void;
}

/** Starts at once and never ends: a page that cannot reach its engine has nothing else to do. */
export function keepLinked(way: Way, listener: LinkListener): Link {
  let wake = () => {};
  const sleep = (milliseconds: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const run = async () => {
    listener.onOpening();
    for (let failures = 0; ; failures++) {
      const opening = await way();
      if (opening !== null && "refused" in opening) {
        listener.onRefused(opening.refused);
        await sleep(refusedMilliseconds);
        failures = 0;
        continue;
      }
      if (opening !== null) {
        const client = createClient(opening);
        const end = await follow(client, listener);
        client.close();
        if (end.followed) failures = 0;
        if (end.error?.code === "unknown-call") {
          listener.onRefused(end.error);
          await sleep(refusedMilliseconds);
          continue;
        }
      }
      listener.onLost();
      await sleep(waits[Math.min(failures, waits.length - 1)] ?? 0);
    }
  };
  void run();
  return { retry: () => wake() };
}

/** Follows the status until it ends, however it ends. */
async function follow(
  client: Client,
  listener: LinkListener,
): Promise<{ readonly followed: boolean; readonly error: AppError | null }> {
  let followed = false;
  try {
    await client.ready;
    listener.onOpen(client);
    for await (const status of client.stream("status.watch", {})) {
      followed = true;
      listener.onStatus(status);
    }
    return { followed, error: null };
  } catch (error) {
    return { followed, error: fromWireError(toWireError(error)) };
  }
}

/** Between tries. An engine that restarts is back within a second or two. */
const waits = [300, 500, 1000, 2000, 4000] as const;
/** A log-in in another tab gives this one its cookie too. */
const refusedMilliseconds = 15_000;
