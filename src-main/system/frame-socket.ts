/**
 * Linux and macOS: unix sockets of frames (`helper-frame.ts`) and the descriptors that go with them (unix(7), unix(4)), which Node
 * has no calls for.
 */
import koffi from "koffi";
import type { Frame } from "./helper-frame.ts";
import { encodeFrame, FrameReader, mostDescriptors } from "./helper-frame.ts";

/** One end of a connection. */
export class FrameSocket {
  readonly fd: number;
  readonly #libc = loadLibc();
  readonly #reader = new FrameReader();
  #open = true;

  constructor(fd: number) {
    this.fd = fd;
    this.#libc.setNumber(fd, F_SETFD, FD_CLOEXEC);
    this.#libc.setNumber(fd, F_SETFL, system.O_NONBLOCK);
  }

  /** Connects; null where nobody listens or this process may not. */
  static connect(path: string): FrameSocket | null {
    const libc = loadLibc();
    const name = Buffer.from(path);
    if (name.length > system.longestPath) return null;
    const address = Buffer.alloc(2 + system.longestPath + 1);
    // Where the length stands first, the family is the second byte.
    if (isDarwin) address.set([address.length, AF_UNIX]);
    else address.writeUInt16LE(AF_UNIX);
    name.copy(address, 2);
    const fd = libc.socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0) return null;
    if (libc.connect(fd, address, address.length) === 0) return new FrameSocket(fd);
    libc.close(fd);
    return null;
  }

  /** This process's end of a new connection, and the descriptor of the other. */
  static pair(): { readonly ours: FrameSocket; readonly theirs: number } | null {
    const libc = loadLibc();
    const both = Buffer.alloc(8);
    if (libc.socketpair(AF_UNIX, SOCK_STREAM, 0, both) !== 0) return null;
    const theirs = both.readInt32LE(4);
    libc.setNumber(theirs, F_SETFD, FD_CLOEXEC);
    return { ours: new FrameSocket(both.readInt32LE(0)), theirs };
  }

  /** Whether it went; waits a few seconds at most for the other end to make room. */
  send(body: Uint8Array, descriptor?: number): boolean {
    const frame = encodeFrame(body, descriptor === undefined ? 0 : 1);
    if (!this.#open || frame === null) return false;
    let sent = 0;
    while (sent < frame.length) {
      const part = frame.subarray(sent, sent + longestPart);
      const count = this.#sendPart(part, sent === 0 ? descriptor : undefined);
      if (count < 0 && !(isBusy() && this.#await(POLLOUT))) return false;
      sent += Math.max(0, count);
    }
    return true;
  }

  /** What has come; `ended` when the other end is gone. `wait`: until something comes, for a few seconds at most. */
  receive({ wait = false } = {}): Frame | "nothing" | "ended" {
    while (this.#open) {
      const read = this.#receivePart(Math.min(this.#reader.wanted, longestPart));
      if (read === "busy") {
        if (!wait) return "nothing";
        if (this.#await(POLLIN)) continue;
        return "ended";
      }
      const frame = read === "ended" ? "broken" : this.#reader.push(read.bytes, read.descriptors);
      if (frame === "more") continue;
      if (frame !== "broken") return frame;
      for (const descriptor of this.#reader.left) this.#libc.close(descriptor);
      return "ended";
    }
    return "ended";
  }

  /** Calls back when there is something to receive. */
  watch(onReadable: () => void): { close(): void } {
    return koffi.node.poll(this.fd, onReadable);
  }

  /** Idempotent. */
  close(): void {
    if (this.#open) this.#libc.close(this.fd);
    this.#open = false;
  }

  #sendPart(part: Uint8Array, descriptor: number | undefined): number {
    return withMessage(part.length, (message) => {
      message.write(dataAt, part);
      if (descriptor !== undefined) message.setDescriptor(descriptor);
      return this.#libc.sendmsg(this.fd, message.block, system.sending);
    });
  }

  #receivePart(length: number): Frame | "busy" | "ended" {
    return withMessage(length, (message) => {
      message.setControl(controlBytes);
      const count = this.#libc.recvmsg(this.fd, message.block, system.receiving);
      if (count < 0) return isBusy() ? "busy" : "ended";
      const descriptors = message.descriptors();
      for (const each of descriptors) this.#libc.setNumber(each, F_SETFD, FD_CLOEXEC);
      return count === 0 ? "ended" : { bytes: message.read(dataAt, count), descriptors };
    });
  }

  /** Waits for room or for something to receive. Whoever watches a socket has it answer at once from then on, so waiting is this. */
  #await(what: number): boolean {
    const asked = Buffer.alloc(8);
    asked.writeInt32LE(this.fd);
    asked.writeInt16LE(what, 4);
    const deadline = Date.now() + patienceMillis;
    for (let left = patienceMillis; left > 0; left = deadline - Date.now()) {
      const found = this.#libc.poll(asked, 1, left);
      if (found >= 0 || koffi.errno() !== koffi.os.errno["EINTR"]) return found > 0;
    }
    return false;
  }
}

/** Nothing is there to read, no room to write, or a signal came first: to be tried again. */
function isBusy(): boolean {
  const { EAGAIN, EINTR } = koffi.os.errno;
  return koffi.errno() === EAGAIN || koffi.errno() === EINTR;
}

function withMessage<Result>(length: number, use: (message: Message) => Result): Result {
  const message = new Message(length);
  try {
    return use(message);
  } finally {
    message.free();
  }
}

/** `struct msghdr` with one part of data and room for descriptors, in memory that stays where it is. */
class Message {
  readonly block: object;

  constructor(length: number) {
    this.block = koffi.alloc("uint8_t", dataAt + length);
    const address = BigInt(koffi.address(this.block));
    // On macOS some of these numbers have 32 bits and zeros behind them, so that all of them lie where they do on Linux.
    const header = Buffer.alloc(dataAt);
    header.writeBigUInt64LE(address + BigInt(partAt), 16);
    header.writeBigUInt64LE(1n, 24);
    header.writeBigUInt64LE(address + BigInt(controlAt), 32);
    header.writeBigUInt64LE(address + BigInt(dataAt), partAt);
    header.writeBigUInt64LE(BigInt(length), partAt + 8);
    this.write(0, header);
  }

  setControl(length: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(length);
    this.write(controlLengthAt, bytes);
  }

  /** `struct cmsghdr` with one descriptor. */
  setDescriptor(descriptor: number): void {
    const { headBytes, levelAt, space } = system.control;
    const control = Buffer.alloc(space);
    control.writeUInt32LE(headBytes + 4);
    control.writeInt32LE(system.SOL_SOCKET, levelAt);
    control.writeInt32LE(SCM_RIGHTS, levelAt + 4);
    control.writeInt32LE(descriptor, headBytes);
    this.write(controlAt, control);
    this.setControl(control.length);
  }

  /** Those that came along; the kernel puts all of a part into one header. */
  descriptors(): readonly number[] {
    const { headBytes, levelAt } = system.control;
    const given = Buffer.from(this.read(controlLengthAt, 4)).readUInt32LE(0);
    if (given < headBytes) return [];
    const control = Buffer.from(this.read(controlAt, controlBytes));
    if (control.readInt32LE(levelAt) !== system.SOL_SOCKET) return [];
    if (control.readInt32LE(levelAt + 4) !== SCM_RIGHTS) return [];
    const count = Math.floor((Math.min(control.readUInt32LE(0), controlBytes) - headBytes) / 4);
    return Array.from({ length: count }, (_, at) => control.readInt32LE(headBytes + 4 * at));
  }

  write(at: number, bytes: Uint8Array): void {
    koffi.encode(this.block, at, koffi.array("uint8_t", bytes.length), bytes);
  }

  read(at: number, length: number): Uint8Array {
    const bytes: Uint8Array = koffi.decode(this.block, at, koffi.array("uint8_t", length, "Typed"));
    return bytes;
  }

  free(): void {
    koffi.free(this.block);
  }
}

interface Libc {
  socket(family: number, type: number, protocol: number): number;
  socketpair(family: number, type: number, protocol: number, both: Uint8Array): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  poll(asked: Uint8Array, count: number, millis: number): number;
  sendmsg(fd: number, message: object, flags: number): number;
  recvmsg(fd: number, message: object, flags: number): number;
  setNumber(fd: number, command: number, value: number): number;
  close(fd: number): number;
}

let loaded: Libc | null = null;

function loadLibc(): Libc {
  if (loaded !== null) return loaded;
  const library = koffi.load(null);
  // On arm64 macOS passes what follows the dots in another way, so it is declared with them.
  const fcntl = library.func("int fcntl(int fd, int command, ...)");
  loaded = {
    socket: library.func("int socket(int family, int type, int protocol)"),
    socketpair: library.func("int socketpair(int family, int type, int protocol, _Out_ void *both)"),
    connect: library.func("int connect(int fd, const void *address, uint32_t length)"),
    poll: library.func(
      `int poll(_Inout_ void *asked, ${isDarwin ? "uint32_t" : "uintptr_t"} count, int millis)`,
    ),
    sendmsg: library.func("intptr_t sendmsg(int fd, const void *message, int flags)"),
    recvmsg: library.func("intptr_t recvmsg(int fd, void *message, int flags)"),
    setNumber: (fd, command, value) => Number(fcntl(fd, command, "int", value)),
    close: library.func("int close(int fd)"),
  };
  return loaded;
}

const isDarwin = process.platform === "darwin";
/** What differs: numbers, and how a control message lies in memory (64-bit systems; Linux on x86-64 and arm64). */
const system = isDarwin
  ? {
      O_NONBLOCK: 0x4,
      SOL_SOCKET: 0xffff,
      longestPath: 103,
      // Node has the signal of a broken pipe ignored.
      sending: 0,
      receiving: 0,
      control: { headBytes: 12, levelAt: 4, space: 16 },
    }
  : {
      O_NONBLOCK: 0o4000,
      SOL_SOCKET: 1,
      longestPath: 107,
      // MSG_NOSIGNAL, MSG_CMSG_CLOEXEC
      sending: 0x4000,
      receiving: 0x4000_0000,
      control: { headBytes: 16, levelAt: 8, space: 24 },
    };
const patienceMillis = 5000;
/** Bytes that are sent or read by one call. */
const longestPart = 32 * 1024;
// Places in the block: `struct msghdr`, `struct iovec`, room for descriptors, data.
const controlLengthAt = 40;
const partAt = 64;
const controlAt = 80;
const controlBytes = 16 + 4 * mostDescriptors;
const dataAt = 112;
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SCM_RIGHTS = 1;
const F_SETFD = 2;
const F_SETFL = 4;
const FD_CLOEXEC = 1;
const POLLIN = 1;
const POLLOUT = 4;
