/** The rules of a network as text: written, tried out, set for all members. */
import { Button, Group, Textarea } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import type { PolicyPlan, PolicyStatus } from "../../src-shared/policy-status.ts";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import { Card } from "./card.tsx";
import { ErrorLine } from "./notices.tsx";
import { PlanView } from "./plan-view.tsx";

interface RulesEditorProps {
  readonly network: NetworkStatus;
  readonly policy: PolicyStatus;
  readonly text: string;
  readonly onText: (text: string) => void;
  /** They are set. */
  readonly onSet: () => void;
}

export function RulesEditor({ network, policy, text, onText, onSet }: RulesEditorProps) {
  const { say } = useWords();
  const [plan, setPlan] = useState<PolicyPlan | null>(null);
  const input = { network: network.id, text, name: say("rules.text") };
  const preview = useTask((client, _input: null) => client.call("policy.preview", input));
  const set = useTask((client, _input: null) => client.call("policy.set", input));
  const apply = async () => {
    const answer = await set.run(null);
    if (answer === null) return;
    notifications.show({ message: say("rules.applied") });
    setPlan(null);
    preview.reset();
    onSet();
  };
  const isSame = text === policy.text;
  return (
    <Card title={say("rules.text")}>
      <Textarea
        classNames={{ input: "mono rules-text" }}
        aria-label={say("rules.text")}
        value={text}
        onChange={(event) => {
          setPlan(null);
          onText(event.currentTarget.value);
        }}
        readOnly={!policy.admin}
        autosize
        minRows={6}
        maxRows={24}
        spellCheck={false}
      />
      <ErrorLine error={preview.error ?? set.error} />
      {plan !== null && <PlanView plan={plan} />}
      {policy.admin && (
        <Group gap="xs">
          <Button
            variant="default"
            loading={preview.busy}
            disabled={isSame}
            onClick={() => void preview.run(null).then(setPlan)}
          >
            {say("rules.preview")}
          </Button>
          <Button loading={set.busy} disabled={isSame} onClick={() => void apply()}>
            {say("rules.apply")}
          </Button>
        </Group>
      )}
    </Card>
  );
}
