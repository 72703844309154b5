/** Links of this node told to the routers of its networks, and those of all others asked from there. */
import { AppError } from "../../src-shared/errors.ts";
import type { Millis } from "../../src-shared/ids.ts";
import type { ControlAnswer, ToldLink } from "../../src-shared/wire.ts";
import type { PeerView } from "../mesh/peer-view.ts";
import type { Control } from "../transport/control.ts";

type Graph = NonNullable<ControlAnswer<"graph">["graph"]>;
type Asker = Pick<Control, "request">;

/** Links of one network. */
export class Links {
  /** What was told last, on which socket; another socket has heard nothing yet. */
  #told: { readonly by: Asker; readonly at: Millis; readonly links: readonly ToldLink[] } | null = null;
  #known: { readonly version: string; readonly graph: Graph } | null = null;
  #deaf: Asker | null = null;

  /** Tells the router, if something notable changed and it was not told a moment ago. */
  async report(control: Asker, views: readonly PeerView[], now: Millis): Promise<void> {
    const before = this.#told?.by === control ? this.#told : null;
    if (control === this.#deaf || (before !== null && now - before.at < tellEvery)) return;
    const links = linksOf(views);
    if (!isNotable(before?.links ?? [], links)) return;
    this.#told = { by: control, at: now, links };
    await this.#ask(() => control.request({ call: "links", links: [...links] }), control);
  }

  /** Links among all members as the router knows them; null where it does not answer. */
  async all(control: Asker): Promise<Graph | null> {
    if (control === this.#deaf) return null;
    const have = this.#known?.version ?? null;
    const answer = await this.#ask(() => control.request({ call: "graph", have }), control);
    if (answer === null) return null;
    if (answer.graph !== null) this.#known = { version: answer.version, graph: answer.graph };
    return this.#known?.graph ?? null;
  }

  async #ask<Answer>(call: () => Promise<Answer>, control: Asker): Promise<Answer | null> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      // An older router knows nothing of it: it is not asked again.
      if (error.code === "unknown-call") this.#deaf = control;
      return null;
    }
  }
}

/** Those with a path, what is in use first, then what is near. */
function linksOf(views: readonly PeerView[]): readonly ToldLink[] {
  return views
    .flatMap((view) => (view.path === null ? [] : [{ view, path: view.path }]))
    .sort(
      (one, other) =>
        rank(one.view) - rank(other.view) ||
        (one.path.latencyMillis ?? slow) - (other.path.latencyMillis ?? slow),
    )
    .slice(0, mostLinks)
    .map(({ view, path }) => ({
      to: view.sessionKey,
      via: path.via.slice(0, 8),
      ms: path.latencyMillis === null ? null : Math.min(slow, Math.round(path.latencyMillis * 10) / 10),
    }));
}

function rank(view: PeerView): number {
  return view.state === "connected" ? 0 : 1;
}

/** Whether links came, went, or changed their way; or a round trip by a quarter and 5 ms. */
function isNotable(before: readonly ToldLink[], now: readonly ToldLink[]): boolean {
  if (before.length !== now.length) return true;
  const known = new Map(before.map((link) => [link.to, link]));
  return now.some(({ to, via, ms }) => {
    const old = known.get(to);
    if (old === undefined || old.via.join() !== via.join() || (old.ms === null) !== (ms === null))
      return true;
    const change = Math.abs((ms ?? 0) - (old.ms ?? 0));
    return change > 5 && change > (old.ms ?? 0) / 4;
  });
}

const tellEvery: Millis = 30_000;
const mostLinks = 64;
const slow = 60_000;
