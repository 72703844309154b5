/** macOS: the service as a daemon of launchd (launchd.plist(5)). */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { posix } from "node:path";
import { helperProgram } from "./helper-program.ts";
import type { Service, ServiceProgram } from "./service.ts";
import { isEverybodys, layServiceFile, serviceRefusal } from "./service.ts";
import type { runTool } from "./tool.ts";

/** Where the service is kept, and by what. */
export interface LaunchdOptions {
  /** Of the list of properties: `/Library/LaunchDaemons`. */
  readonly folder: string;
  /** Calls programs of the system. */
  readonly run: typeof runTool;
  /** The helper's program; null: there is none. */
  readonly helper?: string | null;
}

/**
 * The service: an engine that runs as its own user beside the helper, the one process with rights. Where another user cannot run
 * the program, or there is no helper, the engine runs as root.
 */
export function launchdService({ folder, run, helper = helperProgram() }: LaunchdOptions): Service {
  const file = posix.join(folder, `${label}.plist`);
  const launchctl = (...words: readonly string[]) => run("/bin/launchctl", words);
  const isLoaded = async () => (await launchctl("print", target)) === null;
  const unload = async () => {
    if (await isLoaded()) await demand(launchctl("bootout", target));
  };
  return {
    async state() {
      if (!existsSync(file)) return "absent";
      return (await isLoaded()) ? "running" : "stopped";
    },
    async install(program) {
      await unload();
      const ownUser = helper !== null && [program.node, program.commandLine].every(isEverybodys);
      if (ownUser) {
        await demand(run(helper, ["install", "--service"]));
        mkdirSync(program.folder, { recursive: true });
        await demand(run("/usr/sbin/chown", ["-RP", `${serviceUser}:${serviceUser}`, program.folder]));
        await demand(run("/bin/chmod", ["0710", program.folder]));
      }
      layServiceFile(file, propertyList(program, ownUser ? serviceUser : null));
      await demand(launchctl("bootstrap", "system", file));
      return ownUser ? serviceUser : null;
    },
    async uninstall() {
      await unload();
      rmSync(file, { force: true });
      if (helper !== null) await demand(run(helper, ["uninstall", "--service"]));
    },
  };
}

/**
 * The list of properties: kept alive unless it ended well, and given time to take back what it changed. `user`: who it runs as;
 * null: root.
 */
export function propertyList({ node, commandLine, folder }: ServiceProgram, user: string | null): string {
  const words = [node, commandLine, "--state", folder, "up", "--foreground"];
  const variables = { ELECTRON_RUN_AS_NODE: "1", ...(user === null ? {} : { STARMESH_SOCKET_GROUP: "yes" }) };
  const who = user === null ? "" : `  ${pair("UserName", user)}\n  ${pair("GroupName", user)}\n`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  ${pair("Label", label)}
  <key>ProgramArguments</key>
  <array>
${words.map((word) => `    <string>${escaped(word)}</string>`).join("\n")}
  </array>
${who}  <key>EnvironmentVariables</key>
  <dict>
${Object.entries(variables)
  .map(([name, value]) => `    ${pair(name, value)}`)
  .join("\n")}
  </dict>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
  <key>ExitTimeOut</key><integer>30</integer>
  <key>Umask</key><integer>63</integer>
</dict>
</plist>
`;
}

function pair(key: string, value: string): string {
  return `<key>${key}</key><string>${value}</string>`;
}

async function demand(done: Promise<string | null>): Promise<void> {
  const refused = await done;
  if (refused !== null) throw serviceRefusal(refused);
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

const label = "io.starmesh.service";
const target = `system/${label}`;
/** User and group of the engine; the same in `drivers/helper/src/darwin/account.rs`. */
const serviceUser = "_starmesh";
