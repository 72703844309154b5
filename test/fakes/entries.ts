/** Entries for tests of `mesh/`: well-formed and hashed, with a made-up signature, since `mesh/` never looks at it. */
import { createHash } from "node:crypto";
import { toBase64, toBase64Url } from "../../src-shared/bytes.ts";
import type { IdentityKey, NetworkId, SessionKey } from "../../src-shared/ids.ts";
import { identityKey, networkId, sessionKey } from "../../src-shared/ids.ts";
import type { Certificate, Delegation, EntryKind, EntryOf, NetworkRecord } from "../../src-shared/trust.ts";

export const day = 86_400_000;
/** When the tests' networks were made. */
export const start = 1_800_000_000_000;

/** SHA-256, base64. */
export function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("base64");
}

/** A key that is the same for the same words. */
export function identityOf(words: string): IdentityKey {
  return identityKey.parse(hashOf(Buffer.from(`identity ${words}`)));
}

/** A session key that is the same for the same words. */
export function sessionOf(words: string): SessionKey {
  return sessionKey.parse(hashOf(Buffer.from(`session ${words}`)));
}

/** An entry as if signed by the key. */
export function entryOf<Kind extends EntryKind>(
  kind: Kind,
  body: EntryOf<Kind>["body"],
  signer: IdentityKey,
): EntryOf<Kind> {
  const text = JSON.stringify(body);
  const hash = hashOf(Buffer.from(`${kind} ${text} ${signer}`));
  const signed = { kind, body: text, key: signer, signature: toBase64(new Uint8Array(64)) };
  return { kind, body, signer, hash, signed } as unknown as EntryOf<Kind>;
}

/** A network with its issuer key, and short ways to sign in it. */
export class TestNetwork {
  readonly issuer: IdentityKey;
  readonly id: NetworkId;

  constructor(name = "test") {
    this.issuer = identityOf(`issuer of ${name}`);
    this.id = networkId.parse(
      toBase64Url(createHash("sha256").update(Buffer.from(this.issuer, "base64")).digest()),
    );
  }

  record(change: Partial<NetworkRecord> = {}, signer = this.issuer): EntryOf<"network"> {
    const body: NetworkRecord = {
      network: this.id,
      issuer: this.issuer,
      name: "home",
      ranges: ["10.77.0.0/16"],
      approval: false,
      secret: false,
      routers: [],
      version: 1,
      ...change,
    };
    return entryOf("network", body, signer);
  }

  /** A member `name` at 10.77.0.`number`; identity and session key follow from the name. */
  certificate(
    name: string,
    number: number,
    change: Partial<Certificate> = {},
    signer = this.issuer,
  ): EntryOf<"certificate"> {
    const body: Certificate = {
      network: this.id,
      kind: "node",
      identity: identityOf(name),
      sessionKey: sessionOf(name),
      name,
      addresses: [`10.77.${number >> 8}.${number & 255}`],
      tags: [],
      rights: { relay: true, gateway: null, issue: false },
      serial: 1,
      issued: start,
      expires: start + 365 * day,
      ...change,
    };
    return entryOf("certificate", body, signer);
  }

  admin(
    name: string,
    number: number,
    change: Partial<Certificate> = {},
    signer = this.issuer,
  ): EntryOf<"certificate"> {
    return this.certificate(
      name,
      number,
      { rights: { relay: true, gateway: [], issue: true }, ...change },
      signer,
    );
  }

  delegation(words: string, change: Partial<Delegation> = {}, signer = this.issuer): EntryOf<"delegation"> {
    const body: Delegation = {
      network: this.id,
      key: identityOf(words),
      expires: start + day,
      count: 50,
      tags: [],
      approval: false,
      ...change,
    };
    return entryOf("delegation", body, signer);
  }

  /** A certificate by an invite's key. */
  delegated(
    words: string,
    name: string,
    number: number,
    change: Partial<Certificate> = {},
  ): EntryOf<"certificate"> {
    return this.certificate(name, number, { expires: start + 31 * day, ...change }, identityOf(words));
  }

  revocation(
    name: string,
    at: number,
    signer = this.issuer,
    reason: "removed" | "left" = "removed",
  ): EntryOf<"revocation"> {
    const body = {
      network: this.id,
      identity: identityOf(name),
      sessionKey: sessionOf(name),
      reason,
      at,
      until: at + 365 * day,
    };
    return entryOf("revocation", body, signer);
  }

  close(words: string, admitted: readonly string[], signer = this.issuer): EntryOf<"close"> {
    const body = {
      network: this.id,
      delegation: identityOf(words),
      admitted: admitted.map((name) => identityOf(name)),
      until: start + 31 * day,
    };
    return entryOf("close", body, signer);
  }

  node(name: string, version: number, candidates: readonly string[] = []): EntryOf<"node"> {
    const body = {
      network: this.id,
      identity: identityOf(name),
      version,
      candidates: candidates.map((endpoint) => ({ endpoint, kind: "lan" as const })),
      relays: [],
    };
    return entryOf("node", body, identityOf(name));
  }

  epoch(
    number: number,
    to: SessionKey,
    delegation: IdentityKey | null = null,
    signer = this.issuer,
  ): EntryOf<"epoch"> {
    const body = {
      network: this.id,
      number,
      hash: hashOf(Buffer.from(`epoch ${number}`)),
      to,
      ...(delegation === null ? {} : { delegation }),
      box: "",
    };
    return entryOf("epoch", body, signer);
  }
}

/** Names of members, sorted. */
export function names(members: readonly { readonly certificate: Certificate }[]): readonly string[] {
  return members.map(({ certificate }) => certificate.name).sort();
}
