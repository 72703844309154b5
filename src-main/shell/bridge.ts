/** What the page and the main process say to each other: the contract's frames, and when the engine's end closed. */

/** The one IPC channel. */
export const frameChannel = "starmesh:frame";

/** Instead of a frame: the engine's end has closed. What the page sends next opens a new connection. */
export const engineGone = "";

/** The bridge that the preload script puts into the page as `window.starmesh`. */
export interface Bridge {
  send(frame: string): void;
  /** Names the one listener of frames; it also hears `engineGone`. */
  onFrame(listener: (frame: string) => void): void;
}
