/** A network made for a test: its issuer key, and everything an administrator signs. */
import { randomBytes } from "node:crypto";
import { toBase64 } from "../../src-shared/bytes.ts";
import type { IdentityKey, SessionKey } from "../../src-shared/ids.ts";
import type {
  Certificate,
  Delegation,
  NetworkRecord,
  RouterAddress,
  Signed,
} from "../../src-shared/trust.ts";
import type { TestSigner } from "./notary.ts";
import { testEntry, testNetworkId, testSessionKey, testSigner } from "./notary.ts";

/** A device: its identity and its session key. */
export interface TestDevice {
  readonly identity: TestSigner;
  readonly sessionKey: SessionKey;
}

export function testDevice(): TestDevice {
  return { identity: testSigner(), sessionKey: testSessionKey() };
}

export interface FoundedOptions {
  readonly name?: string;
  readonly range?: string;
  readonly approval?: boolean;
  readonly secret?: boolean;
  readonly router?: RouterAddress;
  readonly issuer?: TestSigner;
  readonly now?: number;
}

export class FoundedNetwork {
  readonly issuer: TestSigner;
  readonly id;
  readonly record: NetworkRecord;
  readonly now: number;

  constructor(options: FoundedOptions = {}) {
    this.issuer = options.issuer ?? testSigner();
    this.id = testNetworkId(this.issuer.key);
    this.now = options.now ?? Date.now();
    this.record = {
      network: this.id,
      issuer: this.issuer.key,
      name: options.name ?? "home",
      ranges: [options.range ?? "10.20.0.0/16"],
      approval: options.approval ?? false,
      secret: options.secret ?? false,
      routers: options.router === undefined ? [] : [options.router],
      version: 1,
    };
  }

  signedRecord(change: Partial<NetworkRecord> = {}): Signed {
    return testEntry("network", { ...this.record, ...change }, this.issuer);
  }

  certificate(
    device: TestDevice,
    change: Partial<Certificate> = {},
    signer: TestSigner = this.issuer,
  ): Signed {
    const body: Certificate = {
      network: this.id,
      kind: "node",
      identity: device.identity.key,
      sessionKey: device.sessionKey,
      name: "node",
      addresses: ["10.20.0.9"],
      tags: [],
      rights: { relay: true, gateway: null, issue: false },
      serial: 1,
      issued: this.now,
      expires: this.now + 30 * day,
      ...change,
    };
    return testEntry("certificate", body, signer);
  }

  /** An administrator's own certificate. */
  adminCertificate(device: TestDevice, change: Partial<Certificate> = {}): Signed {
    return this.certificate(device, {
      name: "admin",
      addresses: ["10.20.0.1"],
      rights: { relay: true, gateway: [], issue: true },
      ...change,
    });
  }

  delegation(invite: TestSigner, change: Partial<Delegation> = {}): Signed {
    const body: Delegation = {
      network: this.id,
      key: invite.key,
      expires: this.now + day,
      count: 50,
      tags: [],
      approval: this.record.approval,
      ...change,
    };
    return testEntry("delegation", body, this.issuer);
  }

  /** An epoch envelope; what is in the box opens for nobody. */
  envelope(to: SessionKey, delegation?: IdentityKey, number = 1): Signed {
    const box = toBase64(randomBytes(80));
    const hash = toBase64(randomBytes(32));
    const body = {
      network: this.id,
      number,
      hash,
      to,
      box,
      ...(delegation === undefined ? {} : { delegation }),
    };
    return testEntry("epoch", body, this.issuer);
  }

  revocation(device: TestDevice, by: TestSigner = this.issuer, at = this.now + 1): Signed {
    const reason = by === device.identity ? "left" : "removed";
    const body = {
      network: this.id,
      identity: device.identity.key,
      sessionKey: device.sessionKey,
      reason,
      at,
      until: at + 400 * day,
    };
    return testEntry("revocation", body, by);
  }

  close(invite: TestSigner, admitted: readonly IdentityKey[]): Signed {
    return testEntry(
      "close",
      { network: this.id, delegation: invite.key, admitted, until: this.now + 40 * day },
      this.issuer,
    );
  }

  nodeRecord(device: TestDevice, version: number, endpoint = "192.0.2.7:7743"): Signed {
    const candidates = [{ endpoint, kind: "lan" }];
    return testEntry(
      "node",
      { network: this.id, identity: device.identity.key, version, candidates, relays: [] },
      device.identity,
    );
  }
}

const day = 86_400_000;
