/** TUN on Linux: /dev/net/tun through koffi, with vnet headers and as much segmentation as the kernel offers. */
import { existsSync, readFileSync } from "node:fs";
import koffi from "koffi";
import { AppError } from "../../src-shared/errors.ts";
import { descriptorDevice, errnoText, interfaceError } from "./descriptor.ts";
import type { TunCheck, TunDevice, TunDriver, TunOptions } from "./tun.ts";

/** The driver for Linux. */
export const linuxTun: TunDriver = {
  open: async (options) => openDevice(options),
  check: checkTun,
};

function openDevice(options: TunOptions): TunDevice {
  const check = checkTun();
  if (!check.ok) throw check.reason;
  const libc = loadLibc();
  const fd = libc.open(devicePath, openFlags);
  if (fd < 0) throw openError(koffi.errno());
  try {
    const name = createInterface(libc, fd, options.name ?? nameTemplate);
    enableOffload(libc, fd);
    setMtu(libc, name, options.mtu);
    return descriptorDevice({ name, fd, offload: true }, (open) => libc.close(open));
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

function checkTun(): TunCheck {
  // First of all: who may not is not shown the device either where a service is confined, and asks a helper that sees it.
  if (!hasNetAdmin()) return { ok: false, reason: new AppError("no-privilege") };
  if (existsSync(devicePath)) return { ok: true };
  return { ok: false, reason: new AppError("no-tun", { detail: `${devicePath} is missing` }) };
}

/** Whether this process may administer its network: root, or CAP_NET_ADMIN given to it. */
function hasNetAdmin(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return ((BigInt(`0x${effective}`) >> netAdminBit) & 1n) === 1n;
}

function createInterface(libc: Libc, fd: number, template: string): string {
  const request = interfaceRequest(template);
  request.writeUInt16LE(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR, nameBytes);
  if (libc.ioctl(fd, TUNSETIFF, request) < 0) throw creationError(template, koffi.errno());
  const headerBytes = Buffer.alloc(4);
  headerBytes.writeInt32LE(vnetHeaderBytes);
  if (libc.ioctl(fd, TUNSETVNETHDRSZ, headerBytes) < 0) throw creationError(template, koffi.errno());
  return request.toString("latin1", 0, request.indexOf(0));
}

/** Without any offload packets still flow, one at a time: so a refusal is no error. */
function enableOffload(libc: Libc, fd: number): void {
  offloadSets.some((set) => libc.ioctlNumber(fd, TUNSETOFFLOAD, set) === 0);
}

function setMtu(libc: Libc, name: string, mtu: number): void {
  const socket = libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const request = interfaceRequest(name);
  request.writeInt32LE(mtu, nameBytes);
  const done = socket >= 0 && libc.ioctl(socket, SIOCSIFMTU, request) === 0;
  const errno = koffi.errno();
  if (socket >= 0) libc.close(socket);
  if (!done)
    throw new AppError("system-refused", { action: `set MTU ${mtu} on ${name}`, detail: errnoText(errno) });
}

/** `struct ifreq`: a name, then a union that each call reads in its own way. */
function interfaceRequest(name: string): Buffer {
  if (!/^[\w.%-]{1,15}$/.test(name)) {
    throw new AppError("system-refused", {
      action: `create the interface ${name}`,
      detail: "a name has 1 to 15 letters, digits, dots or hyphens",
    });
  }
  const request = Buffer.alloc(requestBytes);
  request.write(name, "latin1");
  return request;
}

function openError(errno: number): AppError {
  const { EPERM, EACCES, ENOENT, ENODEV, ENXIO } = koffi.os.errno;
  if (errno === EPERM || errno === EACCES) return new AppError("no-privilege");
  if (errno === ENOENT || errno === ENODEV || errno === ENXIO) {
    return new AppError("no-tun", { detail: `${devicePath}: ${errnoText(errno)}` });
  }
  return new AppError("system-refused", { action: `open ${devicePath}`, detail: errnoText(errno) });
}

function creationError(name: string, errno: number): AppError {
  return interfaceError(`create the interface ${name}`, errno);
}

interface Libc {
  open(path: string, flags: number): number;
  close(fd: number): number;
  socket(family: number, type: number, protocol: number): number;
  ioctl(fd: number, request: number, argument: Buffer): number;
  ioctlNumber(fd: number, request: number, argument: number): number;
}

let loaded: Libc | null = null;

function loadLibc(): Libc {
  if (loaded !== null) return loaded;
  const library = koffi.load(null);
  loaded = {
    open: library.func("int open(const char *path, int flags)"),
    close: library.func("int close(int fd)"),
    socket: library.func("int socket(int family, int type, int protocol)"),
    ioctl: library.func("ioctl", "int", ["int", "ulong", koffi.inout(koffi.pointer("uint8_t"))]),
    ioctlNumber: library.func("ioctl", "int", ["int", "ulong", "ulong"]),
  };
  return loaded;
}

const devicePath = "/dev/net/tun";
const nameTemplate = "starmesh%d";
const netAdminBit = 12n;
const nameBytes = 16;
const requestBytes = 40;
const vnetHeaderBytes = 10;

// Numbers of x86-64 and arm64 (include/uapi: asm-generic/fcntl.h, linux/if.h, linux/if_tun.h, linux/sockios.h).
const O_RDWR = 0o2;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const openFlags = O_RDWR | O_NONBLOCK | O_CLOEXEC;
const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SIOCSIFMTU = 0x8922;
const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const TUNSETVNETHDRSZ = 0x400454d8;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
const TUN_F_CSUM = 0x01;
const TUN_F_TSO4 = 0x02;
const TUN_F_TSO6 = 0x04;
const TUN_F_TSO_ECN = 0x08;
const TUN_F_USO4 = 0x20;
const TUN_F_USO6 = 0x40;
const segmentTcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
const offloadSets = [segmentTcp | TUN_F_USO4 | TUN_F_USO6, segmentTcp, TUN_F_CSUM];
