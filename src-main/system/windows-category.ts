/**
 * Windows: to the system an interface of ours is a private network, as the LAN at home is. A network without a gateway is
 * public to it otherwise, and its programs hide from that. Who may reach what is for the network's own rules to say.
 */
import { win32 } from "node:path";
import { runTool, windowsTool } from "./tool.ts";

/**
 * Waits until Windows has a network for the interface, some seconds after it is up, and calls that private. Nothing has to be
 * undone: the network goes with the interface. Answers null, or what Windows said.
 */
export function makePrivate(device: string): Promise<string | null> {
  return runTool(powershell, categoryWords(device));
}

/** What PowerShell is asked for (`Set-NetConnectionProfile`). */
export function categoryWords(device: string): readonly string[] {
  const name = `'${device.replaceAll("'", "''")}'`;
  const find = `Get-NetConnectionProfile -InterfaceAlias ${name} -ErrorAction SilentlyContinue`;
  const set = `Set-NetConnectionProfile -InterfaceAlias ${name} -NetworkCategory Private`;
  const wait = `for ($i = 0; $i -lt ${tries} -and -not (${find}); $i++) { Start-Sleep -Seconds 1 }`;
  return ["-NoProfile", "-NonInteractive", "-Command", `${wait}; ${set}`];
}

const powershell = windowsTool(win32.join("WindowsPowerShell", "v1.0", "powershell.exe"));
/** Less than a program is given to end. */
const tries = 10;
