/** macOS: files of `/etc/resolver`, by which the system asks a server of ours for the names of some domains (resolver(5)). */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../src-shared/errors.ts";
import type { DnsChange } from "./system.ts";

type Rule = Extract<DnsChange, { readonly way: "domains" }>;

/** Makes the files of a rule; what it had before and has no more goes. Files of others are refused, not changed. */
export function setRule({ name, server, domains }: Rule, folder: string = resolverFolder): void {
  try {
    mkdirSync(folder, { recursive: true });
    for (const file of ownFiles(folder, name)) if (!domains.includes(file)) rmSync(join(folder, file));
    for (const domain of domains) {
      if (!/^\w[\w.-]*$/.test(domain)) throw new TypeError(`no domain: ${domain}`);
      const path = join(folder, domain);
      const before = readFile(path);
      if (before !== null && !before.startsWith(markOf(name)))
        throw new AppError("system-refused", { action: `change ${path}`, detail: "it is another program's" });
      writeFileSync(path, `${markOf(name)}\nnameserver ${server}\n`, { mode: 0o644 });
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw code === "EACCES" || code === "EPERM"
      ? new AppError("no-privilege")
      : new AppError("system-refused", { action: `change ${folder}`, detail: code });
  }
}

/** Takes the files of a rule away; also when they are gone already. */
export function removeRule(name: string, folder: string = resolverFolder): void {
  for (const file of ownFiles(folder, name)) rmSync(join(folder, file), { force: true });
}

function ownFiles(folder: string, name: string): readonly string[] {
  try {
    return readdirSync(folder).filter((file) =>
      readFile(join(folder, file))?.startsWith(`${markOf(name)}\n`),
    );
  } catch {
    return [];
  }
}

function readFile(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

function markOf(name: string): string {
  return `# Made by Starmesh for ${name}.`;
}

const resolverFolder = "/etc/resolver";
