/**
 * Linux: programs that go to the internet beside the exit. They stand in a control group of ours (cgroups(7), version 2), and
 * a program of the kernel's (bpf(2)) marks each socket that is made there, as those are marked that carry the networks.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import koffi from "koffi";
import { errnoText } from "../../drivers/tun/descriptor.ts";
import type { Caller } from "../../src-shared/api/channel.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { OutsideProgram } from "../../src-shared/exit.ts";

/** Makes the group of that name, whose members' sockets have the mark from then on; again where it is there already. */
export function openOutside(name: string, mark: number): void {
  const folder = groupOf(name);
  if (folder === null) throw refusal("this system shows no control groups of version 2");
  inGroup(() => mkdirSync(folder, { recursive: true }));
  const group = openSync(folder, "r");
  const program = load(markingProgram(mark));
  try {
    // Without a flag it takes the place of the one that an engine before this one attached.
    call(BPF_PROG_ATTACH, attachment(group, program));
  } finally {
    closeSync(program);
    closeSync(group);
  }
}

/** Takes the process that calls into a group of its own below; what it starts from now on stands there too. Answers its number. */
export function enterOutside(name: string, caller: Caller): number {
  const process = processOf(caller.connection());
  const folder = groupOf(name);
  if (folder === null || process === null) throw refusal("the program is gone already");
  const own = join(folder, String(process));
  inGroup(() => {
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, processes), String(process));
  });
  return process;
}

/** What runs in the group; what has ended there is taken away. */
export function listOutside(name: string): readonly OutsideProgram[] {
  return groupsIn(groupOf(name)).flatMap(({ process, own }) => {
    const all = processesIn(own);
    const named = all.includes(process) ? process : all[0];
    if (named !== undefined) return [{ process, program: nameOf(named) }];
    remove(own);
    return [];
  });
}

/** What that process started goes the way of everything else, with the connections that it makes from now on. */
export function leaveOutside(name: string, process: number): void {
  const folder = groupOf(name);
  if (folder !== null) empty(join(folder, String(process)), folder);
}

/** Marks no more sockets, and takes the group away; done also when it is gone already. */
export function closeOutside(name: string): void {
  const folder = groupOf(name);
  if (folder === null || !existsSync(folder)) return;
  const group = openSync(folder, "r");
  bpf(BPF_PROG_DETACH, attachment(group, 0));
  closeSync(group);
  for (const { own } of groupsIn(folder)) empty(own, folder);
  remove(folder);
}

/** The process that opened the other end of a connection; null where the system does not say, or it is gone. */
function processOf(connection: number | null): number | null {
  if (connection === null) return null;
  const credentials = Buffer.alloc(12);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(credentials.length);
  getsockopt ??= koffi.load(null).func("int getsockopt(int, int, int, void *, void *)");
  if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, credentials, length) !== 0) return null;
  const [process, user] = [credentials.readInt32LE(0), credentials.readUInt32LE(4)];
  // Its number may be another's by now.
  return process > 0 && userOf(process) === user ? process : null;
}

/** By whose rights a process acts (proc_pid_status(5)). */
function userOf(process: number): number | null {
  const user = /^Uid:\s+\d+\s+(\d+)/m.exec(readIfThere(`/proc/${process}/status`))?.[1];
  return user === undefined ? null : Number(user);
}

/** Moves all processes of a group to the topmost one, and takes the group away. What they start meanwhile is moved next. */
function empty(own: string, folder: string): void {
  for (let turn = 0; turn < mostTurns; turn++) {
    const all = processesIn(own);
    if (all.length === 0) break;
    for (const process of all) {
      try {
        writeFileSync(join(dirname(folder), processes), String(process));
      } catch {
        // It has ended meanwhile.
      }
    }
  }
  remove(own);
}

function remove(group: string): void {
  try {
    rmdirSync(group);
  } catch {
    // Gone already, or something was started in it meanwhile. The next start takes it over, a restart of the machine away.
  }
}

function groupsIn(folder: string | null): readonly { readonly process: number; readonly own: string }[] {
  if (folder === null || !existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ process: Number(name), own: join(folder, name) }))
    .sort((one, other) => one.process - other.process);
}

function processesIn(group: string): readonly number[] {
  return readIfThere(join(group, processes))
    .split("\n")
    .filter((line) => line !== "")
    .map(Number);
}

function nameOf(process: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a program chooses its name, which a terminal shows.
  return readIfThere(`/proc/${process}/comm`).replace(/[\u0000-\u001f\u007f-\u009f]/g, "");
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** The folder of an engine's group, by the name of its rules; null where this process sees none of version 2. */
function groupOf(name: string): string | null {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  // Fields of proc_pid_mountinfo(5): what of the file system, where it lies; after a dash its kind.
  const found = lines
    .map((line) => line.split(" "))
    .find((fields) => fields[fields.indexOf("-") + 1] === "cgroup2" && fields[3] === "/");
  return found?.[4] === undefined ? null : join(found[4], name.replace("starmesh_", "starmesh_outside_"));
}

/** For each socket as it is made: its mark, and that it may be made (`struct bpf_sock`). */
function markingProgram(mark: number): Buffer {
  return Buffer.concat([
    instruction(MOV32_IMMEDIATE, 2, mark),
    instruction(STORE32, 1 | (2 << 4), 0, markOffset),
    instruction(MOV64_IMMEDIATE, 0, 1),
    instruction(EXIT, 0, 0),
  ]);
}

/** `struct bpf_insn`: code, registers, offset, value. */
function instruction(
  ...[code, registers, value, offset = 0]: readonly [number, number, number, number?]
): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt8(code, 0);
  bytes.writeUInt8(registers, 1);
  bytes.writeInt16LE(offset, 2);
  bytes.writeInt32LE(value, 4);
  return bytes;
}

/** Has the kernel check and keep a program; answers its descriptor. */
function load(program: Buffer): number {
  const block = koffi.alloc("uint8_t", program.length + licence.length);
  try {
    const bytes = Buffer.concat([program, licence]);
    koffi.encode(block, 0, koffi.array("uint8_t", bytes.length), bytes);
    const address = BigInt(koffi.address(block));
    const attributes = Buffer.alloc(72);
    attributes.writeUInt32LE(BPF_PROG_TYPE_CGROUP_SOCK, 0);
    attributes.writeUInt32LE(program.length / 8, 4);
    attributes.writeBigUInt64LE(address, 8);
    attributes.writeBigUInt64LE(address + BigInt(program.length), 16);
    attributes.writeUInt32LE(BPF_CGROUP_INET_SOCK_CREATE, 68);
    return call(BPF_PROG_LOAD, attributes);
  } finally {
    koffi.free(block);
  }
}

function attachment(group: number, program: number): Buffer {
  const attributes = Buffer.alloc(16);
  attributes.writeUInt32LE(group, 0);
  attributes.writeUInt32LE(program, 4);
  attributes.writeUInt32LE(BPF_CGROUP_INET_SOCK_CREATE, 8);
  return attributes;
}

function call(command: number, attributes: Buffer): number {
  const result = bpf(command, attributes);
  if (result >= 0) return result;
  const errno = koffi.errno();
  if (errno === koffi.os.errno["EPERM"]) throw new AppError("no-privilege");
  throw refusal(errnoText(errno));
}

function bpf(command: number, attributes: Buffer): number {
  syscall ??= koffi.load(null).func("long syscall(long, int, void *, unsigned int)");
  return syscall(bpfNumber, command, attributes, attributes.length);
}

function inGroup(change: () => void): void {
  try {
    change();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    if (code === "EACCES" || code === "EPERM") throw new AppError("no-privilege");
    throw refusal(`its control groups refuse it: ${code}`);
  }
}

function refusal(detail: string): AppError {
  return new AppError("system-refused", { action: "let a program go past the exit", detail });
}

let getsockopt: ReturnType<ReturnType<typeof koffi.load>["func"]> | null = null;
let syscall: ReturnType<ReturnType<typeof koffi.load>["func"]> | null = null;
const processes = "cgroup.procs";
/** A program that starts others without end is left where it is. */
const mostTurns = 16;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** Of bpf(2), by processor. */
const bpfNumber = process.arch === "arm64" ? 280 : 321;
const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH = 8;
const BPF_PROG_DETACH = 9;
const BPF_PROG_TYPE_CGROUP_SOCK = 9;
const BPF_CGROUP_INET_SOCK_CREATE = 2;
const MOV32_IMMEDIATE = 0xb4;
const STORE32 = 0x63;
const MOV64_IMMEDIATE = 0xb7;
const EXIT = 0x95;
const markOffset = 16;
/** The program calls nothing of the kernel's. */
const licence = Buffer.from("Apache-2.0\0");
