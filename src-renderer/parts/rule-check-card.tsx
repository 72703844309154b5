/** Asks which rule decides about one service between two ends. */

import { Button, TextInput } from "@mantine/core";
import { useId, useState } from "react";
import type { PolicyRuling } from "../../src-shared/policy-status.ts";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { useMembers } from "../state/use-members.ts";
import { useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import { Card } from "./card.tsx";
import { Form } from "./form.tsx";
import { ErrorLine } from "./notices.tsx";

interface RuleCheckCardProps {
  readonly network: NetworkStatus;
  /** Rules as they stand in the editor; null: as they are set. */
  readonly text: string | null;
}

export function RuleCheckCard({ network, text }: RuleCheckCardProps) {
  const { say } = useWords();
  const members = useMembers(network).value ?? [];
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const [port, setPort] = useState("");
  const [ruling, setRuling] = useState<PolicyRuling | null>(null);
  const check = useTask((client, _input: null) =>
    client.call("policy.check", {
      network: network.id,
      from: from.trim(),
      to: to.trim(),
      port: port.trim(),
      ...(text === null ? {} : { text, name: say("rules.text") }),
    }),
  );
  const known = useId();
  const isWhole = [from, to, port].every((each) => each.trim() !== "");
  return (
    <Card title={say("rules.check.title")} hint={say("rules.check.hint")}>
      <Form className="rule-check" onSubmit={() => void check.run(null).then(setRuling)}>
        <TextInput
          label={say("rules.check.from")}
          list={known}
          value={from}
          onChange={(event) => setFrom(event.currentTarget.value)}
          maxLength={128}
        />
        <TextInput
          label={say("rules.check.to")}
          list={known}
          value={to}
          onChange={(event) => setTo(event.currentTarget.value)}
          maxLength={128}
        />
        <TextInput
          label={say("rules.check.port")}
          placeholder={say("rules.check.port.hint")}
          value={port}
          onChange={(event) => setPort(event.currentTarget.value)}
          maxLength={20}
        />
        <Button type="submit" variant="light" loading={check.busy} disabled={!isWhole}>
          {say("rules.check")}
        </Button>
      </Form>
      <datalist id={known}>
        {members.map(({ identity, name }) => (
          <option key={identity} value={name} />
        ))}
      </datalist>
      <ErrorLine error={check.error} />
      {ruling !== null && check.error === null && <Ruling ruling={ruling} />}
    </Card>
  );
}

function Ruling({ ruling: { action, rulings, refusesInbound } }: { readonly ruling: PolicyRuling }) {
  const { say, format } = useWords();
  return (
    <div className="ruling" role="status">
      <span className={`badge badge-rule-${action}`}>{say(`rules.check.${action}`)}</span>
      {refusesInbound && <p>{say("rules.check.inbound")}</p>}
      {rulings.map(({ family, rule, line }) => (
        <p key={family} className="quiet">
          {`IPv${family}: `}
          {rule === null
            ? say("rules.check.default", { line })
            : say("rules.check.rule", { number: format.number(rule), line })}
        </p>
      ))}
    </div>
  );
}
