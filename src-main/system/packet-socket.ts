/**
 * Linux: unix sockets of whole messages (`SOCK_SEQPACKET`, unix(7)) and the descriptors that go with them, which Node has no
 * calls for.
 */
import koffi from "koffi";

/** A message with its descriptors, which are the receiver's to close. */
export interface Packet {
  readonly bytes: Uint8Array;
  readonly descriptors: readonly number[];
}

/** One end of a connection. */
export class PacketSocket {
  readonly fd: number;
  readonly #libc = loadLibc();
  #open = true;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** Connects; null where nobody listens or this process may not. */
  static connect(path: string): PacketSocket | null {
    const libc = loadLibc();
    const name = Buffer.from(path);
    if (name.length > longestPath) return null;
    const address = Buffer.alloc(2 + longestPath + 1);
    address.writeUInt16LE(AF_UNIX);
    name.copy(address, 2);
    const fd = libc.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0) return null;
    const socket = new PacketSocket(fd);
    if (libc.connect(fd, address, address.length) === 0) return socket;
    socket.close();
    return null;
  }

  /** This process's end of a new connection, and the descriptor of the other. */
  static pair(): { readonly ours: PacketSocket; readonly theirs: number } | null {
    const libc = loadLibc();
    const both = Buffer.alloc(8);
    if (libc.socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, both) !== 0) return null;
    return { ours: new PacketSocket(both.readInt32LE(0)), theirs: both.readInt32LE(4) };
  }

  /** Whether it went. */
  send(bytes: Uint8Array, descriptor?: number): boolean {
    if (!this.#open || bytes.length > longestPacket) return false;
    return this.#withMessage((message) => {
      message.write(dataAt, bytes);
      message.setLength(bytes.length);
      if (descriptor !== undefined) message.setDescriptor(descriptor);
      return this.#libc.sendmsg(this.fd, message.block, MSG_NOSIGNAL | MSG_DONTWAIT) === bytes.length;
    });
  }

  /** What has come; `ended` when the other end is gone. `wait`: until something comes, for a few seconds at most. */
  receive({ wait = false } = {}): Packet | "nothing" | "ended" {
    if (!this.#open) return "ended";
    if (wait) this.#await();
    return this.#withMessage((message) => {
      message.setLength(longestPacket);
      message.setControl(controlBytes);
      const length = this.#libc.recvmsg(this.fd, message.block, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
      if (length > 0) return { bytes: message.read(dataAt, length), descriptors: message.descriptors() };
      return length < 0 && koffi.errno() === koffi.os.errno["EAGAIN"] && !wait ? "nothing" : "ended";
    });
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

  #withMessage<Result>(use: (message: Message) => Result): Result {
    const message = new Message();
    try {
      return use(message);
    } finally {
      message.free();
    }
  }

  /** Waits for something to receive, or for the end. Whoever watches a socket has it answer at once from then on, so waiting is this. */
  #await(): void {
    const asked = Buffer.alloc(8);
    asked.writeInt32LE(this.fd);
    asked.writeInt16LE(POLLIN, 4);
    const deadline = Date.now() + patienceMillis;
    for (let left = patienceMillis; left > 0; left = deadline - Date.now()) {
      const found = this.#libc.poll(asked, 1, left);
      if (found >= 0 || koffi.errno() !== koffi.os.errno["EINTR"]) return;
    }
  }
}

/** `struct msghdr` with one part of data and room for descriptors, in memory that stays where it is. */
class Message {
  readonly block: object = koffi.alloc("uint8_t", dataAt + longestPacket);

  constructor() {
    const address = BigInt(koffi.address(this.block));
    const header = Buffer.alloc(dataAt);
    header.writeBigUInt64LE(address + BigInt(partAt), 16);
    header.writeBigUInt64LE(1n, 24);
    header.writeBigUInt64LE(address + BigInt(controlAt), 32);
    header.writeBigUInt64LE(address + BigInt(dataAt), partAt);
    this.write(0, header);
  }

  setLength(length: number): void {
    this.#writeLength(partAt + 8, length);
  }

  setControl(length: number): void {
    this.#writeLength(40, length);
  }

  /** `struct cmsghdr` with one descriptor. */
  setDescriptor(descriptor: number): void {
    const control = Buffer.alloc(24);
    control.writeBigUInt64LE(BigInt(controlHeaderBytes + 4));
    control.writeInt32LE(SOL_SOCKET, 8);
    control.writeInt32LE(SCM_RIGHTS, 12);
    control.writeInt32LE(descriptor, 16);
    this.write(controlAt, control);
    this.setControl(control.length);
  }

  /** Those that came along; the kernel puts all of a message into one header. */
  descriptors(): readonly number[] {
    const header = Buffer.from(this.read(0, headerBytes));
    if (header.readBigUInt64LE(40) < BigInt(controlHeaderBytes)) return [];
    const control = Buffer.from(this.read(controlAt, controlBytes));
    if (control.readInt32LE(8) !== SOL_SOCKET || control.readInt32LE(12) !== SCM_RIGHTS) return [];
    const count = (Number(control.readBigUInt64LE()) - controlHeaderBytes) / 4;
    return Array.from({ length: count }, (_, at) => control.readInt32LE(controlHeaderBytes + 4 * at));
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

  #writeLength(at: number, length: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(length));
    this.write(at, bytes);
  }
}

interface Libc {
  socket(family: number, type: number, protocol: number): number;
  socketpair(family: number, type: number, protocol: number, both: Uint8Array): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  poll(asked: Uint8Array, count: number, millis: number): number;
  sendmsg(fd: number, message: object, flags: number): number;
  recvmsg(fd: number, message: object, flags: number): number;
  close(fd: number): number;
}

let loaded: Libc | null = null;

function loadLibc(): Libc {
  if (loaded !== null) return loaded;
  const library = koffi.load(null);
  loaded = {
    socket: library.func("int socket(int family, int type, int protocol)"),
    socketpair: library.func("int socketpair(int family, int type, int protocol, _Out_ void *both)"),
    connect: library.func("int connect(int fd, const void *address, uint32_t length)"),
    poll: library.func("int poll(_Inout_ void *asked, uintptr_t count, int millis)"),
    sendmsg: library.func("intptr_t sendmsg(int fd, const void *message, int flags)"),
    recvmsg: library.func("intptr_t recvmsg(int fd, void *message, int flags)"),
    close: library.func("int close(int fd)"),
  };
  return loaded;
}

/** Bytes of the longest message. */
const longestPacket = 128 * 1024;
const patienceMillis = 5000;
// Places in the block: `struct msghdr`, `struct iovec`, room for descriptors, data (64-bit systems).
const headerBytes = 56;
const partAt = 64;
const controlAt = 80;
const controlBytes = 32;
const dataAt = 112;
const controlHeaderBytes = 16;
// Numbers of x86-64 and arm64.
const longestPath = 107;
const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const POLLIN = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
