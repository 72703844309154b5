/** A pipe of text messages with a secret that only its two ends know: what the control protocol runs over. */

import type { Secret } from "./door.ts";

/** One end of an open pipe. */
export interface Channel {
  /** 32 bytes shared by exactly these two ends (TLS exporter): a signature over them proves who is at the other end. */
  readonly exporter: Uint8Array;
  /** IP address of the other end. */
  readonly remote: string;
  /** Bytes accepted by `send` that have not left yet. */
  queued(): number;
  /** Sends a message; silently nothing once closed. Bytes must be UTF-8 and may be shared between channels. */
  send(message: string | Uint8Array): void;
  /** Asks for a sign of life, which arrives as `heard`. */
  ping(): void;
  /** Stops reading until `resume`: pushes back on a sender that is too fast. */
  pause(): void;
  resume(): void;
  /** Closes after what was sent has left; a peer that does not take it is cut off. */
  close(): void;
  /** Cuts at once. */
  cut(): void;
  /** Begins delivery, what came before first; or moves it to another listener. */
  listen(listener: ChannelListener): void;
}

export interface ChannelListener {
  /** A whole message; null when it was not text. */
  message(text: string | null): void;
  /** Any sign of life, messages included. */
  heard(): void;
  /** Once, whoever closed it. Nothing follows. */
  closed(): void;
}

/**
 * Opens a channel to `host:port`, whose door opens to those who know the secret; rejects with the cause when that fails or
 * the signal fires first.
 */
export type Connect = (address: string, secret: Secret, signal: AbortSignal) => Promise<Channel>;

/** No message may be longer, in bytes; a peer that sends one is cut off. */
export const longestMessage = 1024 * 1024;
