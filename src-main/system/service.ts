/** Starmesh as a service of the operating system: an engine that starts with the machine, on the system's state folder. */
import { existsSync } from "node:fs";
import { AppError } from "../../src-shared/errors.ts";
import { launchdService } from "./launchd.ts";
import { systemdService } from "./systemd.ts";
import { runTool } from "./tool.ts";
import { taskService } from "./windows-task.ts";

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
  /** Lays it, has it start with the machine, and starts it; replaces one that is there. Throws `system-refused`. */
  install(program: ServiceProgram): Promise<void>;
  /** Ends it and takes it away; done also when it is gone already. Throws `system-refused`. */
  uninstall(): Promise<void>;
}

/** The service of this system. Throws `system-refused` where nothing starts services that Starmesh knows. */
export function openService(): Service {
  switch (process.platform) {
    case "linux":
      if (!existsSync("/run/systemd/system"))
        throw serviceRefusal("systemd does not run here; have your own init run: starmesh up --foreground");
      return systemdService("/etc/systemd/system", runTool);
    case "darwin":
      return launchdService("/Library/LaunchDaemons", runTool);
    case "win32":
      return taskService(process.env["SystemRoot"] ?? "C:\\Windows", runTool);
    default:
      throw serviceRefusal(`Starmesh knows no services of ${process.platform}`);
  }
}

/** Why the system did not do what was asked about the service. */
export function serviceRefusal(detail: string): AppError {
  return new AppError("system-refused", { action: "change the service of Starmesh", detail });
}
