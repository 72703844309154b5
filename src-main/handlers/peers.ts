/** Calls about peers: the path to one, pings. */
import type { Handlers } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { PeerStatus } from "../../src-shared/status.ts";
import type { Engine } from "../engine/engine.ts";
import type { Held } from "../engine/held-networks.ts";
import type { NetworkLoop } from "../engine/loop.ts";
import { choosePin } from "../engine/pins.ts";
import { candidateStatuses, peerStatus } from "../engine/status.ts";
import type { PeerView } from "../mesh/peer-view.ts";
import type { Install } from "./install.ts";

/** Answers of the noun “peers”. */
export function peerHandlers({
  engine,
}: Install): Pick<Handlers, "peers.path" | "peers.pin" | "peers.reconnect" | "peers.ping"> {
  return {
    "peers.path": async ({ peer, network }) => {
      const { held, loop, status, view } = pickPeer(engine, peer, network);
      // Whoever asks wants to know now: an idle peer is called.
      loop.feed({ kind: "wanted", peer: view.sessionKey });
      const since = engine.diary.since({ network: held.stored.network, key: view.sessionKey });
      return {
        peer: status,
        since: since === null ? null : new Date(since).toISOString(),
        candidates: candidateStatuses(view),
        decisions: view.decisions.map(({ at, text }) => ({ at: new Date(at).toISOString(), text })).reverse(),
      };
    },
    "peers.pin": async ({ peer, network, via, direct, transport, spread }) => {
      if (via !== null && direct)
        throw new AppError("usage", { detail: "Choose a relay or the direct path, not both." });
      const { loop, view } = pickPeer(engine, peer, network);
      choosePin(loop, view.identity, {
        via,
        direct,
        ...(transport === undefined ? {} : { transport }),
        ...(spread === undefined ? {} : { spread }),
      });
      return {};
    },
    "peers.reconnect": async ({ peer, network }) => {
      const { loop, view } = pickPeer(engine, peer, network);
      loop.feed({ kind: "woke", slept: false });
      loop.feed({ kind: "wanted", peer: view.sessionKey });
      return {};
    },
    "peers.ping": async function* ({ peer, network, count }, signal) {
      const { loop, view, held } = pickPeer(engine, peer, network);
      for (let sequence = 1; (count === 0 || sequence <= count) && !signal.aborted; sequence++) {
        const began = performance.now();
        await connected(engine, loop, view.sessionKey, signal);
        const pong = await engine.pings.once(held.stored.network, view.sessionKey);
        const now = loop.machine.peer(view.sessionKey, Date.now());
        const status = now === null ? null : peerStatus(engine, held, now);
        yield {
          sequence,
          latencyMs: pong?.rttMillis ?? null,
          path: describePath(status),
          address: status?.address ?? "",
          name: status?.name ?? view.certificate.name,
        };
        if (sequence !== count) await rest(1000 - (performance.now() - began), signal);
      }
    },
  };
}

export interface Picked {
  readonly held: Held;
  readonly loop: NetworkLoop;
  readonly view: PeerView;
  readonly status: PeerStatus;
}

/** A peer by name, address or beginning of its key. Throws `unknown-peer`, `ambiguous-peer`. */
export function pickPeer(engine: Engine, name: string, network: string | undefined): Picked {
  const helds = network === undefined ? engine.networks.all() : [engine.networks.find(network)];
  const all = helds.flatMap((held): Picked[] => {
    const { loop } = held;
    if (loop === null) return [];
    return loop.machine
      .peers(Date.now())
      .map((view) => ({ held, loop, view, status: peerStatus(engine, held, view) }));
  });
  const exact = all.filter(
    ({ status }) => status.name === name || status.address === name || status.addresses.includes(name),
  );
  const fitting =
    exact.length > 0
      ? exact
      : all.filter(
          ({ status, view }) =>
            status.name.toLowerCase() === name.toLowerCase() ||
            (name.length >= 4 && view.sessionKey.startsWith(name)),
        );
  const [only, second] = fitting;
  if (only === undefined) {
    throw new AppError("unknown-peer", { name, network: network ?? helds[0]?.stored.name ?? "NETWORK" });
  }
  if (second !== undefined) {
    const list = fitting
      .map(({ status }) => `${status.name} (${status.address}) in ${status.network}`)
      .join(", ");
    throw new AppError("ambiguous-peer", { name, list });
  }
  return only;
}

/** Waits until a session stands, for as long as a first contact may take; a ping without one is simply lost. */
async function connected(
  engine: Engine,
  loop: NetworkLoop,
  key: PeerView["sessionKey"],
  signal: { readonly aborted: boolean },
): Promise<void> {
  if (loop.machine.peer(key, Date.now())?.state === "connected") return;
  loop.feed({ kind: "wanted", peer: key });
  await new Promise<void>((resolve) => {
    const done = () => {
      stop();
      clearTimeout(timer);
      resolve();
    };
    const stop = engine.onChange(() => {
      if (signal.aborted || loop.machine.peer(key, Date.now())?.state === "connected") done();
    });
    const timer = setTimeout(done, firstContactMillis);
  });
}

function rest(
  millis: number,
  signal: { addEventListener(type: "abort", listener: () => void): void },
): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.max(0, millis));
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** `direct 192.0.2.7:7743` or `via nas`. */
function describePath(status: PeerStatus | null): string {
  if (status?.path == null) return status?.reason ?? "no path";
  return status.path.kind === "direct" ? `direct ${status.path.remote}` : `via ${status.path.via.join(", ")}`;
}

const firstContactMillis = 3000;
