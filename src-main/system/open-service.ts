/** Which way this operating system has its services started. */
import { existsSync } from "node:fs";
import { launchdService } from "./launchd.ts";
import type { Service } from "./service.ts";
import { serviceRefusal } from "./service.ts";
import { systemdService } from "./systemd.ts";
import { runTool } from "./tool.ts";
import { windowsService } from "./windows-service.ts";

/** The service of this system. Throws `system-refused` where nothing starts services that Starmesh knows. */
export function openService(): Service {
  switch (process.platform) {
    case "linux":
      if (!existsSync("/run/systemd/system"))
        throw serviceRefusal("systemd does not run here; have your own init run: starmesh up --foreground");
      return systemdService({
        folder: "/etc/systemd/system",
        packaged: ["/usr/lib/systemd/system", "/lib/systemd/system"],
        run: runTool,
      });
    case "darwin":
      return launchdService({ folder: "/Library/LaunchDaemons", run: runTool });
    case "win32":
      return windowsService(runTool);
    default:
      throw serviceRefusal(`Starmesh knows no services of ${process.platform}`);
  }
}
