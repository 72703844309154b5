/** The router's TCP port: an ordinary HTTPS site whose insiders reach the control socket, or open links. */
import type { Channel } from "../transport/channel.ts";
import { longestMessage } from "../transport/channel.ts";
import type { Secret } from "../transport/door.ts";
import type { Page, Site, SiteOptions } from "../transport/site.ts";
import { openSite, plainPages, webSocketDoor } from "../transport/site.ts";
import type { Streams } from "../transport/stream-link.ts";
import { streamDoors } from "../transport/stream-link.ts";
import { webSocketChannel } from "../transport/websocket.ts";

export interface PortOptions extends Pick<SiteOptions, "host" | "port" | "tls" | "refused"> {
  /** What insiders may know: the router's pin, and the names of the networks that it hosts at that port. */
  readonly secrets: (port: number) => Iterable<Secret>;
  /** Somebody opened the control socket, at this port or another one whose connections it serves. */
  readonly accept: (channel: Channel, port: number) => void;
  /** Where the links go that are opened here; null while there is no place for any. */
  readonly streams: () => Streams | null;
}

/** Links that a port takes: `tls`, and `wss` under a path. */
export interface PortLinks {
  readonly tls: boolean;
  /** Told to nodes; who asks for another path sees the site. */
  readonly wss: string | null;
}

export interface TcpPort extends Site {
  /** Which links it takes from now on; none at first. */
  setLinks(links: PortLinks): void;
}

/** Opens the port. Rejects as `listen` does, with `code` `EADDRINUSE`, `EACCES`, … */
export async function openPort({ accept, streams, ...options }: PortOptions): Promise<TcpPort> {
  let taken: PortLinks = { tls: false, wss: null };
  const control = webSocketDoor(longestMessage, (socket, { tls }) => {
    // A frame that is none, or a message too long: ws closes it.
    socket.on("error", () => options.refused("websocket"));
    accept(webSocketChannel(socket, tls), tls.localPort ?? 0);
  });
  const { tls, wss } = streamDoors(streams);
  const site = await openSite({
    ...options,
    pages,
    doors: (path) => ({
      control,
      ...(taken.tls ? { tls } : {}),
      ...(taken.wss === path ? { wss } : {}),
    }),
  });
  return {
    ...site,
    setLinks: (links) => {
      taken = links;
    },
  };
}

const pages: ReadonlyMap<string, Page> = new Map([
  ...plainPages,
  ["/healthz", { type: "application/json", body: '{"ok":true}\n' }],
]);
