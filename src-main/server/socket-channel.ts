/** The contract's channel over a WebSocket of `ws`, for either end. */
import type { WebSocket } from "ws";
import type { Channel } from "../../src-shared/api/channel.ts";

/** A channel that owns the socket. Binary messages end it. */
export function socketChannel(socket: WebSocket): Channel {
  const closeListeners: (() => void)[] = [];
  const early: string[] = [];
  let listen: (text: string) => void = (text) => early.push(text);
  let closed = false;
  socket.on("close", () => {
    closed = true;
    for (const listener of closeListeners.splice(0)) listener();
  });
  // "close" follows every error.
  socket.on("error", () => undefined);
  socket.on("message", (data, isBinary) => {
    if (isBinary) socket.close(unsupportedData);
    else if (socket.readyState === socket.OPEN) listen(String(data));
  });
  return {
    send: (text) =>
      new Promise((resolve) => {
        if (socket.readyState === socket.OPEN) socket.send(text, () => resolve());
        else resolve();
      }),
    onMessage(listener) {
      listen = listener;
      for (const text of early.splice(0)) listener(text);
    },
    onClose(listener) {
      if (closed) listener();
      else closeListeners.push(listener);
    },
    close() {
      socket.close();
    },
  };
}

/** RFC 6455 §7.4.1: a message of a kind that is not taken here. */
const unsupportedData = 1003;
