/** Starmesh as a service of the operating system: an engine that starts with the machine, on the system's state folder. */
import { statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { AppError } from "../../src-shared/errors.ts";

/** What the service runs. */
export interface ServiceProgram {
  /** Whole path of Node, or of Electron run as Node. */
  readonly node: string;
  /** Whole path of the command line's program. */
  readonly commandLine: string;
  /** The state folder, whole. */
  readonly folder: string;
}

/** `absent`: it was not installed. */
export type ServiceState = "absent" | "stopped" | "running";

export interface Service {
  state(): Promise<ServiceState>;
  /**
   * Lays it, has it start with the machine, and starts it; replaces one that is there. Answers the group whose members may use it;
   * null: administrators alone. Throws `system-refused`.
   */
  install(program: ServiceProgram): Promise<string | null>;
  /** Ends it and takes it away; done also when it is gone already. Throws `system-refused`. */
  uninstall(): Promise<void>;
}

/** What the work of a service knows of the system that started it. */
export interface ServiceControl {
  /** Aborted when the service is told to stop, or the machine is going down. */
  readonly ending: AbortSignal;
  /** From now on it runs. */
  readonly ready: () => void;
}

/** Lays the file by which the system knows the service. Throws `system-refused`. */
export function layServiceFile(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: 0o644 });
  } catch (error) {
    throw serviceRefusal(error instanceof Error ? error.message : String(error));
  }
}

/** Why the system did not do what was asked about the service. */
export function serviceRefusal(detail: string): AppError {
  return new AppError("system-refused", { action: "change the service of Starmesh", detail });
}

/** Whether everybody can read a file, by every folder above it. */
export function isEverybodys(path: string): boolean {
  const above = dirname(path);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined || (stats.mode & (stats.isDirectory() ? 0o001 : 0o004)) === 0) return false;
  return above === path || isEverybodys(above);
}
