/** The channels between the page and the main process. */
import type { HandedFile, ShellStatus } from "../../src-shared/api/bridge.ts";

/** The contract's frames, in both directions; null to the page: the engine's end has closed. */
export const frameChannel = "starmesh:frame";

/** A call of the shell's own: its name, then its input; answered. */
export const shellChannel = "starmesh:shell";

/** To the page, unasked: `ShellNews`. */
export const newsChannel = "starmesh:news";

export type ShellNews =
  | { readonly kind: "status"; readonly status: ShellStatus }
  /** Files wait to be taken. */
  | { readonly kind: "files" };

/** The calls between preload script and main process that no page sees, beside those of `Shell`. */
export interface PreloadCalls {
  /** The files that wait; each is given once. */
  takeFiles(): readonly HandedFile[];
  /** Something was dropped on the window. */
  drop(file: HandedFile): void;
  /** Which background the page shows, for the next window to begin with. */
  showBackground(background: "light" | "dark"): void;
}
