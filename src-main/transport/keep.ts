/** A control socket that comes back for ever. */
import type { AppError } from "../../src-shared/errors.ts";
import { errorKinds } from "../../src-shared/errors.ts";
import type { Control, ControlListener, ControlOptions } from "./control.ts";
import { openControl } from "./control.ts";

export interface KeepOptions extends Pick<ControlOptions, "notary" | "connect"> {
  /** Asked before each try: addresses and certificate may have changed since the last. */
  readonly target: () => Pick<ControlOptions, "addresses" | "pin" | "greeting">;
  readonly listener: KeptListener;
  /** 0 ≤ value < 1, to spread the nodes of a router that comes back. */
  readonly random: () => number;
}

export interface KeptListener extends Omit<ControlListener, "closed"> {
  /** The router welcomed us, for the first time or again. */
  online(control: Control): void;
  /** A socket ended or a try failed; another follows unless `close` is called. */
  offline(error: AppError): void;
}

export interface KeptControl {
  /** The open socket; null while there is none. */
  current(): Control | null;
  /** The network changed or the machine woke: try now, or make sure that the open socket still stands. */
  hurry(): void;
  close(): void;
}

/**
 * Opens a control socket and opens it again whenever it ends: within 0.5 s first, every second while a restart may be
 * what ended it, then less and less often, up to 10 s.
 */
export function keepControl(options: KeepOptions): KeptControl {
  return new Keeper(options);
}

type State =
  | { readonly kind: "opening"; readonly abort: AbortController }
  | { readonly kind: "open"; readonly control: Control }
  | { readonly kind: "waiting"; readonly timer: NodeJS.Timeout }
  | { readonly kind: "closed" };

class Keeper implements KeptControl {
  readonly #options: KeepOptions;
  #state: State;
  #failures = 0;
  /** `hurry` came while a try was running that may have begun on the old network. */
  #again = false;

  constructor(options: KeepOptions) {
    this.#options = options;
    this.#state = this.#open();
  }

  current(): Control | null {
    return this.#state.kind === "open" ? this.#state.control : null;
  }

  hurry(): void {
    switch (this.#state.kind) {
      case "open":
        this.#state.control.doubt();
        return;
      case "opening":
        this.#again = true;
        return;
      case "waiting":
        clearTimeout(this.#state.timer);
        this.#failures = 0;
        this.#state = this.#open();
        return;
      case "closed":
    }
  }

  close(): void {
    const before = this.#state;
    this.#state = { kind: "closed" };
    if (before.kind === "opening") before.abort.abort(new Error("closed"));
    if (before.kind === "open") before.control.close();
    if (before.kind === "waiting") clearTimeout(before.timer);
  }

  #open(): State {
    const abort = new AbortController();
    const { target, listener, notary, connect } = this.#options;
    const closed = (error: AppError) => this.#failed(error);
    openControl({
      ...target(),
      notary,
      ...(connect === undefined ? {} : { connect }),
      signal: abort.signal,
      listener: {
        entries: (entries) => listener.entries(entries),
        presence: (members, complete) => listener.presence(members, complete),
        carried: (from, datagram) => listener.carried(from, datagram),
        reach: (id, ports) => listener.reach?.(id, ports),
        closed,
      },
    }).then((control) => this.#opened(control), closed);
    return { kind: "opening", abort };
  }

  #opened(control: Control): void {
    // The socket may have ended, or been given up, between the welcome and here.
    if (this.#state.kind !== "opening") {
      control.close();
      return;
    }
    this.#failures = 0;
    this.#again = false;
    this.#state = { kind: "open", control };
    this.#options.listener.online(control);
  }

  #failed(error: AppError): void {
    if (this.#state.kind === "closed") return;
    // What the router refused for good it refuses again in half a second: no use in hurrying.
    if (!errorKinds[error.code].retry) this.#failures = Math.max(this.#failures, rareFailures);
    const wait = this.#again ? 0 : pause(this.#failures++, this.#options.random());
    this.#again = false;
    this.#state = { kind: "waiting", timer: setTimeout(() => (this.#state = this.#open()), wait) };
    this.#options.listener.offline(error);
  }
}

/** Milliseconds before try `failures + 1`: 100–500 first, at most 1 s for the restart tries, then doubled up to 10 s. */
export function pause(failures: number, random: number): number {
  const late = Math.min(Math.max(0, failures - restartTries), 16);
  const longest = failures === 0 ? firstPause : Math.min(restartPause * 2 ** late, longestPause);
  return longest * (0.2 + 0.8 * random);
}

const firstPause = 500;
const restartPause = 1000;
/** More than half a minute: a router that restarts or is updated is found again as soon as it answers. */
const restartTries = 60;
const longestPause = 10_000;
/** So many failures make the pause the longest. */
const rareFailures = restartTries + 4;
