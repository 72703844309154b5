/** Asks other servers of the domain name system, one after the other, for what is not ours to answer. */
import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { isAnswerTo, isTruncated, renumbered } from "./dns-message.ts";
import { framed, takeFramed } from "./dns-stream.ts";

export interface ForwardOptions {
  /** 53 unless given. */
  readonly port?: number;
  /** How long each server is waited for. */
  readonly millis?: number;
}

/**
 * Has a query answered by the first of some servers that does so; null when none does. Over a stream when it came by one;
 * else an answer without room in its datagram is given as it is, so that the asker comes again by a stream.
 */
export async function forwardQuery(
  query: Uint8Array,
  servers: readonly string[],
  stream: boolean,
  options: ForwardOptions = {},
): Promise<Uint8Array | null> {
  // A number of our own, so that nobody who knows the asker's can answer in the server's place.
  const own = renumbered(query, randomInt(65_536));
  for (const server of servers) {
    const answer = await (stream ? askByStream : askByDatagram)(own, server, options);
    if (answer !== null && !isFailure(answer)) return answer;
  }
  return null;
}

/** The same for somebody who gets the answer whole: what has no room in a datagram is asked for over a stream. */
export async function forwardWhole(
  query: Uint8Array,
  servers: readonly string[],
): Promise<Uint8Array | null> {
  const answer = await forwardQuery(query, servers, false);
  if (answer === null || !isTruncated(answer)) return answer;
  return (await forwardQuery(query, servers, true)) ?? answer;
}

function askByDatagram(
  query: Uint8Array,
  server: string,
  { port = dnsPort, millis = answerMillis }: ForwardOptions,
): Promise<Uint8Array | null> {
  return new Promise((resolve) => {
    const socket = createSocket(server.includes(":") ? "udp6" : "udp4");
    const timer = setTimeout(() => end(null), millis);
    const end = (answer: Uint8Array | null) => {
      clearTimeout(timer);
      socket.removeAllListeners("message");
      try {
        socket.close();
      } catch {
        // Closed by the error itself.
      }
      resolve(answer);
    };
    socket.on("error", () => end(null));
    socket.on("message", (bytes) => {
      if (isAnswerTo(bytes, query)) end(bytes);
    });
    // Without a route there the error takes the place of this event; a callback of `connect` would be called for both.
    socket.on("connect", () => socket.send(query));
    socket.connect(port, server);
  });
}

function askByStream(
  query: Uint8Array,
  server: string,
  { port = dnsPort, millis = answerMillis }: ForwardOptions,
): Promise<Uint8Array | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: server, port });
    let rest: Uint8Array = new Uint8Array();
    const end = (answer: Uint8Array | null) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(millis, () => end(null));
    socket.on("error", () => end(null));
    socket.on("close", () => end(null));
    socket.on("connect", () => socket.write(framed(query)));
    socket.on("data", (chunk) => {
      const taken = takeFramed(rest, chunk);
      rest = taken.rest;
      const answer = taken.messages.find((message) => isAnswerTo(message, query));
      if (answer !== undefined) end(answer);
    });
  });
}

/** Whether a server says that it could not or would not: then another is asked. */
function isFailure(answer: Uint8Array): boolean {
  const code = (answer[3] ?? 0) & 15;
  return code === serverFailure || code === refused;
}

const dnsPort = 53;
const answerMillis = 2000;
const serverFailure = 2;
const refused = 5;
