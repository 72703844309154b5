/** Windows: which user this process runs as, who owns a folder, and who may talk to the engine by its named pipe. */
import koffi from "koffi";
import { AppError } from "../../src-shared/errors.ts";

/** Security identifier of the user of this process: `S-1-5-21-…-1001`. Throws `system-refused`. */
export function ownUser(): string {
  const { kernel, security } = loadCalls();
  const token: unknown[] = [null];
  if (security.openToken(kernel.process(), tokenQuery, token) === 0)
    throw refused("read the user of a process");
  try {
    // TOKEN_USER: a pointer to the identifier, which lies behind it.
    const user = Buffer.alloc(longestUser);
    const length = [0];
    if (security.tokenInformation(token[0], tokenUser, user, user.length, length) === 0)
      throw refused("read the user of a process");
    return nameOfUser(user.readBigUInt64LE(0));
  } finally {
    kernel.close(token[0]);
  }
}

/** Security identifier of the owner of a file or folder. Throws `system-refused`. */
export function ownerOf(path: string): string {
  const { kernel, security } = loadCalls();
  const owner: unknown[] = [null];
  const descriptor: unknown[] = [null];
  const error: unknown = security.ownerOf(
    path,
    fileObject,
    ownerInformation,
    owner,
    null,
    null,
    null,
    descriptor,
  );
  if (error !== 0)
    throw new AppError("system-refused", {
      action: `read the owner of ${path}`,
      detail: `Windows error ${error}`,
    });
  try {
    return nameOfUser(owner[0]);
  } finally {
    kernel.free(descriptor[0]);
  }
}

/**
 * Refuses a folder that another user made, who could change at any time what this process keeps and does there: anybody may make
 * folders below `C:\ProgramData`. Those who may use the engine are trusted. Throws `state-not-writable`.
 */
export function demandOwnFolder(folder: string, users: readonly string[] = []): void {
  if ([ownUser(), systemUser, administrators, ...users].includes(ownerOf(folder))) return;
  throw new AppError("state-not-writable", { folder, detail: "another user of this machine made it" });
}

/**
 * Who may do what with the pipe, in the security descriptor definition language: the system and administrators everything, the users
 * named may talk, nobody from another machine, and nobody else.
 */
export function pipeRules(users: readonly string[]): string {
  const talking = [...new Set(users)].map((user) => `(A;;GRGW;;;${user})`);
  return `D:P(D;;GA;;;NU)(A;;GA;;;SY)(A;;GA;;;BA)${talking.join("")}`;
}

/** Lets nobody but these users, the system and administrators talk to who listens at the pipe. Throws `system-refused`. */
export function protectPipe(path: string, users: readonly string[]): void {
  const { kernel, security } = loadCalls();
  const descriptor: unknown[] = [null];
  if (security.textToRules(pipeRules(users), definitionVersion, descriptor, null) === 0)
    throw refused(`protect ${path}`);
  try {
    withPipe(path, writeRules, (pipe) => {
      if (security.setRules(pipe, daclInformation, descriptor[0]) === 0) throw refused(`protect ${path}`);
    });
  } finally {
    kernel.free(descriptor[0]);
  }
}

/** The rules of a pipe as Windows has them. Throws `system-refused`. */
export function rulesOfPipe(path: string): string {
  const { security } = loadCalls();
  return withPipe(path, readRules, (pipe) => {
    const descriptor = Buffer.alloc(longestRules);
    const length = [0];
    if (security.readRules(pipe, daclInformation, descriptor, descriptor.length, length) === 0)
      throw refused(`read the rules of ${path}`);
    const text: unknown[] = [null];
    if (security.rulesToText(descriptor, definitionVersion, daclInformation, text, null) === 0)
      throw refused(`read the rules of ${path}`);
    return textAt(text[0]);
  });
}

/** The rules belong to all instances of a pipe, also to those that are made later: whoever opens it as a client reaches them. */
function withPipe<Result>(path: string, access: number, work: (pipe: unknown) => Result): Result {
  const { kernel } = loadCalls();
  const pipe = kernel.open(path, access, 0, null, openExisting, 0, null);
  if (pipe === null || pipe === invalidHandle) throw refused(`open ${path}`);
  try {
    return work(pipe);
  } finally {
    kernel.close(pipe);
  }
}

function nameOfUser(identifier: unknown): string {
  const text: unknown[] = [null];
  if (loadCalls().security.userToText(identifier, text) === 0) throw refused("name a user");
  return textAt(text[0]);
}

/** A text that Windows made, and that is given back. */
function textAt(pointer: unknown): string {
  if (typeof pointer !== "bigint") return "";
  try {
    return String(koffi.decode.string16(pointer));
  } finally {
    loadCalls().kernel.free(pointer);
  }
}

function refused(action: string): AppError {
  return new AppError("system-refused", {
    action,
    detail: `Windows error ${loadCalls().kernel.lastError()}`,
  });
}

function loadCalls() {
  loaded ??= bindCalls();
  return loaded;
}

function bindCalls() {
  const kernel = koffi.load("kernel32.dll");
  const advanced = koffi.load("advapi32.dll");
  const out = koffi.out(koffi.pointer("void *"));
  const lengthOut = koffi.out(koffi.pointer("uint32_t"));
  const bytesOut = koffi.inout(koffi.pointer("uint8_t"));
  return {
    kernel: {
      process: kernel.func("GetCurrentProcess", "void *", []),
      open: kernel.func("CreateFileW", "void *", [
        "str16",
        "uint32_t",
        "uint32_t",
        "void *",
        "uint32_t",
        "uint32_t",
        "void *",
      ]),
      close: kernel.func("CloseHandle", "int", ["void *"]),
      free: kernel.func("LocalFree", "void *", ["void *"]),
      lastError: kernel.func("GetLastError", "uint32_t", []),
    },
    security: {
      openToken: advanced.func("OpenProcessToken", "int", ["void *", "uint32_t", out]),
      tokenInformation: advanced.func("GetTokenInformation", "int", [
        "void *",
        "int",
        bytesOut,
        "uint32_t",
        lengthOut,
      ]),
      userToText: advanced.func("ConvertSidToStringSidW", "int", ["void *", out]),
      ownerOf: advanced.func("GetNamedSecurityInfoW", "uint32_t", [
        "str16",
        "int",
        "uint32_t",
        out,
        "void *",
        "void *",
        "void *",
        out,
      ]),
      textToRules: advanced.func("ConvertStringSecurityDescriptorToSecurityDescriptorW", "int", [
        "str16",
        "uint32_t",
        out,
        "void *",
      ]),
      rulesToText: advanced.func("ConvertSecurityDescriptorToStringSecurityDescriptorW", "int", [
        koffi.pointer("uint8_t"),
        "uint32_t",
        "uint32_t",
        out,
        "void *",
      ]),
      readRules: advanced.func("GetKernelObjectSecurity", "int", [
        "void *",
        "uint32_t",
        bytesOut,
        "uint32_t",
        lengthOut,
      ]),
      setRules: advanced.func("SetKernelObjectSecurity", "int", ["void *", "uint32_t", "void *"]),
    },
  };
}

let loaded: ReturnType<typeof bindCalls> | null = null;
// Numbers of winnt.h, fileapi.h and sddl.h.
const tokenQuery = 8;
const tokenUser = 1;
const fileObject = 1;
const ownerInformation = 1;
const daclInformation = 4;
const readRules = 0x2_0000;
const writeRules = 0x4_0000;
const openExisting = 3;
const definitionVersion = 1;
const invalidHandle = 0xffff_ffff_ffff_ffffn;
/** A pointer, attributes, and the longest identifier (`SECURITY_MAX_SID_SIZE`). */
const longestUser = 16 + 68;
const longestRules = 4096;
const systemUser = "S-1-5-18";
const administrators = "S-1-5-32-544";
