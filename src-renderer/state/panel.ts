/** What the pages show: the engine's status, what was measured over time, and whether anyone answers. */
import type { StoreApi } from "zustand/vanilla";
import { createStore } from "zustand/vanilla";
import type { Client } from "../../src-shared/api/client.ts";
import type { AppError } from "../../src-shared/errors.ts";
import type { Status } from "../../src-shared/status.ts";
import type { LinkListener } from "../channel/link.ts";
import { LatencyLog } from "./history.ts";
import { peerKey } from "./peer-list.ts";
import type { Traffic } from "./traffic.ts";
import { measureTraffic } from "./traffic.ts";

/** Whether the page talks to an engine. */
export type Connection =
  | { readonly kind: "opening" }
  | { readonly kind: "open"; readonly client: Client }
  | { readonly kind: "lost" }
  | { readonly kind: "refused"; readonly error: AppError };

export interface PanelState {
  readonly connection: Connection;
  /** The last one heard; stays while the connection is lost. */
  readonly status: Status | null;
  /** When it was heard. Milliseconds since 1970. */
  readonly heardAt: number;
  /** By peer key. */
  readonly traffic: ReadonlyMap<string, Traffic>;
  /** Grows in place; whoever draws it draws again at each `heardAt`. */
  readonly latency: LatencyLog;
}

export interface Panel {
  readonly store: StoreApi<PanelState>;
  /** Feeds the store from a link. */
  readonly listener: LinkListener;
  /** To be called every second: silence of the engine means that nothing moved, and the lines go on. */
  readonly tick: () => void;
}

export function createPanel(now: () => number = Date.now): Panel {
  const store = createStore<PanelState>(() => ({
    connection: { kind: "opening" },
    status: null,
    heardAt: 0,
    traffic: new Map(),
    latency: new LatencyLog(),
  }));
  const listener: LinkListener = {
    onOpening: () => store.setState({ connection: { kind: "opening" } }),
    onOpen: (client) => store.setState({ connection: { kind: "open", client } }),
    onLost: () => store.setState({ connection: { kind: "lost" } }),
    onRefused: (error) => store.setState({ connection: { kind: "refused", error } }),
    onStatus: (status) => store.setState((before) => absorb(before, status, now())),
  };
  const tick = () => {
    const state = store.getState();
    if (state.connection.kind !== "open" || state.status === null) return;
    if (now() - state.heardAt >= silenceMilliseconds) store.setState(absorb(state, state.status, now()));
  };
  return { store, listener, tick };
}

/** The state after a status was heard. */
export function absorb(before: PanelState, status: Status, now: number): Partial<PanelState> {
  const traffic = new Map<string, Traffic>();
  for (const peer of status.peers) {
    const key = peerKey(peer);
    traffic.set(key, measureTraffic(before.traffic.get(key), peer, now));
    if (peer.path !== null && peer.path.latencyMs !== null)
      before.latency.of(key).add(now, peer.path.latencyMs);
  }
  before.latency.keep(new Set(traffic.keys()));
  return { status, traffic, heardAt: now };
}

/** The engine speaks at most once a second: longer than this is silence. */
const silenceMilliseconds = 1900;
