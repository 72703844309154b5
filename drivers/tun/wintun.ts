/** TUN on Windows: an adapter of Wintun, whose library lies beside this file's folder in an install; packets go by the data plane. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import koffi from "koffi";
import { AppError } from "../../src-shared/errors.ts";
import type { TunCheck, TunDevice, TunDriver, TunOptions } from "./tun.ts";

/** The driver for Windows. Without offloads; the MTU is the system's to set, per family. */
export const wintun: TunDriver = {
  open: async (options) => openDevice(options),
  check: checkTun,
};

function openDevice(options: TunOptions): TunDevice {
  const check = checkTun();
  if (!check.ok) throw check.reason;
  const library = loadWintun();
  const { adapter, name } =
    options.name === undefined ? nextAdapter(library) : namedAdapter(library, options.name);
  let open = true;
  return {
    name,
    fd: Number(adapter),
    offload: false,
    close() {
      if (open) library.close(adapter);
      open = false;
    },
  };
}

function checkTun(): TunCheck {
  if (findLibrary() === null) {
    return { ok: false, reason: new AppError("no-tun", { detail: `${libraryFile} is missing` }) };
  }
  return isAdministrator() ? { ok: true } : { ok: false, reason: new AppError("no-privilege") };
}

/** The first free name; an adapter that a killed engine left behind is taken over. */
function nextAdapter(library: Wintun): Adapter {
  for (let number = 0; number < mostAdapters; number += 1) {
    const name = `${namePrefix}${number}`;
    const adapter = openAdapter(library, name);
    if (adapter !== null) return { adapter, name };
  }
  throw refused(`create the interface ${namePrefix}0`, "all names up to it are taken");
}

function namedAdapter(library: Wintun, name: string): Adapter {
  if (!/^[\w.-]{1,15}$/.test(name)) {
    throw refused(`create the interface ${name}`, "a name has 1 to 15 letters, digits, dots or hyphens");
  }
  const adapter = openAdapter(library, name);
  if (adapter !== null) return { adapter, name };
  throw refused(`create the interface ${name}`, "the name is taken");
}

/** Null: somebody else has an interface of that name. */
function openAdapter(library: Wintun, name: string): bigint | null {
  const known = luidOf(name);
  if (known !== null) {
    const stale = library.open(name);
    if (stale === 0n) return null;
    if (!isRunning(known)) return stale;
    library.close(stale);
    return null;
  }
  const adapter = library.create(name, tunnelType, identifierOf(name));
  if (adapter !== 0n) return adapter;
  throw refused(`create the interface ${name}`, lastError());
}

/**
 * An adapter of a name is the same one to Windows each time it is made, so that what was set for it, such as the kind of
 * network that the user says it is, stays.
 */
function identifierOf(name: string): Buffer {
  return createHash("sha256").update(`starmesh adapter ${name}`).digest().subarray(0, 16);
}

function luidOf(name: string): Buffer | null {
  const luid = Buffer.alloc(8);
  return loadSystem().luidOfAlias(`${name}\0`, luid) === 0 ? luid : null;
}

/** Whether some process has a session on it: the cable of an adapter without one is unplugged. */
function isRunning(luid: Buffer): boolean {
  const row = Buffer.alloc(interfaceRow.bytes);
  luid.copy(row, 0);
  return (
    loadSystem().interfaceEntry(row) === 0 && row.readUInt32LE(interfaceRow.operStatus) === operationalUp
  );
}

function isAdministrator(): boolean {
  return loadSystem().isAdministrator() !== 0;
}

function lastError(): string {
  return `Windows error ${loadSystem().lastError()}`;
}

function refused(action: string, detail: string): AppError {
  return new AppError("system-refused", { action, detail });
}

/**
 * From the sources, a bundle and a package alike: the nearest folder above that holds the file. Never by a search of Windows' own, nor
 * at the top of a drive, where others may write.
 */
function findLibrary(folder: string = dirname(fileURLToPath(import.meta.url))): string | null {
  const above = dirname(folder);
  if (above === folder) return null;
  const path = libraryFiles.map((file) => join(folder, file)).find((file) => existsSync(file));
  return path ?? findLibrary(above);
}

interface Adapter {
  /** Handle; Rust starts the session by it. */
  readonly adapter: bigint;
  readonly name: string;
}

interface Wintun {
  create(name: string, type: string, identifier: Uint8Array): bigint;
  open(name: string): bigint;
  close(adapter: bigint): void;
}

let loaded: Wintun | null = null;

function loadWintun(): Wintun {
  if (loaded !== null) return loaded;
  const path = findLibrary();
  if (path === null) throw new AppError("no-tun", { detail: `${libraryFile} is missing` });
  const library = koffi.load(path);
  const create = library.func("WintunCreateAdapter", "void *", ["str16", "str16", bytesIn]);
  const open = library.func("WintunOpenAdapter", "void *", ["str16"]);
  const close = library.func("WintunCloseAdapter", "void", ["void *"]);
  loaded = {
    create: (name, type, identifier) => handle(create(name, type, identifier)),
    open: (name) => handle(open(name)),
    close: (adapter) => void close(adapter),
  };
  return loaded;
}

interface WindowsCalls {
  luidOfAlias(name: string, luid: Uint8Array): number;
  interfaceEntry(row: Uint8Array): number;
  isAdministrator(): number;
  lastError(): number;
}

let system: WindowsCalls | null = null;

function loadSystem(): WindowsCalls {
  if (system !== null) return system;
  const addresses = koffi.load("iphlpapi.dll");
  system = {
    luidOfAlias: addresses.func("ConvertInterfaceAliasToLuid", "uint32_t", ["str16", bytesOut]),
    interfaceEntry: addresses.func("GetIfEntry2", "uint32_t", [bytesOut]),
    isAdministrator: koffi.load("shell32.dll").func("IsUserAnAdmin", "int", []),
    lastError: koffi.load("kernel32.dll").func("GetLastError", "uint32_t", []),
  };
  return system;
}

/** Koffi gives null for a null pointer, a number of any size otherwise. */
function handle(pointer: unknown): bigint {
  return typeof pointer === "bigint" ? pointer : 0n;
}

const libraryFile = "wintun.dll";
/** Where the sources have it, and where packages do: signed, from its makers' archive. */
const libraryFiles = [`drivers/tun/${libraryFile}`, libraryFile];
const namePrefix = "starmesh";
/** What Windows shows as the kind of the adapter. */
const tunnelType = "Starmesh";
const mostAdapters = 64;
const bytesIn = koffi.pointer("uint8_t");
const bytesOut = koffi.inout(koffi.pointer("uint8_t"));
/** Of `MIB_IF_ROW2` (netioapi.h). */
export const interfaceRow = { bytes: 1352, operStatus: 1156 };
const operationalUp = 1;
