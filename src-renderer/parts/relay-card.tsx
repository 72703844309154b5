/** Whether this machine passes packets on for other members of one network. */

import { Button, Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import type { InputOf } from "../../src-shared/api/contract.ts";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import { Card } from "./card.tsx";
import { Form } from "./form.tsx";
import { ErrorLine, Remark } from "./notices.tsx";

export function RelayCard({ network }: { readonly network: NetworkStatus }) {
  const { say } = useWords();
  const { relay } = network;
  const [cost, setCost] = useState<string | null>(null);
  const set = useTask((client, input: InputOf<"relay.set">) => client.call("relay.set", input));
  const isCost = cost === null || /^[1-9]\d{0,2}$|^1000$/.test(cost);
  const apply = async (input: Omit<InputOf<"relay.set">, "network">) => {
    if ((await set.run({ network: network.id, ...input })) !== null) setCost(null);
  };
  return (
    <Card
      title={say("relay.title")}
      hint={say("relay.hint")}
      aside={
        <Switch
          checked={relay.on}
          disabled={set.busy || !relay.allowed}
          onChange={(event) => void apply({ on: event.currentTarget.checked })}
          aria-label={say("relay.switch", { name: network.name })}
        />
      }
    >
      {!relay.allowed && <Remark>{say("relay.withheld")}</Remark>}
      {relay.on && (
        <Form
          className="line-form"
          onSubmit={() => {
            if (cost !== null && isCost) void apply({ on: true, cost: Number(cost) });
          }}
        >
          <TextInput
            label={say("relay.cost")}
            description={say("relay.cost.hint")}
            inputMode="numeric"
            value={cost ?? String(relay.cost)}
            onChange={(event) => setCost(event.currentTarget.value.trim())}
            error={isCost ? null : say("relay.cost.wrong")}
          />
          <Button type="submit" variant="default" disabled={cost === null || !isCost || set.busy}>
            {say("relay.apply")}
          </Button>
        </Form>
      )}
      <ErrorLine error={set.error} />
    </Card>
  );
}
