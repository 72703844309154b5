/** Devices with the WireGuard app in a network: those let in, and a way in for another one. */
import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconDeviceMobile } from "@tabler/icons-react";
import { useState } from "react";
import type { NetworkStatus } from "../../src-shared/status.ts";
import type { WireguardClient } from "../../src-shared/wireguard.ts";
import { Card } from "../parts/card.tsx";
import { Confirm } from "../parts/confirm.tsx";
import { CopyText } from "../parts/copy-text.tsx";
import { OfNetwork } from "../parts/network-head.tsx";
import { Empty, ErrorLine } from "../parts/notices.tsx";
import { WireguardCard } from "../parts/wireguard-card.tsx";
import { useAsked } from "../state/use-asked.ts";
import { usePanel, useTask } from "../state/use-panel.ts";
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
  const [leaving, setLeaving] = useState<WireguardClient | null>(null);
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
          <ul className="members" aria-label={say("clients.list")}>
            {clients.value.map((each) => (
              <ClientLine
                key={each.publicKey}
                client={each}
                mayRevoke={network.admin || each.here}
                onRevoke={() => setLeaving(each)}
              />
            ))}
          </ul>
        )}
        {leaving !== null && (
          <Revoke network={network} client={leaving} onDone={clients.read} onClose={() => setLeaving(null)} />
        )}
      </Card>
      {network.address !== null && <WireguardCard network={network} onMade={clients.read} />}
    </>
  );
}

interface ClientLineProps {
  readonly client: WireguardClient;
  readonly mayRevoke: boolean;
  readonly onRevoke: () => void;
}

function ClientLine({ client, mayRevoke, onRevoke }: ClientLineProps) {
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
    <li className="member">
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
        {mayRevoke && (
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

interface RevokeProps {
  readonly network: NetworkStatus;
  readonly client: WireguardClient;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

function Revoke({ network, client: { name }, onDone, onClose }: RevokeProps) {
  const { say } = useWords();
  const revoke = useTask(async (client, who: string) => {
    await client.call("wireguard.revoke", { network: network.id, name: who });
    return true;
  });
  const confirm = async () => {
    if ((await revoke.run(name)) === null) return;
    notifications.show({ message: say("clients.revoked", { name }) });
    onDone();
    onClose();
  };
  return (
    <Confirm
      opened
      title={say("clients.revoke.title", { name })}
      action={say("clients.revoke")}
      busy={revoke.busy}
      error={revoke.error}
      onConfirm={() => void confirm()}
      onClose={onClose}
    >
      {say("clients.revoke.text")}
    </Confirm>
  );
}
