import type { Socket } from "node:dgram";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterEach, expect, it } from "vitest";
import { forwardQuery } from "../../../src-main/engine/dns-forwarder.ts";

// `nas.` of type A (RFC 1035 §4.1), which the server answers by the query itself, marked as an answer.
const query = Uint8Array.of(0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 110, 97, 115, 0, 0, 1, 0, 1);
/** The system lets no datagram go there, as it lets none go anywhere while there is no route. */
const noWay = "255.255.255.255";
let server: Socket | null = null;

afterEach(() => {
  server?.close();
  server = null;
});

async function serve(): Promise<number> {
  const socket = createSocket("udp4");
  server = socket;
  socket.on("message", (bytes, from) => {
    const answer = Uint8Array.from(bytes);
    answer[2] = 0x81;
    socket.send(answer, from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket.address().port;
}

it("[C09] a query that cannot be sent has no answer, and ends nothing", async () => {
  expect(await forwardQuery(query, [noWay], false, { port: 53 })).toBeNull();
});

it("the next server is asked when there is no way to the first", async () => {
  const port = await serve();
  const answer = await forwardQuery(query, [noWay, "127.0.0.1"], false, { port });
  expect([...(answer ?? []).slice(12)]).toEqual([...query.slice(12)]);
});
