/** Other people's programs to test and measure against: built from their Go modules once, kept in the user's cache. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

export interface GoTool {
  /** Package to build. */
  readonly package: string;
  readonly version: string;
  /** Name of the program that comes of it. */
  readonly program: string;
}

/** WireGuard's implementation in Go: a stock client, and the yardstick. */
export const wireguardGo: GoTool = {
  package: "golang.zx2c4.com/wireguard",
  version: "v0.0.0-20260522210424-ecfc5a8d5446",
  program: "wireguard",
};

/** Nebula, the fastest of the peers measured. */
export const nebula: GoTool = {
  package: "github.com/slackhq/nebula/cmd/nebula",
  version: "v1.11.0",
  program: "nebula",
};

/** Makes Nebula's certificates. */
export const nebulaCert: GoTool = {
  package: "github.com/slackhq/nebula/cmd/nebula-cert",
  version: "v1.11.0",
  program: "nebula-cert",
};

/** Whether a tool is built already or can be. */
export function canHave(tool: GoTool): boolean {
  return existsSync(pathOf(tool)) || goPath() !== null;
}

/** Path of the program, built first where it is not in the cache. Throws with Go's words when it cannot be built. */
export async function have(tool: GoTool): Promise<string> {
  const path = pathOf(tool);
  if (existsSync(path)) return path;
  const go = goPath();
  if (go === null) throw new Error(`${tool.program} needs Go (go.dev) to be built`);
  const env = { ...process.env, GOBIN: folderOf(tool), GOFLAGS: "-buildvcs=false", CGO_ENABLED: "0" };
  await promisify(execFile)(go, ["install", `${tool.package}@${tool.version}`], { env });
  return path;
}

function pathOf(tool: GoTool): string {
  return join(folderOf(tool), tool.program);
}

function folderOf(tool: GoTool): string {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return join(cache, "starmesh/tools", `${tool.program}-${tool.version}`);
}

function goPath(): string | null {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/local/go/bin"];
  return folders.map((folder) => join(folder, "go")).find((path) => existsSync(path)) ?? null;
}
