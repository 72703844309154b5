/**
 * Windows: rules of the Name Resolution Policy Table, by which the system asks a server of ours for the names of some domains and
 * everybody else as before. They lie in the registry and outlast the process, so each has a key that its name makes.
 */
import { createHash } from "node:crypto";
import { AppError } from "../../src-shared/errors.ts";
import type { DnsChange } from "./system.ts";
import { runTool, windowsTool } from "./tool.ts";

/** Makes a rule, or makes it anew. */
export async function setPolicy(change: Extract<DnsChange, { readonly way: "domains" }>): Promise<void> {
  const { name, server, domains, everything } = change;
  const key = policyKey(name);
  const suffixes = [...domains.map((domain) => `.${domain}`), ...(everything ? ["."] : [])];
  const values = [
    ["Version", "REG_DWORD", "2"],
    ["ConfigOptions", "REG_DWORD", String(useGenericServers)],
    ["GenericDNSServers", "REG_SZ", server],
    ["Comment", "REG_SZ", "Starmesh"],
    // Last: what has no name yet counts for nothing.
    ["Name", "REG_MULTI_SZ", suffixes.join(separator)],
  ];
  for (const [value = "", type = "", data = ""] of values) {
    const refusal = await runTool(reg, ["add", key, "/v", value, "/t", type, "/d", data, "/f"]);
    if (refusal !== null) throw new AppError("system-refused", { action: "look names up", detail: refusal });
  }
}

/** Takes a rule away; also when it is gone already. */
export async function removePolicy(name: string): Promise<void> {
  await runTool(reg, ["delete", policyKey(name), "/f"]);
}

/** Where the rule of that name lies. */
export function policyKey(name: string): string {
  const hash = createHash("sha256").update(`starmesh names ${name}`).digest("hex").toUpperCase();
  const parts = [
    hash.slice(0, 8),
    hash.slice(8, 12),
    hash.slice(12, 16),
    hash.slice(16, 20),
    hash.slice(20, 32),
  ];
  return `${table}\\{${parts.join("-")}}`;
}

const reg = windowsTool("reg.exe");
const table = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\Dnscache\\Parameters\\DnsPolicyConfig";
/** Of [MS-GPNRPT]: the rule names servers to ask. */
const useGenericServers = 8;
/** What `reg.exe` reads between the strings of a list. */
const separator = "\\0";
