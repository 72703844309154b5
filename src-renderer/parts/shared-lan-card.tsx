/** LANs without Starmesh whose hosts reach the members through this machine, under its address. */

import { Button, Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import type { SharedLans } from "../../src-shared/route-status.ts";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { actLater, useLeaving } from "../state/use-later.ts";
import { useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import { Card } from "./card.tsx";
import { Form } from "./form.tsx";
import { ErrorLine } from "./notices.tsx";

interface SharedLanCardProps {
  readonly network: NetworkStatus;
  readonly shared: SharedLans;
  readonly onChange: () => void;
}

export function SharedLanCard({ network, shared, onChange }: SharedLanCardProps) {
  const { say, format } = useWords();
  const [prefix, setPrefix] = useState("");
  const set = useTask((client, wish: SharedLans) =>
    client.call("routes.share", { network: network.id, ...wish }),
  );
  const { prefixes, fullCone } = shared;
  const leavingKey = `share ${network.id}`;
  const isLeaving = useLeaving()(leavingKey);
  const change = async (wish: SharedLans) => {
    if ((await set.run(wish)) === null) return;
    setPrefix("");
    onChange();
  };
  return (
    <Card title={say("share.title")} hint={say("share.hint")}>
      {prefixes.length > 0 && (
        <>
          <div className={isLeaving ? "route-gateway leaving" : "route-gateway"}>
            <span className="mono">{format.list(prefixes)}</span>
            <Button
              size="compact-sm"
              variant="subtle"
              color="red"
              disabled={set.busy || isLeaving}
              onClick={() =>
                actLater({
                  key: leavingKey,
                  text: say("share.ended"),
                  run: (client) =>
                    client.call("routes.share", { network: network.id, prefixes: [], fullCone: false }),
                })
              }
            >
              {say("share.end")}
            </Button>
          </div>
          <Switch
            checked={fullCone}
            disabled={set.busy}
            onChange={(event) => void change({ prefixes, fullCone: event.currentTarget.checked })}
            label={say("share.fullCone")}
            description={say("share.fullCone.hint")}
          />
        </>
      )}
      <Form
        className="line-form"
        onSubmit={() => void change({ prefixes: [...prefixes, prefix.trim()], fullCone })}
      >
        <TextInput
          label={say("share.prefix")}
          placeholder={say("routes.prefix.hint")}
          value={prefix}
          onChange={(event) => setPrefix(event.currentTarget.value)}
          maxLength={64}
        />
        <Button type="submit" variant="light" loading={set.busy} disabled={prefix.trim() === ""}>
          {say("share.add")}
        </Button>
      </Form>
      <ErrorLine error={set.error} />
    </Card>
  );
}
