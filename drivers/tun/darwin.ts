/** TUN on macOS: utun, a kernel control that is opened like a socket (sys/kern_control.h, net/if_utun.h). */
import koffi from "koffi";
import { AppError } from "../../src-shared/errors.ts";
import { descriptorDevice, interfaceError } from "./descriptor.ts";
import type { TunCheck, TunDevice, TunDriver, TunOptions } from "./tun.ts";

/** The driver for macOS. Without offloads; the MTU is the system's to set, and the kernel names what is asked for without a name. */
export const utun: TunDriver = {
  open: async (options) => openDevice(options),
  check: checkTun,
};

function openDevice(options: TunOptions): TunDevice {
  const check = checkTun();
  if (!check.ok) throw check.reason;
  const unit = options.name === undefined ? nextFree : unitOf(options.name);
  const libc = loadLibc();
  const fd = libc.socket(PF_SYSTEM, SOCK_DGRAM, SYSPROTO_CONTROL);
  if (fd < 0) throw refused("create a network interface");
  try {
    if (libc.setNumber(fd, F_SETFD, FD_CLOEXEC) < 0) throw refused("create a network interface");
    if (libc.connect(fd, controlAddress(controlId(libc, fd), unit), addressBytes) < 0)
      throw refused(`create the interface ${options.name ?? "utun"}`);
    const name = nameOf(libc, fd);
    if (libc.setNumber(fd, F_SETFL, O_NONBLOCK) < 0) throw refused(`use the interface ${name}`);
    return descriptorDevice({ name, fd, offload: false }, (open) => libc.close(open));
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

function checkTun(): TunCheck {
  return process.getuid?.() === 0 ? { ok: true } : { ok: false, reason: new AppError("no-privilege") };
}

/** What the kernel calls the control of utun since its start. */
function controlId(libc: Libc, fd: number): number {
  const info = Buffer.alloc(infoBytes);
  info.write(controlName, 4, "latin1");
  if (libc.ioctl(fd, CTLIOCGINFO, info) < 0) throw refused("create a network interface");
  return info.readUInt32LE(0);
}

/** `struct sockaddr_ctl`. */
function controlAddress(id: number, unit: number): Buffer {
  const address = Buffer.alloc(addressBytes);
  address.writeUInt8(addressBytes, 0);
  address.writeUInt8(PF_SYSTEM, 1);
  address.writeUInt16LE(AF_SYS_CONTROL, 2);
  address.writeUInt32LE(id, 4);
  address.writeUInt32LE(unit, 8);
  return address;
}

function nameOf(libc: Libc, fd: number): string {
  const name = Buffer.alloc(16);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(name.length);
  if (libc.getsockopt(fd, SYSPROTO_CONTROL, UTUN_OPT_IFNAME, name, length) < 0)
    throw refused("name an interface");
  return name.toString("latin1", 0, name.indexOf(0));
}

/** Units are counted from one, names from zero. */
function unitOf(name: string): number {
  const number = /^utun(\d{1,4})$/.exec(name)?.[1];
  if (number !== undefined) return Number(number) + 1;
  throw new AppError("system-refused", {
    action: `create the interface ${name}`,
    detail: "macOS names them utun0, utun1, …",
  });
}

function refused(action: string): AppError {
  return interfaceError(action, koffi.errno());
}

interface Libc {
  socket(family: number, type: number, protocol: number): number;
  close(fd: number): number;
  connect(fd: number, address: Buffer, length: number): number;
  getsockopt(fd: number, level: number, name: number, value: Buffer, length: Buffer): number;
  ioctl(fd: number, request: number, argument: Buffer): number;
  setNumber(fd: number, command: number, value: number): number;
}

let loaded: Libc | null = null;

function loadLibc(): Libc {
  if (loaded !== null) return loaded;
  const library = koffi.load(null);
  const bytes = koffi.inout(koffi.pointer("uint8_t"));
  // On arm64 what follows the dots is passed in another way, so these are declared with them.
  const ioctl = library.func("int ioctl(int fd, ulong request, ...)");
  const fcntl = library.func("int fcntl(int fd, int command, ...)");
  loaded = {
    socket: library.func("int socket(int family, int type, int protocol)"),
    close: library.func("int close(int fd)"),
    connect: library.func("connect", "int", ["int", bytes, "uint32_t"]),
    getsockopt: library.func("getsockopt", "int", ["int", "int", "int", bytes, bytes]),
    ioctl: (fd, request, argument) => Number(ioctl(fd, request, bytes, argument)),
    setNumber: (fd, command, value) => Number(fcntl(fd, command, "int", value)),
  };
  return loaded;
}

const controlName = "com.apple.net.utun_control";
/** `struct ctl_info`: an id and a name of 96 bytes. */
const infoBytes = 100;
const addressBytes = 32;
const nextFree = 0;
const PF_SYSTEM = 32;
const SOCK_DGRAM = 2;
const SYSPROTO_CONTROL = 2;
const AF_SYS_CONTROL = 2;
const UTUN_OPT_IFNAME = 2;
const CTLIOCGINFO = 0xc0644e03;
const F_SETFD = 2;
const F_SETFL = 4;
const FD_CLOEXEC = 1;
const O_NONBLOCK = 4;
