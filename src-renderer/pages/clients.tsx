/** Devices with the WireGuard app in a network: those let in, and a way in for another one. */
import { Button } from "@mantine/core";
import { IconDeviceMobile } from "@tabler/icons-react";
import type { NetworkStatus } from "../../src-shared/status.ts";
import type { WireguardClient } from "../../src-shared/wireguard.ts";
import { Card } from "../parts/card.tsx";
import { CopyText } from "../parts/copy-text.tsx";
import { OfNetwork } from "../parts/network-head.tsx";
import { Empty, ErrorLine } from "../parts/notices.tsx";
import { WireguardCard } from "../parts/wireguard-card.tsx";
import { useAsked } from "../state/use-asked.ts";
import { actLater, useLeaving } from "../state/use-later.ts";
import { usePanel } from "../state/use-panel.ts";
import { useRoving } from "../state/use-roving.ts";
import { useWords } from "../words/use-words.ts";

export function ClientsPage({ id }: { readonly id: string }) {
  return (
    <OfNetwork id={id} part="clients">
      {(network) => <Clients network={network} />}
    </OfNetwork>
  );
}

function Clients({ network }: { readonly network: NetworkStatus }) {
  const { say, format } = useWords();
  const clients = useAsked(network.id, (client) => client.call("wireguard.list", { network: network.id }));
  const isLeaving = useLeaving();
  const { list, onKeyDown } = useRoving<HTMLUListElement>(".member");
  const leavingKey = ({ publicKey }: WireguardClient) => `client ${network.id} ${publicKey}`;
  return (
    <>
      <Card
        title={say("clients.title")}
        aside={clients.value !== null && <span className="quiet">{format.number(clients.value.length)}</span>}
        flush
      >
        <ErrorLine error={clients.error} />
        {clients.value?.length === 0 && (
          <Empty icon={<IconDeviceMobile size={28} />} title={say("clients.none")} />
        )}
        {clients.value !== null && clients.value.length > 0 && (
          <ul className="members" aria-label={say("clients.list")} ref={list} onKeyDown={onKeyDown}>
            {clients.value.map((each) => (
              <ClientLine
                key={each.publicKey}
                client={each}
                mayRevoke={network.admin || each.here}
                isLeaving={isLeaving(leavingKey(each))}
                onRevoke={() =>
                  actLater({
                    key: leavingKey(each),
                    text: say("clients.revoked", { name: each.name }),
                    run: (client) =>
                      client.call("wireguard.revoke", { network: network.id, name: each.name }),
                  })
                }
              />
            ))}
          </ul>
        )}
      </Card>
      {network.address !== null && <WireguardCard network={network} onMade={clients.read} />}
    </>
  );
}

interface ClientLineProps {
  readonly client: WireguardClient;
  readonly mayRevoke: boolean;
  /** About to be shut out. */
  readonly isLeaving: boolean;
  readonly onRevoke: () => void;
}

function ClientLine({ client, mayRevoke, isLeaving, onRevoke }: ClientLineProps) {
  const { say, format } = useWords();
  const now = usePanel(({ heardAt }) => heardAt);
  const { name, gateway, connected, lastHandshake, rxBytes, txBytes } = client;
  const state =
    connected === null
      ? say("clients.elsewhere", { gateway })
      : say(connected ? "clients.connected" : "clients.idle");
  const traffic =
    rxBytes === null || txBytes === null
      ? null
      : say("clients.traffic", { received: format.bytes(rxBytes), sent: format.bytes(txBytes) });
  return (
    <li className={isLeaving ? "member client-line leaving" : "member client-line"}>
      <span className={`dot dot-${connected === true ? "connected" : "offline"}`} aria-hidden="true" />
      <span className="member-name">
        {name}
        {gateway !== "" && <span className="tag">{say("clients.by", { gateway })}</span>}
      </span>
      <span className="quiet member-state" title={traffic ?? undefined}>
        {state}
        {lastHandshake !== null &&
          ` · ${say("clients.handshake", { when: format.relative(lastHandshake, now) })}`}
      </span>
      <span className="member-address">
        <CopyText text={client.address} what={say("address.of", { name })} />
      </span>
      <span className="member-actions">
        {mayRevoke && !isLeaving && (
          <Button
            variant="subtle"
            color="red"
            size="compact-sm"
            onClick={onRevoke}
            aria-label={say("clients.revoke.who", { name })}
          >
            {say("clients.revoke")}
          </Button>
        )}
      </span>
    </li>
  );
}
