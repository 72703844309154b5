/** Networks that are named by a port of a router: who joins at the same port is in the same one. */
import { splitHostPort } from "./ids.ts";

/** The network's name; its keys come from this and the router's token. */
export function planeName(port: number): string {
  return `port-${port}`;
}

/** The router and the network that `HOST:PORT` means; null for any other text. */
export function planeTarget(text: string): { readonly name: string; readonly router: string } | null {
  const place = splitHostPort(text);
  return place === null ? null : { name: planeName(place.port), router: text };
}

/** Ports in ascending order, neighbours joined: `8000–8002, 8010`. */
export function formatPorts(ports: readonly number[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const port of ports) {
    const range = ranges.at(-1);
    if (range !== undefined && port === range.last + 1) range.last = port;
    else ranges.push({ first: port, last: port });
  }
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}–${last}`)).join(", ");
}

/** The first port of a range that is open. */
export function firstFree({
  bind,
  busy,
}: {
  readonly bind: number;
  readonly busy: readonly number[];
}): number {
  return busy.includes(bind) ? firstFree({ bind: bind + 1, busy }) : bind;
}
