/** Lets an ordinary WireGuard client in, served by this machine: makes its profile and shows it once. */

import { Button, TextInput } from "@mantine/core";
import { useState } from "react";
import type { OutputOf } from "../../src-shared/api/contract.ts";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import { Card } from "./card.tsx";
import { Form } from "./form.tsx";
import { GiveAway } from "./give-away.tsx";
import { ErrorLine, Warning } from "./notices.tsx";

interface WireguardCardProps {
  readonly network: NetworkStatus;
  readonly onMade: () => void;
}

export function WireguardCard({ network, onMade }: WireguardCardProps) {
  const { say, line } = useWords();
  const [name, setName] = useState("");
  const [endpoint, setEndpoint] = useState("");
  const [made, setMade] = useState<OutputOf<"wireguard.add"> | null>(null);
  const add = useTask((client, _input: null) =>
    client.call("wireguard.add", {
      network: network.id,
      name: name.trim(),
      ...(endpoint.trim() === "" ? {} : { endpoint: endpoint.trim() }),
    }),
  );
  const submit = async () => {
    const answer = await add.run(null);
    if (answer === null) return;
    setMade(answer);
    setName("");
    onMade();
  };
  return (
    <Card title={say("wireguard.title")} hint={say("wireguard.hint")}>
      <Form className="invite-form" onSubmit={() => void submit()}>
        <TextInput
          label={say("wireguard.name")}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          required
          withAsterisk={false}
          maxLength={63}
        />
        <TextInput
          label={say("wireguard.endpoint")}
          placeholder={say("wireguard.endpoint.hint")}
          value={endpoint}
          onChange={(event) => setEndpoint(event.currentTarget.value)}
        />
        <Button type="submit" loading={add.busy} disabled={name.trim() === ""} variant="light">
          {say("wireguard.make")}
        </Button>
      </Form>
      <ErrorLine error={add.error} />
      {made !== null && (
        <GiveAway
          text={made.profile}
          label={say("wireguard.profile", { name: made.name })}
          copy={say("wireguard.copy")}
          qr={say("wireguard.qr", { name: made.name })}
          command={null}
        >
          <p className="quiet">{say("wireguard.once", { name: made.name, address: made.address })}</p>
          {made.warnings.map((warning) => (
            <Warning key={warning}>{line(warning)}</Warning>
          ))}
        </GiveAway>
      )}
    </Card>
  );
}
