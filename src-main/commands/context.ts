/** What every command works with: where it writes, which machine it is on, how an engine is started. */

import type { RouterWish } from "../../src-shared/router-settings.ts";
import type { SettingsChange } from "../../src-shared/settings.ts";
import type { Machine } from "../engine/folder.ts";
import type { Service, ServiceControl } from "../system/service.ts";
import type { Terminal } from "./terminal.ts";

export interface Context {
  readonly terminal: Terminal;
  readonly machine: Machine;
  readonly version: string;
  /** Path of the headless engine's program, which takes `--state DIR`. */
  readonly daemonFile: string;
  /** Whole path of the command line's own program. */
  readonly commandLineFile: string;
  readonly runDaemon: RunDaemon;
  /** The service of this system; throws `system-refused` where there is none. */
  readonly openService: () => Service;
  /** Does the work as the service that the system has started; throws `usage` where it has not. */
  readonly runAsService: (work: (control: ServiceControl) => Promise<number>) => Promise<number>;
  /** Takes back what an engine that was killed left changed in the system; whether there was anything. */
  readonly takeBack: (folder: string) => Promise<boolean>;
  /** One line of standard input, for secrets that should not be seen among the processes. */
  readonly readLine: () => Promise<string>;
}

/** Runs an engine in this process until a signal or `stop`; answers the exit status. */
export type RunDaemon = (options: DaemonOptions) => Promise<number>;

export interface DaemonOptions {
  /** The state folder, absolute. */
  readonly state: string;
  readonly foreground: boolean;
  /** Switches the router role on; absent: as it was last time. */
  readonly router?: RouterOptions;
  /** Where the panel opens; false: nowhere; absent: the default. */
  readonly panel?: string | false;
  /** Log to the console instead of the folder. */
  readonly debug: boolean;
  /** Set now, and kept. */
  readonly settings?: SettingsChange;
  /** Networks to connect besides those that were up. */
  readonly networks?: readonly string[];
  /** Called once everything runs. */
  readonly onReady: () => void;
  /** Hears the line that says why it ended; absent: standard error. */
  readonly complain?: (line: string) => void;
  /** Ends it like a signal. */
  readonly ending?: AbortSignal;
  /** Security identifiers of users of Windows who may use it besides the one it runs as. */
  readonly users?: readonly string[];
}

export interface RouterOptions {
  /** What the options set. */
  readonly wish: RouterWish;
  readonly newToken?: boolean;
  /** A YAML or JSON file with settings; what is given beside it counts. */
  readonly config?: string;
}

/** Options that every command takes. */
export interface CommonOptions {
  readonly state?: string;
}

/** Options of commands that read. */
export interface ReadOptions extends CommonOptions {
  readonly json?: true;
}

/** What the process ends with when nothing failed. */
export interface Outcome {
  status: number;
}

/** A command for the person to type next; names the same state folder. */
export function nextCommand(options: CommonOptions, words: string): string {
  const state = options.state === undefined ? "" : ` --state ${quoted(options.state)}`;
  return `starmesh${state} ${words}`;
}

function quoted(word: string): string {
  return /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
