/** The members of a network, read again whenever they may have changed. */
import type { MemberStatus, NetworkStatus } from "../../src-shared/status.ts";
import type { Asked } from "./use-asked.ts";
import { useAsked } from "./use-asked.ts";

export function useMembers({ id }: NetworkStatus): Asked<readonly MemberStatus[]> {
  return useAsked(id, (client) => client.call("members.list", { network: id }));
}
