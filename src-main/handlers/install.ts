/** What handlers answer from: the engine and the roles of one install. */
import type { RouterWish } from "../../src-shared/router-settings.ts";
import type { RouterStatus } from "../../src-shared/status.ts";
import type { Host } from "../engine/create.ts";
import type { Engine } from "../engine/engine.ts";
import type { LogTail } from "../engine/log-tail.ts";
import type { RouterReach } from "../server/reach-check.ts";

/** The router role of this install. */
export interface RouterRole {
  /** Switches it on, and changes what is given. Idempotent; throws `port-in-use`, `router-fixed`, `usage`. */
  start(change: RouterWish): Promise<void>;
  stop(): Promise<void>;
  newToken(): Promise<void>;
  /** How it is reached from outside; null while it is off. */
  checkReach(): Promise<RouterReach | null>;
  status(): RouterStatus;
  /** What creating a network here takes; null when the role is off. */
  host(): Host | null;
  /** Input refused so far, by cause. */
  refused(): Readonly<Record<string, number>>;
  /** Gives up a hosted network. */
  forget(network: string): Promise<void>;
}

/** One running install. */
export interface Install {
  readonly engine: Engine;
  readonly router: RouterRole;
  readonly version: string;
  /** The log's last lines. */
  readonly tail: LogTail;
  /** Address of the panel; null without one. */
  panel(): string | null;
  panelLink(): { readonly url: string; readonly expires: string };
  revokePanel(): void;
  /** Ends the process after the answer has left. */
  stop(): void;
}
