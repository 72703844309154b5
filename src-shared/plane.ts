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
