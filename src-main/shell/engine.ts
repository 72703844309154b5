/** The engine as the window sees it: a channel to whichever process runs it, and the right to run it here. */
import type { Channel } from "../../src-shared/api/channel.ts";

/** How the shell reaches an engine; app.ts fills it in, tests fake it. */
export interface EngineAccess {
  /** Opens a channel to the running engine; rejects with `not-running` where there is none. */
  connect(): Promise<Channel>;
  /** Runs the engine in this process; null when another process holds the state folder. */
  host(): Promise<HostedEngine | null>;
}

/** An engine that lives and ends with this process. */
export interface HostedEngine {
  /** Settles when the engine has ended, whoever asked for it. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}
