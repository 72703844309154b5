/** The node's side of the first two messages: who the router proves to be, and who we say that we are. */
import { fromBase64 } from "../../src-shared/bytes.ts";
import type { IdentityKey, NetworkId, SessionKey } from "../../src-shared/ids.ts";
import type { Notary, Signed } from "../../src-shared/trust.ts";
import type { NodeHello, RouterHello } from "../../src-shared/wire.ts";
import { nodeHelloBytes, routerHelloBytes } from "../../src-shared/wire.ts";

/** Signs bytes with the key of a role; base64. */
type Sign = (bytes: Uint8Array) => string;

/** A node hello before it is signed: the role, what it claims, and the key that proves it. */
export type Greeting =
  | {
      readonly role: "member";
      readonly network: NetworkId;
      readonly certificate: Signed;
      readonly sign: Sign;
    }
  | {
      readonly role: "invited";
      readonly network: NetworkId;
      readonly delegation: IdentityKey;
      readonly sign: Sign;
    }
  | {
      readonly role: "secret";
      readonly network: NetworkId;
      readonly name: string;
      readonly issuer: IdentityKey;
      readonly sign: Sign;
    }
  | {
      readonly role: "issuer";
      readonly network: NetworkId;
      readonly issuer: IdentityKey;
      readonly sign: Sign;
    }
  /** `token`: the hosting token, base64url. */
  | { readonly role: "host"; readonly network: NetworkId; readonly token: string };

/** What it takes to check a hello. */
export type Prover = Pick<Notary, "verifyBytes" | "hash">;

/** A router that proved its identity. */
export interface RouterIdentity {
  readonly identity: IdentityKey;
  readonly sessionKey: SessionKey;
  /** SHA-256 of the identity, base64. */
  readonly pin: string;
}

/** Whom a router's hello proves it to be; null when it proves nothing. */
export function provenRouter(
  hello: RouterHello,
  exporter: Uint8Array,
  notary: Prover,
): RouterIdentity | null {
  const identity = fromBase64(hello.identity);
  const session = fromBase64(hello.sessionKey);
  if (identity === null || session === null) return null;
  if (!notary.verifyBytes(hello.identity, routerHelloBytes(exporter, session), hello.signature)) return null;
  return { identity: hello.identity, sessionKey: hello.sessionKey, pin: notary.hash(identity) };
}

/** The signed hello that answers a proven router. */
export function signHello(greeting: Greeting, exporter: Uint8Array, router: RouterIdentity): NodeHello {
  if (greeting.role === "host") return greeting;
  const { sign, ...claims } = greeting;
  const identity = fromBase64(router.identity) ?? new Uint8Array();
  return { ...claims, signature: sign(nodeHelloBytes(greeting.role, exporter, identity)) };
}
