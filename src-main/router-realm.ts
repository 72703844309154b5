/** The router's realm in the data plane, as the router sees it. */
import type { DataPlaneEvent } from "../drivers/dataplane.ts";
import { AppError } from "../src-shared/errors.ts";
import type { SessionKey } from "../src-shared/ids.ts";
import type { Engine } from "./engine/engine.ts";
import { SessionRequests } from "./engine/requests.ts";
import { mainStreams } from "./engine/stream-links.ts";
import { mainSocket } from "./engine/surroundings.ts";
import { bindOwn, oneAddress, ownSocket, RealmEntrances, unbind } from "./router-entrances.ts";
import type { RealmEvent, RealmSettings, RouterRealm } from "./server/realm.ts";
import type { Place } from "./server/transports.ts";

/**
 * Opens the realm on the engine's socket, which moves to the router's port first, or at one address on a socket of its own.
 * Rejects with `code` EADDRINUSE.
 */
export async function openRouterRealm(engine: Engine, settings: RealmSettings): Promise<RouterRealm> {
  const { udp, plain } = settings;
  const socket = await openSocket(engine, settings);
  const { dataPlane } = engine;
  dataPlane.openRealm({
    realm,
    socket,
    kind: "router",
    privateKey: settings.privateKey,
    prologue: settings.prologue,
    stampFloorMillis: 0,
  });
  // A router answers as it was asked: whether a network is masked is for its members to say.
  dataPlane.setMask(realm, [{ id: 0, key: settings.mask }], false);
  const requests = new SessionRequests(dataPlane, realm);
  const entrances = new RealmEntrances(engine, settings, socket);
  return {
    stunPort: udp === null || !plain ? null : bindStun(engine, udp),
    udp,
    take: (transport, place, tls) => entrances.take(transport, place, tls),
    refuse: (transport) => entrances.refuse(transport),
    openPort: (place) => openOther(engine, place),
    setPeer: (peer) =>
      dataPlane.setPeer(realm, { publicKey: peer, kind: "node", allowed: [], keepaliveSeconds: 0 }),
    removePeer: (peer) => {
      dataPlane.closeChannels(realm, peer);
      dataPlane.removePeer(realm, peer);
    },
    openChannel: (from, to) => dataPlane.openChannel(realm, from, to),
    request: (peer, type, body) => requests.sendText(peer, type, body),
    respond: (peer, id, body) => dataPlane.respond(realm, peer, id, body),
    ...mainStreams(dataPlane),
    listen: (listener) => engine.events.listen(realm, (event) => hear(event, { requests, listener })),
    close: () => {
      engine.events.unlisten(realm);
      requests.close();
      dataPlane.closeRealm(realm);
      entrances.close();
      unbind(engine, stunSocket);
      if (socket === mainSocket) engine.servePlain(false);
      else unbind(engine, socket);
    },
  };
}

/** The socket by which datagrams come in; its name. */
async function openSocket(engine: Engine, { udp, plain, port }: RealmSettings): Promise<string> {
  const address = udp === null ? undefined : oneAddress(udp.host);
  if (udp !== null && address === undefined && plain) {
    await rebind(engine, udp.port);
    engine.servePlain(true);
    return mainSocket;
  }
  // The node itself uses every address, and where plain datagrams are switched off another port.
  if (engine.port === (udp?.port ?? port)) await engine.rebind(0);
  if (udp === null) return mainSocket;
  bindOwn(engine, udp, plain);
  return ownSocket;
}

/** The next port, because a firewall that was opened for a few ports likely has it, else any. */
function bindStun({ dataPlane }: Engine, { host, port }: Place): number | null {
  for (const wish of [port + 1, 0]) {
    try {
      return dataPlane.bind(stunSocket, wish, oneAddress(host));
    } catch {
      // The next wish, or none: one port is enough for everything but to tell NATs apart.
    }
  }
  return null;
}

/** A port whose datagrams are for the same realm: what comes in by it is answered by it. */
function openOther(engine: Engine, { host, port }: Place): () => void {
  const socket = `router-at-${port}`;
  engine.dataPlane.bind(socket, port, oneAddress(host));
  return () => unbind(engine, socket);
}

async function rebind(engine: Engine, port: number): Promise<void> {
  try {
    await engine.rebind(port);
  } catch (error) {
    const busy = error instanceof AppError && error.code === "port-in-use";
    throw busy ? Object.assign(new Error("UDP port in use"), { code: "EADDRINUSE" }) : error;
  }
}

function hear(
  event: DataPlaneEvent,
  to: { readonly requests: SessionRequests; readonly listener: (event: RealmEvent) => void },
): void {
  switch (event.kind) {
    case "response":
      to.requests.handle(event);
      return;
    case "request":
      to.listener({ ...event, peer: event.peer as SessionKey });
      return;
    case "ended":
      to.listener({ kind: "ended", peer: event.peer as SessionKey });
      return;
    default:
  }
}

const realm = "router";
const stunSocket = "stun";
