/** A network's epoch keys on this machine: opened from what was sealed to it, kept, and told to the data plane. */
import type { Cryptography, DataPlane } from "../../drivers/dataplane.ts";
import { fromBase64, toBase64 } from "../../src-shared/bytes.ts";
import type { Network } from "../mesh/network.ts";
import { beaconKey } from "../transport/beacon.ts";
import { epochId, maskKey } from "./crypto.ts";
import type { EpochKey } from "./issue.ts";
import { openEpoch } from "./issue.ts";
import type { StoredNetwork } from "./stored.ts";

export interface EpochsOptions {
  readonly realm: string;
  readonly dataPlane: Pick<DataPlane, "setEpochs" | "setMask">;
  readonly cryptography: Cryptography;
  readonly machine: Pick<Network, "membership" | "record">;
  /** Own session key: envelopes for it are opened. */
  readonly sessionKey: string;
  readonly stored: () => StoredNetwork;
  readonly keep: (change: Pick<StoredNetwork, "epochs">) => void;
  /** The data plane was told of another mask. */
  readonly masked: () => void;
}

export class Epochs {
  readonly #options: EpochsOptions;
  #beaconKeys: readonly Uint8Array[] = [];
  /** What the data plane was last told of the mask. */
  #masked = "";

  constructor(options: EpochsOptions) {
    this.#options = options;
  }

  /** What seals and opens beacons, the newest first. */
  get beaconKeys(): readonly Uint8Array[] {
    return this.#beaconKeys;
  }

  /** Whether members mask what they send. */
  get isMasked(): boolean {
    return this.#options.machine.record()?.mask === true;
  }

  /** Keeps what envelopes bring that was not known. */
  open(): void {
    const { machine, sessionKey, stored, cryptography, keep } = this.#options;
    const known = new Map(this.#all().map((epoch) => [toBase64(epoch.key), epoch]));
    const before = known.size;
    for (const entry of machine.membership.entries()) {
      if (entry.kind !== "epoch" || entry.body.to !== sessionKey) continue;
      const epoch = openEpoch(entry.body, stored().sessionPrivate, cryptography);
      if (epoch !== null) known.set(toBase64(epoch.key), epoch);
    }
    if (known.size === before) return;
    keep({
      epochs: [...known.values()]
        .sort(newestFirst)
        .map(({ number, key }) => ({ number, key: toBase64(key) })),
    });
  }

  /** Tells the data plane of the keys that are kept. */
  apply(): void {
    const { dataPlane, realm } = this.#options;
    const epochs = this.#all().sort(newestFirst);
    this.#beaconKeys = epochs.slice(0, beaconEpochs).map(({ key }) => beaconKey(key));
    dataPlane.setEpochs(
      realm,
      epochs.map(({ key }) => ({ id: epochId(key), key: toBase64(key) })),
    );
  }

  /** What comes under a mask of the network is taken always; the network record says whether members mask what they send. */
  applyMask(): void {
    const { dataPlane, realm, masked } = this.#options;
    const on = this.isMasked;
    const newest = this.#all().sort(newestFirst).slice(0, maskEpochs);
    const keys = newest.map(({ key }) => ({ id: epochId(key), key: maskKey(key) }));
    const text = JSON.stringify([on, keys]);
    if (text === this.#masked) return;
    this.#masked = text;
    dataPlane.setMask(realm, keys, on);
    masked();
  }

  #all(): EpochKey[] {
    return this.#options.stored().epochs.map(({ number, key }) => ({
      number,
      key: fromBase64(key) ?? new Uint8Array(32),
    }));
  }
}

function newestFirst(one: EpochKey, other: EpochKey): number {
  return other.number - one.number || (toBase64(one.key) < toBase64(other.key) ? -1 : 1);
}

/** The newest, and the one that others may still have. */
const beaconEpochs = 2;
/** The current one, and two for who slept through the last changes. */
const maskEpochs = 3;
