/** What the engine looks at again and again: its clocks, the traffic, the diary, an administrator's duties. */
import type { DataPlane } from "../../drivers/dataplane.ts";
import type { Millis, NetworkId } from "../../src-shared/ids.ts";
import { everySecond } from "../transport/tick.ts";
import { Administration } from "./administration.ts";
import type { Diary } from "./diary.ts";
import type { HeldNetworks } from "./held-networks.ts";
import { isOverlay } from "./locals.ts";
import type { Move } from "./moves.ts";
import { Moves } from "./moves.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Traffic } from "./traffic.ts";

export interface RoundsOptions {
  readonly networks: HeldNetworks;
  readonly surroundings: Surroundings;
  readonly dataPlane: DataPlane;
  readonly traffic: Traffic;
  readonly diary: Diary;
  /** The machine moved or slept. */
  readonly moved: (move: Move) => void;
  /** What users see changed. */
  readonly changed: () => void;
}

/** Runs until `close`. */
export class Rounds {
  readonly #options: RoundsOptions;
  readonly #moves: Moves;
  readonly #end: () => void;
  #beats = 0;
  /** What users see changed, or may have, since the peers were looked at. */
  #isNews = true;

  constructor(options: RoundsOptions) {
    this.#options = options;
    this.#moves = new Moves({
      system: options.surroundings.system,
      ignores: isOverlay,
      wall: Date.now,
      steady: () => performance.now(),
      heard: options.moved,
      looked: () => {
        for (const loop of options.networks.loops()) loop.routes.refresh();
      },
    });
    this.#end = everySecond(() => this.#beat());
  }

  /** The machine woke from sleep. */
  awake(): void {
    this.#moves.awake();
  }

  /** What users see changed: peers are looked at again soon. */
  note(): void {
    this.#isNews = true;
  }

  close(): void {
    this.#end();
    this.#moves.close();
  }

  #beat(): void {
    const { networks, dataPlane, traffic, diary, changed } = this.#options;
    this.#moves.beat();
    const moved = traffic.look(dataPlane);
    for (const [realm, packets] of moved) networks.loopOf(realm as NetworkId)?.traffic(packets);
    if (moved.size > 0) changed();
    if (diary.isDue(this.#isNews)) this.#lookAtPeers(Date.now());
    if (++this.#beats % dutyBeats === 0) void this.#duties();
  }

  #lookAtPeers(now: Millis): void {
    const { networks, traffic, diary } = this.#options;
    this.#isNews = false;
    for (const { stored, loop } of networks.all()) {
      const id = stored.network;
      const views = loop?.machine.met(now) ?? [];
      diary.look(id, views, (key) => traffic.of(id, key));
      const control = loop?.line.control() ?? null;
      if (control !== null) void networks.linksOf(id).report(control, views, now);
    }
  }

  async #duties(): Promise<void> {
    const { networks, surroundings } = this.#options;
    for (const loop of networks.loops()) {
      try {
        await new Administration(loop, surroundings).duties();
      } catch (error) {
        surroundings.log("duties", { network: loop.stored.name, error: String(error) });
      }
    }
  }
}

/** An administrator's duties are looked for at every third beat. */
const dutyBeats = 3;
