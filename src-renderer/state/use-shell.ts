/** What the desktop app's window can do beyond the engine; nothing in a browser. */
import { useStore } from "zustand";
import { createStore } from "zustand/vanilla";
import type { HandedFile, Shell, ShellChange, ShellStatus } from "../../src-shared/api/bridge.ts";

interface ShellState {
  /** Null in a browser, and until the window has answered. */
  readonly status: ShellStatus | null;
  /** Handed over last and not taken yet. */
  readonly file: HandedFile | null;
}

/** What the window says and hands over, kept for whichever page wants it. */
const store = createStore<ShellState>(() => ({ status: null, file: null }));

/** To be called once, as the page starts. */
export function listenToShell(shell: Shell | undefined): void {
  if (shell === undefined) return;
  const hear = (status: ShellStatus) => store.setState({ status });
  shell.onStatus(hear);
  shell.onFile((file) => store.setState({ file }));
  void shell.read().then(hear);
}

/** The window with its status; null in a browser. */
export function useShell(): { readonly shell: Shell; readonly status: ShellStatus } | null {
  const status = useStore(store, (state) => state.status);
  const shell = window.starmesh?.shell;
  return shell === undefined || status === null ? null : { shell, status };
}

/** Changes the window's own settings; what is left out stays. */
export async function changeShell(change: ShellChange): Promise<void> {
  const shell = window.starmesh?.shell;
  if (shell !== undefined) store.setState({ status: await shell.change(change) });
}

/** The file that was opened with the app, until somebody takes it. */
export function useHandedFile(): HandedFile | null {
  return useStore(store, (state) => state.file);
}

export function takeHandedFile(): void {
  store.setState({ file: null });
}
