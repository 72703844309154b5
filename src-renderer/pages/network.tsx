/** One network: invite people, see and change its members, leave. */
import { Button } from "@mantine/core";
import { IconDoorExit } from "@tabler/icons-react";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { BroadcastCard } from "../parts/broadcast-card.tsx";
import { Card, Fact, Facts } from "../parts/card.tsx";
import { CopyText } from "../parts/copy-text.tsx";
import { DeleteNetwork } from "../parts/delete-network.tsx";
import { InviteForm } from "../parts/invite-form.tsx";
import { IssuerKeyCard } from "../parts/issuer-key-card.tsx";
import { MaskCard } from "../parts/mask-card.tsx";
import { MembersCard } from "../parts/members-card.tsx";
import { OfNetwork } from "../parts/network-head.tsx";
import { Remark } from "../parts/notices.tsx";
import { RelayCard } from "../parts/relay-card.tsx";
import { actLater, leavingNetworkKey, useLeaving } from "../state/use-later.ts";
import { go } from "../state/use-route.ts";
import { nothing } from "../words/format.ts";
import { useWords } from "../words/use-words.ts";

export function NetworkPage({ id }: { readonly id: string }) {
  return (
    <OfNetwork id={id} part="network">
      {(network) => <Overview network={network} />}
    </OfNetwork>
  );
}

function Overview({ network }: { readonly network: NetworkStatus }) {
  const { say } = useWords();
  return (
    <>
      <Card>
        <NetworkFacts network={network} />
      </Card>
      {network.secret ? (
        <Remark>{say("network.secret.remark")}</Remark>
      ) : network.admin ? (
        <Card title={say("invite.title")} hint={say("invite.hint")}>
          <InviteForm network={network} />
        </Card>
      ) : (
        <Remark>{say("network.notAdmin")}</Remark>
      )}
      <MembersCard network={network} />
      <RelayCard network={network} />
      <MaskCard network={network} />
      <BroadcastCard network={network} />
      {!network.secret && <IssuerKeyCard network={network} />}
      <Leave network={network} />
      {network.admin && !network.secret && <DeleteNetwork network={network} />}
    </>
  );
}

function NetworkFacts({ network }: { readonly network: NetworkStatus }) {
  const { say } = useWords();
  return (
    <Facts>
      <Fact name={say("address.own")}>
        {network.address === null ? nothing : <CopyText text={network.address} what={say("address")} />}
      </Fact>
      <Fact name={say("network.range")}>
        <span className="mono">{network.range ?? nothing}</span>
      </Fact>
      <Fact name={say("network.interface")}>
        <span className="mono">{network.interface ?? nothing}</span>
      </Fact>
      <Fact name={say("network.routers")}>
        <span className="mono">{network.rendezvous.join(", ") || nothing}</span>
      </Fact>
      <Fact name={say("network.id")}>
        <CopyText text={network.id} what={say("network.id")} shown={`${network.id.slice(0, 10)}…`} />
      </Fact>
    </Facts>
  );
}

function Leave({ network }: { readonly network: NetworkStatus }) {
  const { say } = useWords();
  const key = leavingNetworkKey(network);
  const isLeaving = useLeaving()(key);
  return (
    <Card
      title={say("leave.title")}
      hint={say(network.admin ? "leave.hint.admin" : "leave.hint")}
      aside={
        <Button
          variant="light"
          color="red"
          disabled={isLeaving}
          leftSection={<IconDoorExit size={16} aria-hidden="true" />}
          onClick={() => {
            actLater({
              key,
              text: say("leave.left", { name: network.name }),
              run: (client) => client.call("networks.leave", { network: network.id }),
            });
            go({ page: "networks" });
          }}
        >
          {say("leave.action")}
        </Button>
      }
    >
      {null}
    </Card>
  );
}
