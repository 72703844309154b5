/** Discovery and LAN games: whether broadcasts pass from member to member, and whether this machine takes part. */
import { Switch } from "@mantine/core";
import type { InputOf } from "../../src-shared/api/contract.ts";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import { Card } from "./card.tsx";
import { ErrorLine, Remark } from "./notices.tsx";

export function BroadcastCard({ network }: { readonly network: NetworkStatus }) {
  const { say, format } = useWords();
  const { on, ports, take } = network.broadcast;
  const set = useTask((client, input: Omit<InputOf<"networks.broadcast">, "network">) =>
    client.call("networks.broadcast", { network: network.id, ...input }),
  );
  const mayChange = network.admin || network.secret;
  return (
    <Card
      title={say("broadcast.title")}
      hint={say("broadcast.hint")}
      aside={
        <Switch
          checked={on}
          disabled={set.busy || !mayChange}
          onChange={(event) => void set.run({ on: event.currentTarget.checked })}
          aria-label={say("broadcast.switch", { name: network.name })}
        />
      }
    >
      {!mayChange && <Remark>{say("mask.notAdmin")}</Remark>}
      {on && (
        <>
          <p className="quiet">{say("broadcast.ports", { ports: format.list(ports.map(String)) })}</p>
          <Switch
            checked={take}
            disabled={set.busy}
            onChange={(event) => void set.run({ take: event.currentTarget.checked })}
            label={say("broadcast.take")}
          />
        </>
      )}
      <ErrorLine error={set.error} />
    </Card>
  );
}
