/** One peer in all detail, read again while its page is open. */
import { useEffect, useState } from "react";
import type { OutputOf } from "../../src-shared/api/contract.ts";
import type { AppError } from "../../src-shared/errors.ts";
import { asAppError, clientNow, panel, usePanel } from "./use-panel.ts";

export type PeerDetail = OutputOf<"peers.path">;

export function usePeerDetail(
  network: string,
  peer: string,
): { readonly detail: PeerDetail | null; readonly error: AppError | null } {
  const [detail, setDetail] = useState<PeerDetail | null>(null);
  const [error, setError] = useState<AppError | null>(null);
  const client = usePanel((state) => (state.connection.kind === "open" ? state.connection.client : null));
  const turn = usePanel((state) => Math.floor(state.heardAt / readEveryMilliseconds));
  useEffect(() => {
    if (client === null || turn < 0) return;
    let wanted = true;
    client.call("peers.path", { network, peer }).then(
      (answer) => {
        if (!wanted) return;
        setDetail(answer);
        setError(null);
      },
      (reason: unknown) => wanted && setError(asAppError(reason)),
    );
    return () => {
      wanted = false;
    };
  }, [client, turn, network, peer]);
  return { detail, error };
}

/** Pings of a page: under way, what came last, how to begin and end. */
export interface Pinging {
  readonly on: boolean;
  readonly last: OutputOf<"peers.ping"> | null;
  readonly error: AppError | null;
  readonly flip: () => void;
}

/** Measures once a second while switched on; what is measured joins the peer's latency line. */
export function usePinging(network: string, peer: string, key: string): Pinging {
  const [on, setOn] = useState(false);
  const [last, setLast] = useState<OutputOf<"peers.ping"> | null>(null);
  const [error, setError] = useState<AppError | null>(null);
  useEffect(() => {
    if (!on) return;
    const stopper = new AbortController();
    const run = async () => {
      try {
        for await (const ping of clientNow().stream("peers.ping", { network, peer }, stopper.signal)) {
          panel.store.getState().latency.of(key).add(Date.now(), ping.latencyMs);
          setLast(ping);
        }
      } catch (reason) {
        setError(asAppError(reason));
      }
      setOn(false);
    };
    setError(null);
    void run();
    return () => stopper.abort();
  }, [on, network, peer, key]);
  return { on, last, error, flip: () => setOn(!on) };
}

const readEveryMilliseconds = 2000;
