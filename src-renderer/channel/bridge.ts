/** A channel over the bridge that the window's preload script lays: how the pages reach the engine in the desktop app. */
import type { Channel } from "../../src-shared/api/channel.ts";

/** What the preload script puts at `window.starmesh`; absent in a browser. */
export interface Bridge {
  send(frame: string): void;
  /** Names the one listener of frames; null says that the engine is gone, and the next frame connects anew. */
  onFrame(listener: (frame: string | null) => void): void;
}

declare global {
  interface Window {
    readonly starmesh?: Bridge;
  }
}

/** A channel until the engine is gone; another one may follow it over the same bridge. */
export function bridgeChannel(bridge: Bridge): Channel {
  const closeListeners: (() => void)[] = [];
  let closed = false;
  const close = () => {
    closed = true;
    for (const listener of closeListeners.splice(0)) listener();
  };
  let hear = (_text: string) => {};
  bridge.onFrame((frame) => {
    if (closed) return;
    if (frame === null) close();
    else hear(frame);
  });
  return {
    send(text) {
      if (!closed) bridge.send(text);
    },
    onMessage(listener) {
      hear = listener;
    },
    onClose(listener) {
      if (closed) listener();
      else closeListeners.push(listener);
    },
    close,
  };
}
