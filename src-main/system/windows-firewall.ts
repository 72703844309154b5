/**
 * Windows Defender Firewall: what comes to an address of a network is let in, in every profile, since the data plane's own filter
 * says what members may do; and what comes to the ports of this program, by which nodes reach each other directly.
 */
import type { AdmissionChange } from "./system.ts";
import { runTool, windowsTool } from "./tool.ts";

/** Lets it in; done again it is done once. A firewall that is off or another's refuses nothing of ours. */
export async function admit(change: AdmissionChange): Promise<void> {
  await dismiss(change.name);
  for (const words of admissionWords(change)) await runTool(netsh, words);
}

/** Takes the rules of that name away; also when they are gone already. */
export async function dismiss(name: string): Promise<void> {
  await runTool(netsh, [...firewall, "delete", "rule", ruleName(name)]);
}

/** What `netsh` is asked for, a rule each. */
export function admissionWords({ name, address }: AdmissionChange): readonly (readonly string[])[] {
  const targets =
    address === null
      ? ["udp", "tcp"].map((protocol) => [`program=${process.execPath}`, `protocol=${protocol}`])
      : [[`localip=${address}`]];
  return targets.map((target) => [...firewall, "add", "rule", ruleName(name), ...target, ...always]);
}

function ruleName(name: string): string {
  return `name=Starmesh ${name}`;
}

const netsh = windowsTool("netsh.exe");
const firewall = ["advfirewall", "firewall"];
const always = ["dir=in", "action=allow", "profile=any", "enable=yes"];
