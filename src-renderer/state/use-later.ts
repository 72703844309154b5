/** Acts that can be taken back, inside components. */
import { useStore } from "zustand";
import type { Client } from "../../src-shared/api/client.ts";
import { createLater } from "./later.ts";
import { asAppError, clientNow } from "./use-panel.ts";

/** The one list of this page. */
export const later = createLater(asAppError);

/** Does something in a moment, unless it is taken back. `done` follows what succeeded. */
export function actLater(act: {
  readonly key: string;
  readonly text: string;
  readonly run: (client: Client) => Promise<unknown>;
}): void {
  later.add({ ...act, run: async () => act.run(clientNow()) });
}

/** Whether something of this key is about to be done. */
export function useLeaving(): (key: string) => boolean {
  const { waiting, running } = useStore(later.store);
  return (key) => [...waiting, ...running].some((act) => act.key === key);
}

/** What names the leaving of a network: its page and its card in the list show it. */
export function leavingNetworkKey({ id }: { readonly id: string }): string {
  return `network ${id}`;
}
