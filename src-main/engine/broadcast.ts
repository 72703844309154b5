/** What of broadcasts and multicasts a network's members pass to each other, as an administrator and this machine chose. */
import type { BroadcastOptions } from "../../drivers/dataplane.ts";
import type { NetworkStatus } from "../../src-shared/status.ts";
import type { NetworkRecord } from "../../src-shared/trust.ts";
import type { StoredNetwork } from "./stored.ts";

/** mDNS (RFC 6762) and SSDP. */
export const usualPorts: readonly number[] = [5353, 1900];
/** Packets a second of each member. */
export const usualRate = 50;

/** What the data plane is told; null: nothing passes. */
export function broadcastOptions(
  record: NetworkRecord | null,
  stored: Pick<StoredNetwork, "broadcast">,
): BroadcastOptions | null {
  if (record?.broadcast === undefined || stored.broadcast === false) return null;
  const { ports, perSecond } = record.broadcast;
  return { ports, perSecond, subnets: record.ranges };
}

/** What users see of it. */
export function broadcastStatus(
  record: NetworkRecord | null,
  stored: Pick<StoredNetwork, "broadcast">,
): NetworkStatus["broadcast"] {
  return {
    on: record?.broadcast !== undefined,
    ports: record?.broadcast?.ports ?? [],
    perSecond: record?.broadcast?.perSecond ?? 0,
    take: stored.broadcast !== false,
  };
}
