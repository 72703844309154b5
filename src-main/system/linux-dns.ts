/** Linux: which servers this machine's programs ask for names, through systemd-resolved or `/etc/resolv.conf`. */
import { execFile } from "node:child_process";
import {
  closeSync,
  constants,
  ftruncateSync,
  openSync,
  readFileSync,
  realpathSync,
  watch,
  writeSync,
} from "node:fs";
import { basename, dirname } from "node:path";
import { AppError } from "../../src-shared/errors.ts";
import { hasServer, nameServers, withoutServer, withServer } from "./resolver-file.ts";
import type { DnsChange, Watch } from "./system.ts";

/** How names are looked up here: by systemd-resolved, or by the servers that a file names. */
export async function dnsWay(): Promise<"resolved" | "file"> {
  const servers = nameServers(readFile());
  if (!servers.every((server) => stubServers.includes(server))) return "file";
  return (await resolvectl(["dns"])) === null ? "resolved" : "file";
}

/** Servers that are asked for ordinary names, without ours. */
export function dnsServers(): readonly string[] {
  return nameServers(readFile());
}

/** Makes a change; made again it does nothing. */
export async function setDns(change: DnsChange): Promise<void> {
  if (change.way === "file") {
    const text = readFile();
    if (!hasServer(text, change.server)) writeFile(withServer(text, change.server));
    return;
  }
  if (change.way !== "resolved") throw new TypeError(`no way of Linux: ${change.way}`);
  const { device, server, domains, everything } = change;
  const routed = [...domains.map((domain) => `~${domain}`), ...(everything ? ["~."] : [])];
  const steps = [
    ["dns", device, server],
    ["domain", device, ...routed],
    ["default-route", device, everything ? "yes" : "no"],
    // Nobody above signs names that exist in this network alone.
    ["dnssec", device, "no"],
  ];
  for (const step of steps) {
    const refusal = await resolvectl(step);
    if (refusal !== null) throw new AppError("system-refused", { action: "look names up", detail: refusal });
  }
}

/** Undoes a change; also when it is undone already. */
export async function removeDns(change: DnsChange): Promise<void> {
  if (change.way === "resolved") {
    // With its interface it is gone by itself; without systemd-resolved, too.
    await resolvectl(["revert", change.device]);
    return;
  }
  if (change.way === "domains") return;
  const text = readFile();
  const without = withoutServer(text);
  if (without !== text) writeFile(without);
}

/**
 * Calls back when somebody may have written the file anew (NetworkManager, resolvconf, a DHCP client) and has been done with it
 * for a moment.
 */
export function watchDns(onChange: () => void): Watch {
  let timer: NodeJS.Timeout | null = null;
  const soon = () => {
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(onChange, settleMillis);
  };
  // The folder tells of a file that takes its place, the file itself of a mounted one that is written.
  const paths = [resolverFile, realPath()];
  const watchers = [...new Set([...paths, ...paths.map((path) => dirname(path))])].flatMap((path) => {
    try {
      const isFile = paths.includes(path);
      return watch(path, { persistent: false }, (_, name) => {
        if (isFile || paths.some((each) => basename(each) === name)) soon();
      }).on("error", () => undefined);
    } catch {
      return [];
    }
  });
  return {
    close: () => {
      if (timer !== null) clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}

function readFile(): string {
  try {
    return readFileSync(resolverFile, "utf8");
  } catch {
    return "";
  }
}

/**
 * Written over in one call and then cut, never emptied first, so that a crash leaves servers in it at any moment. The file
 * itself stays: it may be a link into another program's folder, or mounted.
 */
function writeFile(text: string): void {
  try {
    const bytes = Buffer.from(text);
    const fd = openSync(realPath(), openFlags);
    try {
      writeSync(fd, bytes, 0, bytes.length, 0);
      ftruncateSync(fd, bytes.length);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new AppError("system-refused", { action: `change ${resolverFile}`, detail: code });
  }
}

function realPath(): string {
  try {
    return realpathSync(resolverFile);
  } catch {
    return resolverFile;
  }
}

/** Null when it was done; else what it said. */
function resolvectl(args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    execFile("resolvectl", [...args], { timeout: commandMillis }, (error, _, stderr) =>
      resolve(error === null ? null : stderr.trim().split("\n")[0] || error.message),
    );
  });
}

const resolverFile = "/etc/resolv.conf";
/** Where systemd-resolved listens. */
const stubServers: readonly string[] = ["127.0.0.53", "127.0.0.54"];
const commandMillis = 5000;
const settleMillis = 200;
/** For reading and writing, made when it is missing. */
const openFlags = constants.O_RDWR | constants.O_CREAT;
