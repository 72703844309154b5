/**
 * Windows Defender Firewall: what comes to an address of a network is let in, in every profile, since the data plane's own filter
 * says what members may do; and what comes to the port of this program, by which nodes reach each other directly.
 */
import { join } from "node:path";
import { runTool } from "./tool.ts";

/** Lets in what comes to the address; done again it is done once. A firewall that is off or another's refuses nothing of ours. */
export async function admitAddress(device: string, address: string): Promise<void> {
  await refuseAddress(device, address);
  for (const rule of rulesOf(device, address)) {
    await runTool(netsh, [
      ...firewall,
      "add",
      "rule",
      ...rule,
      "dir=in",
      "action=allow",
      "profile=any",
      "enable=yes",
    ]);
  }
}

/** Takes the rules of the address away; also when they are gone already. */
export async function refuseAddress(device: string, address: string): Promise<void> {
  await runTool(netsh, [...firewall, "delete", "rule", `name=${nameOf(device, address)}`]);
}

function rulesOf(device: string, address: string): readonly (readonly string[])[] {
  const name = `name=${nameOf(device, address)}`;
  return [
    [name, `localip=${address}`],
    [name, `program=${process.execPath}`, "protocol=udp"],
    [name, `program=${process.execPath}`, "protocol=tcp"],
  ];
}

function nameOf(device: string, address: string): string {
  return `Starmesh ${device} ${address}`;
}

const netsh = join(process.env["SystemRoot"] ?? "C:\\Windows", "System32", "netsh.exe");
const firewall = ["advfirewall", "firewall"];
