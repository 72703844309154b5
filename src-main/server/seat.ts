/** One connected node as its network sees it. */
import type { AppError } from "../../src-shared/errors.ts";
import type { IdentityKey } from "../../src-shared/ids.ts";
import type { RouterMessage } from "../../src-shared/wire.ts";

/** The sending half of a connection. */
export interface Outlet {
  /** IP address of the other end. */
  readonly remote: string;
  send(message: RouterMessage): void;
  /** A message that was turned into bytes once, for many. Cuts a peer that takes nothing for too long. */
  sendBytes(message: Uint8Array): void;
  /** Says why, then closes. */
  refuse(error: AppError): void;
  /** Closes without a word: another connection took its place, or the router stops. */
  close(): void;
}

/**
 * Who sits here. `member`: counts. `waiting`: has a certificate that counts for nobody yet (approval, or renewal by
 * another administrator) and sees only what that takes. `issuer`: an administrator that is no member.
 */
export type SeatKind = "member" | "waiting" | "issuer";

export interface Seat {
  kind: SeatKind;
  /** Null for the issuer. */
  readonly identity: IdentityKey | null;
  readonly outlet: Outlet;
  /** Whether its UDP session with the router stands, by its own word. */
  udp: boolean;
  /** Why it has to go, where that follows from its own request: said after the answer. */
  farewell: AppError | null;
}
