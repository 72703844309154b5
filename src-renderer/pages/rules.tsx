/** Who may reach whom in a network: its rules, what a change would do, and what they say of one question. */
import { Button, SegmentedControl, Switch } from "@mantine/core";
import { useState } from "react";
import type { PolicyStatus } from "../../src-shared/policy-status.ts";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { Card } from "../parts/card.tsx";
import { OfNetwork } from "../parts/network-head.tsx";
import { ErrorLine, Remark, Warning } from "../parts/notices.tsx";
import { PlanView } from "../parts/plan-view.tsx";
import { RuleCheckCard } from "../parts/rule-check-card.tsx";
import { RulesEditor } from "../parts/rules-editor.tsx";
import type { Asked } from "../state/use-asked.ts";
import { useAsked } from "../state/use-asked.ts";
import { usePanel, useTask } from "../state/use-panel.ts";
import { nothing } from "../words/format.ts";
import { useWords } from "../words/use-words.ts";

export function RulesPage({ id }: { readonly id: string }) {
  return (
    <OfNetwork id={id} part="rules">
      {(network) => <Rules network={network} />}
    </OfNetwork>
  );
}

function Rules({ network }: { readonly network: NetworkStatus }) {
  const { say } = useWords();
  const asked = useAsked(network.id, (client) => client.call("policy.read", { network: network.id }));
  const [text, setText] = useState<string | null>(null);
  const { value: policy, error, read } = asked;
  if (network.secret) return <Remark>{say("rules.secret")}</Remark>;
  if (policy === null) return <ErrorLine error={error} />;
  return (
    <>
      <Trial network={network} policy={policy} onKept={read} />
      {policy.rolledBack && <Warning>{say("rules.rolledBack")}</Warning>}
      <Standing network={network} asked={asked} policy={policy} onSet={() => setText(null)} />
      <RulesEditor
        network={network}
        policy={policy}
        text={text ?? policy.text}
        onText={setText}
        onSet={() => {
          setText(null);
          read();
        }}
      />
      <RuleCheckCard network={network} text={text} />
      <Inbound policy={policy} onChange={read} />
    </>
  );
}

interface StandingProps {
  readonly network: NetworkStatus;
  readonly asked: Asked<PolicyStatus>;
  readonly policy: PolicyStatus;
  readonly onSet: () => void;
}

/** What happens where no rule fits, and who set the rules when. */
function Standing({ network, asked, policy, onSet }: StandingProps) {
  const { say, format } = useWords();
  const now = usePanel(({ heardAt }) => heardAt);
  const change = useTask((client, allow: "all" | "none") =>
    client.call("policy.default", { network: network.id, allow }),
  );
  const [plan, setPlan] = useState<Awaited<ReturnType<typeof change.run>>>(null);
  const choose = async (allow: string) => {
    const answer = await change.run(allow === "none" ? "none" : "all");
    if (answer === null) return;
    setPlan(answer);
    onSet();
    asked.read();
  };
  const history =
    policy.version === 0
      ? say("rules.never")
      : say("rules.version", { name: policy.setBy ?? nothing, when: format.relative(policy.setAt, now) });
  return (
    <Card title={say("rules.title")} hint={say("rules.hint")}>
      <p className="quiet">{history}</p>
      <div className="rules-default">
        <span id="rules-default">{say("rules.default")}</span>
        <SegmentedControl
          aria-labelledby="rules-default"
          value={policy.policy.default}
          disabled={change.busy || !policy.admin}
          onChange={(value) => void choose(value)}
          data={[
            { value: "all", label: say("rules.default.all") },
            { value: "none", label: say("rules.default.none") },
          ]}
        />
      </div>
      <ErrorLine error={change.error ?? asked.error} />
      {plan !== null && <PlanView plan={plan.plan} />}
      {!policy.admin && <Remark>{say("rules.notAdmin")}</Remark>}
    </Card>
  );
}

interface TrialProps {
  readonly network: NetworkStatus;
  readonly policy: PolicyStatus;
  readonly onKept: () => void;
}

function Trial({ network, policy, onKept }: TrialProps) {
  const { say, format } = useWords();
  const now = usePanel(({ heardAt }) => heardAt);
  const keep = useTask((client, _input: null) => client.call("policy.confirm", { network: network.id }));
  if (policy.trialUntil === null) return null;
  const seconds = Math.max(0, Math.ceil((Date.parse(policy.trialUntil) - now) / 1000));
  return (
    <Warning>
      {say("rules.trial", { seconds: format.number(seconds) })}{" "}
      {policy.admin && (
        <Button
          size="compact-sm"
          loading={keep.busy}
          onClick={() => void keep.run(null).then((kept) => kept !== null && onKept())}
        >
          {say("rules.keep")}
        </Button>
      )}
      <ErrorLine error={keep.error} />
    </Warning>
  );
}

/** This machine's own say, whatever the rules. */
function Inbound({ policy, onChange }: { readonly policy: PolicyStatus; readonly onChange: () => void }) {
  const { say } = useWords();
  const set = useTask((client, inbound: boolean) => client.call("settings.change", { inbound }));
  return (
    <Card
      title={say("rules.inbound")}
      hint={say("rules.inbound.hint")}
      aside={
        <Switch
          checked={policy.inbound}
          disabled={set.busy}
          onChange={(event) => void set.run(event.currentTarget.checked).then(onChange)}
          aria-label={say("rules.inbound")}
        />
      }
    >
      <ErrorLine error={set.error} />
    </Card>
  );
}
