/** Links over TLS, opened for the carriers by this machine's way out. */
import type { DataPlane } from "../../drivers/dataplane.ts";
import { splitHostPort } from "../../src-shared/ids.ts";
import { hostPortOf, transportOf } from "../mesh/endpoint.ts";
import type { Streams } from "../transport/stream-link.ts";
import { openStreamLink } from "../transport/stream-link.ts";
import type { WayOutChoice } from "../transport/way-out.ts";
import { wayOut } from "../transport/way-out.ts";
import type { CarriersOptions } from "./carriers.ts";
import { mainSocket } from "./surroundings.ts";

/** The calls that links over TLS are made of, on the socket of the engine. */
export function mainStreams(dataPlane: Pick<DataPlane, "openStream" | "tuneStream">): Streams {
  return {
    openStream: (remote) => dataPlane.openStream(mainSocket, remote),
    tuneStream: (descriptor) => dataPlane.tuneStream(descriptor),
  };
}

/** Opens `tls` and `wss` links; `choice`: what the user set for the way out, asked each time. */
export function streamOpener(
  dataPlane: Pick<DataPlane, "openStream" | "tuneStream">,
  choice: () => WayOutChoice,
): CarriersOptions["openStream"] {
  const streams = mainStreams(dataPlane);
  return async ({ endpoint, target }, signal) => {
    const transport = transportOf(endpoint);
    const place = splitHostPort(hostPortOf(endpoint));
    if (place === null || target.pin === null || (transport !== "tls" && transport !== "wss"))
      throw new Error(`no link over TLS: ${endpoint}`);
    const chosen = choice();
    return openStreamLink(
      {
        transport,
        host: target.name ?? place.host,
        port: place.port,
        address: place.host,
        secret: target.pin,
        way: wayOut({ ...chosen, path: chosen.path ?? target.path }),
      },
      streams,
      signal,
    );
  };
}
