/** Hands the packet filter to the data plane. */
import type { DataPlane } from "../../drivers/dataplane.ts";
import type { Filter } from "../mesh/policy.ts";

/** A data plane with a packet filter. */
interface Filtering {
  setFilter?(realm: string, filter: Filter | null): void;
}

/** What comes from the realm's peers is let in by the filter from now on; null: all is. */
export function setFilter(dataPlane: DataPlane & Filtering, realm: string, filter: Filter | null): void {
  dataPlane.setFilter?.(realm, filter);
}
