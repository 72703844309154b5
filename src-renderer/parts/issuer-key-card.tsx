/** The key that makes its holder an administrator: shown to be kept, or taken to become one. */

import { Button, PasswordInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import { Card } from "./card.tsx";
import { Form } from "./form.tsx";
import { GiveAway } from "./give-away.tsx";
import { ErrorLine, Warning } from "./notices.tsx";

export function IssuerKeyCard({ network }: { readonly network: NetworkStatus }) {
  return network.admin ? <ExportKey network={network} /> : <ImportKey />;
}

function ExportKey({ network }: { readonly network: NetworkStatus }) {
  const { say } = useWords();
  const [key, setKey] = useState<string | null>(null);
  const show = useTask((client, name: string) => client.call("networks.exportKey", { network: name }));
  return (
    <Card
      title={say("key.title")}
      hint={say("key.export.hint")}
      aside={
        key === null && (
          <Button
            variant="default"
            loading={show.busy}
            onClick={() => void show.run(network.id).then((answer) => setKey(answer?.key ?? null))}
          >
            {say("key.export")}
          </Button>
        )
      }
    >
      <ErrorLine error={show.error} />
      {key !== null && (
        <GiveAway text={key} label={say("key.label")} copy={say("key.copy")} qr={null} command={null}>
          <Warning>{say("key.warning")}</Warning>
          <div>
            <Button variant="subtle" color="gray" size="compact-sm" onClick={() => setKey(null)}>
              {say("key.hide")}
            </Button>
          </div>
        </GiveAway>
      )}
    </Card>
  );
}

function ImportKey() {
  const { say } = useWords();
  const [key, setKey] = useState("");
  const take = useTask(async (client, text: string) => {
    const { network } = await client.call("networks.importKey", { key: text });
    notifications.show({ message: say("key.imported", { network }) });
    return true;
  });
  return (
    <Card title={say("key.title")} hint={say("key.import.hint")}>
      <Form
        className="line-form"
        onSubmit={() => void take.run(key.trim()).then((done) => done !== null && setKey(""))}
      >
        <PasswordInput
          label={say("key.label")}
          value={key}
          onChange={(event) => setKey(event.currentTarget.value)}
          autoComplete="off"
          visibilityToggleButtonProps={{ "aria-label": say("key.show") }}
        />
        <Button type="submit" variant="default" loading={take.busy} disabled={key.trim() === ""}>
          {say("key.import")}
        </Button>
      </Form>
      <ErrorLine error={take.error} />
    </Card>
  );
}
