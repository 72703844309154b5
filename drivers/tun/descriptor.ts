/** An interface that lives as long as its descriptor, and what the system said of a call about it. */
import { getSystemErrorMap } from "node:util";
import koffi from "koffi";
import { AppError } from "../../src-shared/errors.ts";
import type { TunDevice } from "./tun.ts";

/** The device of an open descriptor; `close` lets that go, and is called once. */
export function descriptorDevice(
  open: Pick<TunDevice, "name" | "fd" | "offload">,
  close: (fd: number) => void,
): TunDevice {
  let isOpen = true;
  return {
    ...open,
    close() {
      if (isOpen) close(open.fd);
      isOpen = false;
    },
  };
}

/** Why the system did not do what was asked about an interface: `no-privilege` or `system-refused`. */
export function interfaceError(action: string, errno: number): AppError {
  const { EPERM, EACCES, EBUSY } = koffi.os.errno;
  if (errno === EPERM || errno === EACCES) return new AppError("no-privilege");
  const detail = errno === EBUSY ? "the name is taken" : errnoText(errno);
  return new AppError("system-refused", { action, detail });
}

/** What the system calls an error number (positive). */
export function errnoText(errno: number): string {
  return getSystemErrorMap().get(-errno)?.[1] ?? `error ${errno}`;
}
