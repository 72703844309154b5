/** What the engine's state looks like to users: derived each time it is asked for. */
import type { CandidateStatus, NetworkStatus, PeerStatus } from "../../src-shared/status.ts";
import { ulaPrefix } from "../../src-shared/ula.ts";
import { transportOf } from "../mesh/endpoint.ts";
import type { PeerView } from "../mesh/peer-view.ts";
import { issuerOf } from "./administration.ts";
import { broadcastStatus } from "./broadcast.ts";
import type { Engine } from "./engine.ts";
import type { Held } from "./held-networks.ts";
import { tunMtu } from "./interface.ts";
import { relayStatus } from "./relay-setting.ts";

/** A network of this install. */
export function networkStatus(engine: Engine, { stored, loop }: Held): NetworkStatus {
  const record = loop?.machine.record() ?? null;
  const admin =
    loop === null
      ? stored.issuerSeed !== null
      : issuerOf(loop, engine.identity) !== null && stored.secret === null;
  const waiting = admin ? (loop?.machine.membership.pending() ?? []) : [];
  return {
    id: stored.network,
    name: stored.name,
    address: loop?.machine.ownCertificate()?.body.addresses[0] ?? null,
    range: record?.ranges[0] ?? null,
    address6: loop?.addresses.address6 ?? null,
    range6: loop === null ? null : ulaPrefix(stored.network, engine.surroundings.notary.hash),
    publicKey: loop?.session.publicKey ?? "",
    ...stateOf({ stored, loop }),
    rendezvous: [...new Set([loop?.line.address() ?? null, ...stored.router.addresses])].filter(
      (address) => address !== null,
    ),
    interface: loop?.interfaceName ?? null,
    admin,
    secret: stored.secret !== null,
    mask: record?.mask === true,
    broadcast: broadcastStatus(record, stored),
    members: loop?.machine.members().length ?? 0,
    waiting: waiting.slice(0, mostWaiting).map(({ certificate }) => certificate.name),
    early: stored.early ?? false,
    start: stored.start ?? "kept",
    relay: relayStatus({ stored, loop }, engine),
  };
}

/** The peers of one network; none while it is down. */
export function peerStatuses(engine: Engine, { stored, loop }: Held): PeerStatus[] {
  return (loop?.machine.peers(Date.now()) ?? []).map((view) => peerStatus(engine, { stored, loop }, view));
}

/** One peer. */
export function peerStatus(engine: Engine, { stored }: Held, view: PeerView): PeerStatus {
  const { certificate, path } = view;
  const counters = engine.traffic.of(stored.network, view.sessionKey);
  const handshake = counters?.lastHandshakeMillis ?? null;
  return {
    name: certificate.name,
    network: stored.name,
    address: view.addresses[0] ?? certificate.addresses[0] ?? "",
    addresses: [...view.addresses],
    publicKey: view.sessionKey,
    kind: certificate.kind,
    admin: certificate.rights.issue,
    state: view.state,
    path:
      path === null
        ? null
        : {
            kind: path.kind,
            transport: transportOf(path.endpoint),
            via: [...path.via],
            remote: path.remote,
            latencyMs: rounded(path.latencyMillis),
            lossPercent: percent(path.loss),
            lossOutPercent: percent(path.lossOut),
            lossInPercent: percent(path.lossIn),
            jitterMs: rounded(path.jitterMillis),
            mtu: path.mtu ?? tunMtu,
            hops: path.via.length + 1,
            shared: path.shared,
            standby:
              path.standby === null
                ? null
                : {
                    kind: path.standby.kind,
                    via: [...path.standby.via],
                    latencyMs: rounded(path.standby.latencyMillis),
                  },
            reason: path.reason,
          },
    reason: view.reason,
    reasonCode: view.reasonCode,
    verdict: view.verdict,
    pin: view.pin === null ? null : { ...view.pin, transport: view.pin.transport ?? null },
    rxBytes: counters?.rxBytes ?? 0,
    txBytes: counters?.txBytes ?? 0,
    lastHandshake: handshake === null ? null : new Date(handshake).toISOString(),
  };
}

/** The ways to a peer that are known. */
export function candidateStatuses(view: PeerView): CandidateStatus[] {
  return view.candidates.map(({ latencyMillis, loss, ...candidate }) => ({
    ...candidate,
    latencyMs: rounded(latencyMillis),
    lossPercent: percent(loss),
  }));
}

function stateOf({ stored, loop }: Held): Pick<NetworkStatus, "state" | "detail"> {
  if (loop === null) return { state: "off", detail: null };
  const own = loop.machine.ownState();
  const refusal = loop.line.lastError();
  switch (own.kind) {
    case "removed":
      return { state: "refused", detail: `This machine was removed from “${stored.name}”.` };
    case "pending":
      return {
        state: "joining",
        detail: `Waits for approval on ${own.devices.join(", ") || "an administrator's device"}.`,
      };
    case "addressLost":
      return {
        state: "refused",
        detail: `The address ${own.address} belongs to ${own.to}. Leave and join again.`,
      };
    case "unknown":
      if (stored.member) return { state: "joining", detail: refusal?.message ?? null };
      break;
    case "member":
  }
  if (loop.line.control() !== null) return { state: "online", detail: null };
  const refused = refusal !== null && refusal.code !== "router-lost" && refusal.code !== "router-unreachable";
  return { state: refused ? "refused" : "offline", detail: refusal?.message ?? null };
}

function percent(share: number | null): number | null {
  return share === null ? null : Math.round(share * 100);
}

function rounded(millis: number | null): number | null {
  return millis === null ? null : Math.round(millis * 100) / 100;
}

/** As many as a notification or a card can name. */
const mostWaiting = 20;
