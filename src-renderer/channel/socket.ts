/** A channel over a WebSocket: how the pages reach the engine that serves them. */
import type { Channel } from "../../src-shared/api/channel.ts";

/** Opens a channel; null when the socket could not be opened (the browser does not say why). */
export function openSocket(url: string): Promise<Channel | null> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onopen = () => resolve(socketChannel(socket));
    socket.onclose = () => resolve(null);
  });
}

function socketChannel(socket: WebSocket): Channel {
  const early: string[] = [];
  const closeListeners: (() => void)[] = [];
  let hear: (text: string) => void = (text) => early.push(text);
  let closed = false;
  socket.onmessage = (event: MessageEvent<unknown>) => {
    if (typeof event.data === "string") hear(event.data);
  };
  socket.onclose = () => {
    closed = true;
    for (const listener of closeListeners.splice(0)) listener();
  };
  return {
    send(text) {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    onMessage(listener) {
      hear = listener;
      for (const text of early.splice(0)) listener(text);
    },
    onClose(listener) {
      if (closed) listener();
      else closeListeners.push(listener);
    },
    close: () => socket.close(),
  };
}
