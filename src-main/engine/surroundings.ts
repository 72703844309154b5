/** What all networks of one engine share. */
import type { Cryptography, DataPlane } from "../../drivers/dataplane.ts";
import type { Millis } from "../../src-shared/ids.ts";
import type { Transport } from "../../src-shared/status.ts";
import type { Notary } from "../../src-shared/trust.ts";
import type { Journal } from "../system/journal.ts";
import type { System } from "../system/system.ts";
import type { Connect } from "../transport/channel.ts";
import type { Carriers } from "./carriers.ts";
import type { SigningKey } from "./crypto.ts";
import type { Forwarding } from "./forwarding.ts";
import type { NameService } from "./name-service.ts";
import type { Pings } from "./pings.ts";
import type { StoredNetwork } from "./stored.ts";
import type { Trace } from "./trace.ts";
import type { Whereabouts } from "./whereabouts.ts";
import type { Worked } from "./worked.ts";

/** Writes an event with its fields to the log; no keys, no prose. */
export type Log = (event: string, fields?: Readonly<Record<string, unknown>>) => void;

export interface Surroundings {
  readonly dataPlane: DataPlane;
  readonly cryptography: Cryptography;
  readonly notary: Notary;
  readonly identity: SigningKey;
  readonly system: System;
  readonly journal: Journal;
  /** Names of all networks on this machine. */
  readonly names: NameService;
  readonly log: Log;
  readonly trace: Trace;
  readonly now: () => Millis;
  /** The public hosts of this install's own router. */
  readonly declared: () => readonly string[];
  /** Where this node can be reached. */
  readonly whereabouts: Whereabouts;
  /** For where plain UDP does not serve. */
  readonly carriers: Carriers;
  readonly pings: Pings;
  /** What others reach through this machine. */
  readonly forwarding: Forwarding;
  /** By what the router was reached from here. */
  readonly worked: Worked;
  /** The transport that the user wants and no other; null: any. */
  readonly transport: () => Transport | null;
  /** Opens control sockets by the way out that the user chose. */
  readonly connect: Connect;
  /** Largest IP packet on the networks' interfaces by the user's word; null: the usual. */
  readonly mtu: () => number | null;
  /** Whether others may reach this machine; else only answers come in. */
  readonly inbound: () => boolean;
  /** Session key of the router role of this install; null when off. */
  readonly ownRouter: () => string | null;
  readonly save: (stored: StoredNetwork) => void;
  /** What users see changed. */
  readonly changed: () => void;
}

/** Name of the only socket. */
export const mainSocket = "main";
