/** Chooses a few peers by name, out of thousands. */
import { MultiSelect } from "@mantine/core";
import type { PeerStatus } from "../../src-shared/status.ts";
import { peerKey } from "../state/peer-list.ts";
import { useWords } from "../words/use-words.ts";

interface PeerPickerProps {
  readonly peers: readonly PeerStatus[];
  /** Keys of the chosen ones. */
  readonly chosen: readonly string[];
  readonly most: number;
  readonly onChange: (keys: readonly string[]) => void;
}

export function PeerPicker({ peers, chosen, most, onChange }: PeerPickerProps) {
  const { say } = useWords();
  const several = new Set(peers.map(({ network }) => network)).size > 1;
  return (
    <MultiSelect
      label={say("latency.peers")}
      description={say("latency.peers.hint", { most })}
      data={peers.map((peer) => ({
        value: peerKey(peer),
        label: several ? `${peer.name} · ${peer.network}` : peer.name,
      }))}
      value={[...chosen]}
      onChange={onChange}
      maxValues={most}
      limit={50}
      searchable
      clearable
      clearButtonProps={{ "aria-label": say("latency.peers.clear") }}
      nothingFoundMessage={say("peers.none")}
      hidePickedOptions
    />
  );
}
