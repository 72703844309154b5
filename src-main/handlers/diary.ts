/** The call for what was remembered of peers. */
import type { Handlers } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { Millis } from "../../src-shared/ids.ts";
import type { DiaryPeer, DiaryRow } from "../engine/diary-rows.ts";
import type { Engine } from "../engine/engine.ts";
import type { Install } from "./install.ts";
import { pickPeer } from "./peers.ts";

/** Answers of the noun “diary”. */
export function diaryHandlers({ engine }: Install): Pick<Handlers, "diary.read"> {
  return {
    "diary.read": async ({ peer, network, since, until, points }) => {
      const whose = peer === undefined ? null : await findPeer(engine, peer, network);
      const { span, rows, notes } = await engine.diary.read({
        peer: whose,
        network: network === undefined ? undefined : engine.networks.find(network).stored.network,
        since: Date.parse(since),
        until: until === undefined ? Date.now() : Date.parse(until),
        points,
      });
      const nameOf = (id: string) =>
        engine.networks.all().find(({ stored }) => stored.network === id)?.stored.name ?? id.slice(0, 8);
      return {
        spanSeconds: span / 1000,
        points: rows.map(pointOf),
        events: notes.map(({ at, code, text, peer: about }) => ({
          at: timeOf(at),
          network: nameOf(about.network),
          peer: about.name,
          code,
          text,
        })),
      };
    },
  };
}

/** A member, or somebody who was one. Throws `unknown-peer`, `ambiguous-peer`. */
async function findPeer(engine: Engine, name: string, network: string | undefined): Promise<DiaryPeer> {
  try {
    const { held, view } = pickPeer(engine, name, network);
    return { network: held.stored.network, key: view.sessionKey, name: view.certificate.name };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "unknown-peer") throw error;
    const id = network === undefined ? null : engine.networks.find(network).stored.network;
    const found = await engine.diary.find(name);
    const [only, second] = found.filter((peer) => id === null || peer.network === id);
    if (only === undefined) throw error;
    if (second === undefined) return only;
    const list = found.map((peer) => `${peer.name} (${peer.key.slice(0, 8)})`).join(", ");
    throw new AppError("ambiguous-peer", { name, list });
  }
}

function pointOf(row: DiaryRow) {
  return {
    at: timeOf(row.at),
    latencyMs: rounded(row.median),
    lowestMs: rounded(row.lowest),
    highestMs: rounded(row.highest),
    lossPercent: row.loss === null ? null : Math.round(row.loss * 1000) / 10,
    state: row.state,
    path: row.path,
    rxBytes: row.rxBytes,
    txBytes: row.txBytes,
  };
}

function timeOf(at: Millis): string {
  return new Date(at).toISOString();
}

function rounded(millis: number | null): number | null {
  return millis === null ? null : Math.round(millis * 100) / 100;
}
