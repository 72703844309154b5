/** Windows: the service as a task that starts with the machine, before anybody signs in. */
import { win32 } from "node:path";
import type { Service, ServiceProgram } from "./service.ts";
import { serviceRefusal } from "./service.ts";
import type { runTool } from "./tool.ts";

/** The service of a Windows in a folder, `C:\Windows`. */
export function taskService(windows: string, run: typeof runTool): Service {
  const schedule = (...words: readonly string[]) =>
    run(win32.join(windows, "System32", "schtasks.exe"), [...words, "/TN", task]);
  const isThere = async () => (await schedule("/Query")) === null;
  const done = async (...words: readonly string[]) => {
    const refused = await schedule(...words);
    if (refused !== null) throw serviceRefusal(refused);
  };
  return {
    async state() {
      if (!(await isThere())) return "absent";
      // The scheduler says so in the system's language; whether an engine answers is asked of the engine.
      return "stopped";
    },
    async install(program) {
      const command = taskCommand(program, windows);
      await done("/Create", "/F", "/SC", "ONSTART", "/RU", "SYSTEM", "/RL", "HIGHEST", "/TR", command);
      await done("/Run");
      return null;
    },
    async uninstall() {
      if (!(await isThere())) return;
      await schedule("/End");
      await done("/Delete", "/F");
    },
  };
}

/** What the task runs; one line for `cmd`, of at most 261 characters. Throws `system-refused` where it is longer. */
export function taskCommand({ node, commandLine, folder }: ServiceProgram, windows: string): string {
  const shell = win32.join(windows, "System32", "cmd.exe");
  const engine = `"${node}" "${commandLine}" --state "${folder}" up --foreground`;
  const line = `${shell} /c "set ELECTRON_RUN_AS_NODE=1&& ${engine}"`;
  if (line.length > longest) throw serviceRefusal(`its folders' names are too long together: ${engine}`);
  return line;
}

const task = "Starmesh";
const longest = 261;
