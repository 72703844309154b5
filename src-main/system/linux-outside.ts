/**
 * Linux: programs that go to the internet beside the exit. They stand in a control group of ours (cgroups(7), version 2), and
 * a program of the kernel's (bpf(2)) marks each socket that is made there, as those are marked that carry the networks.
 */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import koffi from "koffi";
import { errnoText } from "../../drivers/tun/descriptor.ts";
import { AppError } from "../../src-shared/errors.ts";

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

/** Takes a process into the group; what it starts from now on stands there too. */
export function enterOutside(name: string, process: number): void {
  const folder = groupOf(name);
  if (folder !== null) inGroup(() => writeFileSync(join(folder, "cgroup.procs"), String(process)));
}

/** Marks no more sockets, and takes the group away unless programs run in it still; done also when it is gone already. */
export function closeOutside(name: string): void {
  const folder = groupOf(name);
  if (folder === null || !existsSync(folder)) return;
  const group = openSync(folder, "r");
  bpf(BPF_PROG_DETACH, attachment(group, 0));
  closeSync(group);
  try {
    rmdirSync(folder);
  } catch {
    // Those programs go the way of all others now. The next start takes the group over, a restart of the machine away.
  }
}

/** The folder of a group; null where this process sees none of version 2. */
function groupOf(name: string): string | null {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  // Fields of proc_pid_mountinfo(5): what of the file system, where it lies; after a dash its kind.
  const found = lines
    .map((line) => line.split(" "))
    .find((fields) => fields[fields.indexOf("-") + 1] === "cgroup2" && fields[3] === "/");
  return found?.[4] === undefined ? null : join(found[4], name);
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

let syscall: ReturnType<ReturnType<typeof koffi.load>["func"]> | null = null;
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
