/** The descriptor of a connection, for calls of the system that Node does not have. */
import type { Duplex } from "node:stream";

/** Node's own, while it is open; null for all that has none. */
export function descriptorOf(stream: Duplex): number | null {
  // Node gives it only to who asks for it by this name.
  const { _handle: handle } = stream as Duplex & { readonly _handle?: { readonly fd?: number } | null };
  return handle?.fd === undefined || handle.fd < 0 ? null : handle.fd;
}
