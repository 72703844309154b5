/** Whether the members of a network mask what they send; an administrator decides it for all. */
import { Switch } from "@mantine/core";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import { Card } from "./card.tsx";
import { ErrorLine, Remark } from "./notices.tsx";

export function MaskCard({ network }: { readonly network: NetworkStatus }) {
  const { say } = useWords();
  const set = useTask((client, on: boolean) => client.call("networks.mask", { network: network.id, on }));
  const mayChange = network.admin || network.secret;
  return (
    <Card
      title={say("mask.title")}
      hint={say("mask.hint")}
      aside={
        <Switch
          checked={network.mask}
          disabled={set.busy || !mayChange}
          onChange={(event) => void set.run(event.currentTarget.checked)}
          aria-label={say("mask.switch", { name: network.name })}
        />
      }
    >
      {!mayChange && <Remark>{say("mask.notAdmin")}</Remark>}
      <ErrorLine error={set.error} />
    </Card>
  );
}
