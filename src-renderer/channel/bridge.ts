/** A channel over the bridge that the window's preload script lays: how the pages reach the engine in the desktop app. */
import type { Bridge } from "../../src-shared/api/bridge.ts";
import type { Channel } from "../../src-shared/api/channel.ts";

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
