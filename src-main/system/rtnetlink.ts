/** The kernel's route socket: one exchange at a time, and word of changes without polling. */
import koffi from "koffi";
import { errnoText } from "../../drivers/tun/descriptor.ts";
import type { Attribute, NetlinkMessage } from "./netlink.ts";
import { encodeRequest, netlink, parseErrorNumber, parseMessages } from "./netlink.ts";
import { dumpHeader } from "./route-messages.ts";
import type { Watch } from "./system.ts";

export interface Exchange {
  readonly type: number;
  readonly flags?: number;
  readonly header: Uint8Array;
  readonly attributes?: readonly Attribute[];
}

/** What the kernel said: its messages, or its error number (`errno`, positive). */
export type Answer =
  | { readonly ok: true; readonly messages: readonly NetlinkMessage[] }
  | { readonly ok: false; readonly errno: number };

/** Sends one request and collects what answers it. The kernel answers before it returns: nothing is waited for. */
export function exchange(request: Exchange): Answer {
  return withSocket((libc, fd) => {
    const flags = netlink.NLM_F_REQUEST | netlink.NLM_F_ACK | (request.flags ?? 0);
    const bytes = encodeRequest({ attributes: [], ...request, flags, sequence: requestSequence });
    if (libc.send(fd, bytes, bytes.length, 0) < 0) return { ok: false, errno: koffi.errno() };
    return collect(libc, fd);
  });
}

/** All records of a kind; an empty list when the kernel refuses. A dump that changed midway is taken again. */
export function dump<Record>(type: number, parse: (body: Uint8Array) => Record | null): readonly Record[] {
  for (let tries = 0; tries < dumpTries; tries++) {
    const answer = exchange({ type, flags: netlink.NLM_F_DUMP, header: dumpHeader() });
    if (!answer.ok) return [];
    const changed = answer.messages.some((message) => (message.flags & netlink.NLM_F_DUMP_INTR) !== 0);
    if (!changed || tries === dumpTries - 1) {
      return answer.messages.map((message) => parse(message.body)).filter((record) => record !== null);
    }
  }
  return [];
}

/** Calls back for every burst of changes of interfaces, addresses and routes. Throws an errno text when refused. */
export function watchChanges(onChange: () => void): Watch {
  return watchGroups({ protocol: NETLINK_ROUTE, groups: changeGroups }, onChange);
}

/** Calls back for every burst of changes of packet rules (nftables). Throws an errno text when refused. */
export function watchPacketRules(onChange: () => void): Watch {
  return watchGroups({ protocol: NETLINK_NETFILTER, groups: ruleGroups }, onChange);
}

function watchGroups(what: Multicast, onChange: () => void): Watch {
  return watchSocket(openSocket(loadLibc(), what), onChange);
}

/** Calls back for every burst of what comes to a socket of the kernel's, and closes it in the end. */
export function watchSocket(fd: number, onChange: () => void): Watch {
  const libc = loadLibc();
  const buffer = Buffer.alloc(receiveBytes);
  const handle = koffi.node.poll(fd, () => {
    let heard = false;
    // An overrun (ENOBUFS) means that changes were lost: the caller has to look just the same.
    while (
      libc.recv(fd, buffer, buffer.length, MSG_DONTWAIT) > 0 ||
      koffi.errno() === koffi.os.errno["ENOBUFS"]
    ) {
      heard = true;
    }
    if (heard) onChange();
  });
  let open = true;
  return {
    close() {
      if (!open) return;
      open = false;
      handle.close();
      libc.close(fd);
    },
  };
}

/** Names of error numbers: `EPERM` and so on. */
export const errnoNumbers = koffi.os.errno;

function collect(libc: Libc, fd: number): Answer {
  const buffer = Buffer.alloc(receiveBytes);
  const collected: NetlinkMessage[] = [];
  for (;;) {
    const length = libc.recv(fd, buffer, buffer.length, MSG_DONTWAIT | MSG_TRUNC);
    if (length < 0) return { ok: false, errno: koffi.errno() };
    const messages =
      length > buffer.length ? null : parseMessages(Uint8Array.from(buffer.subarray(0, length)));
    if (messages === null) return { ok: false, errno: badMessage };
    for (const message of messages) {
      if (message.sequence !== requestSequence) continue;
      if (message.type === netlink.NLMSG_DONE) return { ok: true, messages: collected };
      if (message.type !== netlink.NLMSG_ERROR) {
        collected.push(message);
        continue;
      }
      const errno = parseErrorNumber(message.body) ?? badMessage;
      return errno === 0 ? { ok: true, messages: collected } : { ok: false, errno };
    }
  }
}

function withSocket<Result>(use: (libc: Libc, fd: number) => Result): Result {
  const libc = loadLibc();
  const fd = openSocket(libc, { protocol: NETLINK_ROUTE, groups: 0 });
  try {
    return use(libc, fd);
  } finally {
    libc.close(fd);
  }
}

/** Which part of the kernel, and as a set of bits what is heard from it. */
interface Multicast {
  readonly protocol: number;
  readonly groups: number;
}

function openSocket(libc: Libc, { protocol, groups }: Multicast): number {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  if (fd < 0) throw new Error(`netlink socket: ${errnoText(koffi.errno())}`);
  const address = Buffer.alloc(socketAddressBytes);
  address.writeUInt16LE(AF_NETLINK, 0);
  address.writeUInt32LE(groups, 8);
  if (libc.bind(fd, address, address.length) === 0) return fd;
  const errno = koffi.errno();
  libc.close(fd);
  throw new Error(`netlink bind: ${errnoText(errno)}`);
}

interface Libc {
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  send(fd: number, bytes: Uint8Array, length: number, flags: number): number;
  recv(fd: number, buffer: Uint8Array, length: number, flags: number): number;
  close(fd: number): number;
}

let loaded: Libc | null = null;

function loadLibc(): Libc {
  if (loaded !== null) return loaded;
  const library = koffi.load(null);
  loaded = {
    socket: library.func("int socket(int family, int type, int protocol)"),
    bind: library.func("int bind(int fd, const void *address, uint32_t length)"),
    send: library.func("intptr_t send(int fd, const void *bytes, uintptr_t length, int flags)"),
    recv: library.func("intptr_t recv(int fd, void *buffer, uintptr_t length, int flags)"),
    close: library.func("int close(int fd)"),
  };
  return loaded;
}

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_ROUTE = 0;
const NETLINK_NETFILTER = 12;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
// RTMGRP_LINK, IPV4_IFADDR, IPV4_ROUTE, IPV6_IFADDR, IPV6_ROUTE.
const changeGroups = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;
// NFNLGRP_NFTABLES, the seventh.
const ruleGroups = 0x40;
const badMessage = koffi.os.errno["EBADMSG"] ?? 74;
const socketAddressBytes = 12;
const receiveBytes = 65_536;
const requestSequence = 1;
const dumpTries = 4;
