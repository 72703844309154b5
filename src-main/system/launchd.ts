/** macOS: the service as a daemon of launchd (launchd.plist(5)). */
import { existsSync, rmSync } from "node:fs";
import { posix } from "node:path";
import type { Service, ServiceProgram } from "./service.ts";
import { layServiceFile, serviceRefusal } from "./service.ts";
import type { runTool } from "./tool.ts";

/** The service whose list of properties lies in a folder, `/Library/LaunchDaemons`. */
export function launchdService(folder: string, run: typeof runTool): Service {
  const file = posix.join(folder, `${label}.plist`);
  const launchctl = (...words: readonly string[]) => run("/bin/launchctl", words);
  const isLoaded = async () => (await launchctl("print", target)) === null;
  const unload = async () => {
    const refused = (await isLoaded()) ? await launchctl("bootout", target) : null;
    if (refused !== null) throw serviceRefusal(refused);
  };
  return {
    async state() {
      if (!existsSync(file)) return "absent";
      return (await isLoaded()) ? "running" : "stopped";
    },
    async install(program) {
      await unload();
      layServiceFile(file, propertyList(program));
      const refused = await launchctl("bootstrap", "system", file);
      if (refused !== null) throw serviceRefusal(refused);
      return null;
    },
    async uninstall() {
      await unload();
      rmSync(file, { force: true });
    },
  };
}

/** The list of properties: kept alive unless it ended well, and given time to take back what it changed. */
export function propertyList({ node, commandLine, folder }: ServiceProgram): string {
  const words = [node, commandLine, "--state", folder, "up", "--foreground"];
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key><string>${label}</string>
  <key>ProgramArguments</key>
  <array>
${words.map((word) => `    <string>${escaped(word)}</string>`).join("\n")}
  </array>
  <key>EnvironmentVariables</key><dict><key>ELECTRON_RUN_AS_NODE</key><string>1</string></dict>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
  <key>ExitTimeOut</key><integer>30</integer>
  <key>Umask</key><integer>63</integer>
</dict>
</plist>
`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

const label = "io.starmesh.service";
const target = `system/${label}`;
