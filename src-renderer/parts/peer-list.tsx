/** All peers as a live table. Only rows in view exist, so that thousands of peers scroll smoothly. */
import { Button, SegmentedControl, Select, TextInput } from "@mantine/core";
import { IconSearch, IconUsers } from "@tabler/icons-react";
import { useDeferredValue, useRef, useState } from "react";
import { useStore } from "zustand";
import type { PeerStatus } from "../../src-shared/status.ts";
import type { PeerSort, Presence } from "../state/peer-list.ts";
import {
  countPresences,
  hasPresence,
  holdOrder,
  matchesQuery,
  peerKey,
  peerSorts,
  presences,
  sortPeers,
} from "../state/peer-list.ts";
import { usePanel } from "../state/use-panel.ts";
import { useRoving } from "../state/use-roving.ts";
import { useRowWindow } from "../state/use-rows.ts";
import { choosePeerSort, choosePresence, preferences } from "../words/preferences.ts";
import { useWords } from "../words/use-words.ts";
import type { PlainKey } from "../words/words.ts";
import { Empty } from "./notices.tsx";
import { PeerRow } from "./peer-row.tsx";

interface PeerListProps {
  readonly peers: readonly PeerStatus[];
  /** Names of the networks to choose from; one needs no choice. */
  readonly networks: readonly string[];
}

export function PeerList({ peers, networks }: PeerListProps) {
  const { say, format } = useWords();
  const { presence, peerSort: sort } = useStore(preferences);
  const [query, setQuery] = useState("");
  const [network, setNetwork] = useState<string | null>(null);
  const wanted = useDeferredValue(query);
  const fitting = peers.filter(
    (peer) => (network === null || peer.network === network) && matchesQuery(peer, wanted),
  );
  const counts = countPresences(fitting);
  const shown = fitting.filter((peer) => hasPresence(peer, presence));
  const several = networks.length > 1;
  return (
    <>
      <search className="list-tools">
        <TextInput
          className="grow"
          type="search"
          value={query}
          onChange={(event) => setQuery(event.currentTarget.value)}
          placeholder={say("peers.search.hint")}
          aria-label={say("peers.search")}
          leftSection={<IconSearch size={16} aria-hidden="true" />}
        />
        {several && (
          <Select
            className="network-filter"
            data={[
              { value: "", label: say("peers.allNetworks") },
              ...networks.map((name) => ({ value: name, label: name })),
            ]}
            value={network ?? ""}
            onChange={(value) => setNetwork(value === null || value === "" ? null : value)}
            allowDeselect={false}
            aria-label={say("peers.network")}
          />
        )}
        <SegmentedControl
          aria-label={say("peers.presence")}
          value={presence}
          onChange={choosePresence}
          data={presences.map((value) => ({
            value,
            label: say(presenceKeys[value], { count: format.number(counts[value]) }),
          }))}
        />
        <SegmentedControl
          aria-label={say("peers.sort")}
          value={sort}
          onChange={choosePeerSort}
          data={peerSorts.map((value) => ({ value, label: say(sortKeys[value]) }))}
        />
      </search>
      {shown.length === 0 ? (
        <Empty
          icon={<IconUsers size={28} />}
          title={say(wanted.trim() !== "" || presence === "all" ? "peers.none" : `peers.none.${presence}`)}
        >
          {presence !== "all" && (
            <Button variant="light" onClick={() => choosePresence("all")}>
              {say("peers.showAll")}
            </Button>
          )}
        </Empty>
      ) : (
        <Rows
          peers={shown}
          sort={sort}
          several={several && network === null}
          orderName={`${sort} ${wanted} ${network} ${presence}`}
        />
      )}
    </>
  );
}

interface RowsProps {
  readonly peers: readonly PeerStatus[];
  readonly sort: PeerSort;
  readonly several: boolean;
  /** Changes when the reader asks for another order or other rows. */
  readonly orderName: string;
}

function Rows({ peers, sort, several, orderName }: RowsProps) {
  const { say } = useWords();
  const ordered = useHeldOrder(peers, sort, orderName);
  const { body, first, end, rowHeight, show } = useRowWindow(ordered.length);
  const { list, onKeyDown } = useRoving<HTMLTableElement>(".peer-line", { count: ordered.length, show });
  return (
    <table
      className="peers"
      ref={list}
      onKeyDown={onKeyDown}
      aria-label={say("peers.title")}
      aria-rowcount={ordered.length + 1}
    >
      <thead>
        <tr aria-rowindex={1}>
          {columns.map((key) => (
            <th scope="col" key={key}>
              {say(key)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody ref={body}>
        <Gap rows={first} rowHeight={rowHeight} />
        {ordered.slice(first, end).map((peer, at) => (
          <PeerRow key={peerKey(peer)} peer={peer} several={several} index={first + at + 2} />
        ))}
        <Gap rows={ordered.length - end} rowHeight={rowHeight} />
      </tbody>
    </table>
  );
}

/** Stands for rows out of view. */
function Gap({ rows, rowHeight }: { readonly rows: number; readonly rowHeight: number }) {
  if (rows <= 0) return null;
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a row takes no focus
    <tr className="gap" aria-hidden="true">
      <td colSpan={columns.length} style={{ height: rows * rowHeight }} />
    </tr>
  );
}

/** Keeps rows where they are for a while: order follows measurements slowly, and never under a pointer. */
function useHeldOrder(
  peers: readonly PeerStatus[],
  sort: PeerSort,
  orderName: string,
): readonly PeerStatus[] {
  const traffic = usePanel((state) => state.traffic);
  const now = usePanel((state) => state.heardAt);
  const held = useRef<{ keys: readonly string[]; at: number; name: string }>({ keys: [], at: 0, name: "" });
  const due = held.current.name !== orderName || (now - held.current.at > holdMilliseconds && !isListInUse());
  const kept = due ? null : holdOrder(held.current.keys, peers);
  const ordered = kept ?? sortPeers(peers, sort, traffic);
  if (kept === null) held.current = { keys: ordered.map(peerKey), at: now, name: orderName };
  return ordered;
}

function isListInUse(): boolean {
  return document.querySelector(".peers tbody:hover, .peers tbody:focus-within") !== null;
}

const sortKeys = {
  latency: "peers.latency",
  name: "peers.name",
  traffic: "peers.traffic",
} as const satisfies Record<PeerSort, PlainKey>;

const presenceKeys = {
  all: "peers.all",
  online: "peers.online",
  offline: "peers.offline",
} as const satisfies Record<Presence, string>;

const columns = [
  "peers.name",
  "address",
  "peers.path",
  "peers.latency",
  "peers.loss",
  "peers.traffic",
] as const;

const holdMilliseconds = 10_000;
