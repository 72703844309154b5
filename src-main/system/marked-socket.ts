/** TCP connections whose sockets have a mark (`SO_MARK`), by which the system routes them apart from others. */
import type { SocketConstructorOpts } from "node:net";
import { connect, isIP, Socket } from "node:net";
import koffi from "koffi";

/** How a socket gets its mark. */
export interface Marking {
  readonly mark: number;
  /** Has the socket marked by somebody who may; whether it was. */
  readonly markBy: (fd: number) => boolean;
}

/**
 * Connects; without a mark to a host name, of whose addresses the first that answers is taken, and where marks are refused, as
 * to who may not administer the network.
 */
export function connectMarked(
  target: { readonly host: string; readonly port: number },
  marking: Marking,
): Socket {
  const family = isIP(target.host);
  const fd =
    family === 0 || target.host.includes("%") ? -1 : openSocket(family === 4 ? AF_INET : AF_INET6, marking);
  if (fd < 0) return connect({ ...target, noDelay: true });
  // Reading starts with the connection: before it, there is nothing to read from.
  const options: SocketConstructorOpts & { readonly manualStart: true } = { fd, manualStart: true };
  return new Socket(options).setNoDelay(true).connect(target);
}

/** Negative where the mark is not to be had. */
function openSocket(family: number, { mark, markBy }: Marking): number {
  const libc = loadLibc();
  const fd = libc.socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return fd;
  const value = Buffer.alloc(4);
  value.writeUInt32LE(mark);
  if (libc.setsockopt(fd, SOL_SOCKET, SO_MARK, value, value.length) === 0 || markBy(fd)) return fd;
  libc.close(fd);
  return -1;
}

interface Libc {
  socket(family: number, type: number, protocol: number): number;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number;
  close(fd: number): number;
}

let loaded: Libc | null = null;

function loadLibc(): Libc {
  if (loaded !== null) return loaded;
  const library = koffi.load(null);
  loaded = {
    socket: library.func("int socket(int family, int type, int protocol)"),
    setsockopt: library.func(
      "int setsockopt(int fd, int level, int name, const void *value, uint32_t length)",
    ),
    close: library.func("int close(int fd)"),
  };
  return loaded;
}

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_MARK = 36;
