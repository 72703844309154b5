/** Links over TLS for an end of a measured pair: taken by an HTTPS site, opened as nodes do. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DataPlane, Endpoint } from "../../drivers/dataplane.ts";
import { loadCertificate } from "../../src-main/transport/certificate.ts";
import { openSite, plainPages } from "../../src-main/transport/site.ts";
import type { Streams, StreamTransport } from "../../src-main/transport/stream-link.ts";
import { openStreamLink, streamDoors } from "../../src-main/transport/stream-link.ts";
import { wayOut } from "../../src-main/transport/way-out.ts";
import { splitHostPort } from "../../src-shared/ids.ts";

const secret = createHash("sha256").update("bench").digest("base64");

/** Takes links of both kinds at a TCP port. */
export async function takeStreams(dataPlane: DataPlane, port: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "starmesh-bench-"));
  const tls = await loadCertificate({ folder }, Date.now());
  rmSync(folder, { recursive: true });
  const streams = streamsOf(dataPlane);
  const doors = streamDoors(() => streams);
  await openSite({
    host: "::",
    port,
    tls,
    pages: plainPages,
    secrets: () => [secret],
    doors: () => doors,
    refused: () => undefined,
  });
}

/** Opens one; answers its endpoint. */
export async function openStream(
  dataPlane: DataPlane,
  transport: StreamTransport,
  hostPort: string,
): Promise<Endpoint> {
  const place = splitHostPort(hostPort);
  if (place === null) throw new TypeError("HOST:PORT is needed");
  const way = wayOut({ proxy: "direct" }, {});
  const target = { transport, ...place, address: null, secret, way };
  return (await openStreamLink(target, streamsOf(dataPlane))).endpoint;
}

function streamsOf(dataPlane: DataPlane): Streams {
  return {
    openStream: (remote) => dataPlane.openStream("main", remote),
    tuneStream: (descriptor) => dataPlane.tuneStream(descriptor),
  };
}
