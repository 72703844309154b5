/** State that two peers bring together in the first control messages of a new session. */
import type { z } from "zod";
import type { SessionKey } from "../../src-shared/ids.ts";
import type { Entry, Signed } from "../../src-shared/trust.ts";
import { controlKind, stateExchange } from "../../src-shared/wire.ts";
import { shortHash } from "../transport/control.ts";
import { portions } from "./portions.ts";
import type { SessionRequests } from "./requests.ts";
import { parseJson } from "./requests.ts";

/** The state of one network, as far as it is for everybody. */
export interface SharedState {
  readonly digest: string;
  readonly entries: readonly Entry[];
}

type Exchange = z.infer<typeof stateExchange>;

/** Asks a peer for what we lack and gives what it lacks. Entries that came; none when both had the same. */
export async function exchangeState(
  requests: SessionRequests,
  peer: SessionKey,
  state: () => SharedState,
): Promise<readonly Signed[]> {
  const first = stateExchange.safeParse(
    await requests.send(peer, controlKind.state, { digest: state().digest }),
  );
  if (!first.success || first.data.have === undefined) return [];
  const ours = state();
  const have = hashes(ours);
  const second = stateExchange.safeParse(
    await requests.send(peer, controlKind.state, {
      digest: ours.digest,
      have,
      entries: lacking(ours, first.data.have, JSON.stringify(have).length),
    } satisfies Exchange),
  );
  return second.success ? (second.data.entries ?? []) : [];
}

/** Answers a peer's request; `entries` are those it gave. Null when the body is no such request. */
export function answerExchange(
  body: string,
  state: SharedState,
): { readonly answer: string; readonly entries: readonly Signed[] } | null {
  const asked = stateExchange.safeParse(parseJson(body));
  if (!asked.success) return null;
  return { answer: JSON.stringify(answerTo(asked.data, state)), entries: asked.data.entries ?? [] };
}

function answerTo(asked: Exchange, state: SharedState): Exchange {
  // Told without a question.
  if (asked.digest === "") return { digest: state.digest };
  if (asked.have !== undefined) return { digest: state.digest, entries: lacking(state, asked.have) };
  return asked.digest === state.digest
    ? { digest: state.digest }
    : { digest: state.digest, have: hashes(state) };
}

function hashes(state: SharedState): string[] {
  return state.entries.slice(0, mostHashes).map((entry) => shortHash(entry.hash));
}

/** What the other lacks, as much as one message carries; the next session brings the rest. */
function lacking(state: SharedState, have: readonly string[], beside = 0): Signed[] {
  const theirs = new Set(have);
  const lacked = state.entries.filter(({ hash }) => !theirs.has(shortHash(hash)));
  for (const portion of portions(
    lacked.map(({ signed }) => signed),
    beside,
  ))
    return [...portion];
  return [];
}

const mostHashes = 3000;
