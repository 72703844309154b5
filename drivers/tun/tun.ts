/** The virtual network interface: opens one on this system and hands its descriptor on. */
import { AppError } from "../../src-shared/errors.ts";
import { utun } from "./darwin.ts";
import { linuxTun } from "./linux.ts";
import { wintun } from "./wintun.ts";

/** An open interface; it lives as long as its descriptor, on Windows as this process has it open. */
export interface TunDevice {
  /** Name as the system shows it. */
  readonly name: string;
  /** Nonblocking, close-on-exec; on Windows the handle of Wintun's adapter, whose session the data plane starts. */
  readonly fd: number;
  /** Packets carry a 10-byte virtio-net header; segmentation and checksum may be left to the other side. */
  readonly offload: boolean;
  /** Ends the interface, its addresses and routes, once no copy of the descriptor is left. Idempotent. */
  close(): void;
}

export interface TunOptions {
  /** Wanted name; left out, the next free `starmesh0`, `starmesh1`, … */
  readonly name?: string;
  /** Bytes of the largest IP packet. */
  readonly mtu: number;
}

/** Whether an interface can be opened here: else the one line that says why not. */
export type TunCheck = { readonly ok: true } | { readonly ok: false; readonly reason: AppError };

/** What one operating system does for TUN. */
export interface TunDriver {
  open(options: TunOptions): Promise<TunDevice>;
  check(): TunCheck;
}

/** Opens an interface, down and without addresses. Throws `no-tun`, `no-privilege`, `system-refused`. */
export async function openTun(options: TunOptions): Promise<TunDevice> {
  const driver = tunDriver();
  if (driver === null) throw unsupported();
  return driver.open(options);
}

/** Looks, without changing anything, whether `openTun` would find a device and the right to use it. */
export function canOpenTun(): TunCheck {
  return tunDriver()?.check() ?? { ok: false, reason: unsupported() };
}

function tunDriver(): TunDriver | null {
  switch (process.platform) {
    case "linux":
      return linuxTun;
    case "win32":
      return wintun;
    case "darwin":
      return utun;
    default:
      return null;
  }
}

function unsupported(): AppError {
  return new AppError("system-refused", {
    action: "create a network interface",
    detail: `Starmesh cannot do that on ${process.platform} yet`,
  });
}
