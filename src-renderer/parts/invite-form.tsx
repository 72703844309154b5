/** Makes an invite with its limits, and shows it. */

import { Button, Select } from "@mantine/core";
import { useState } from "react";
import type { OutputOf } from "../../src-shared/api/contract.ts";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import type { Words } from "../words/words.ts";
import { Form } from "./form.tsx";
import { InviteCard } from "./invite-card.tsx";
import { ErrorLine } from "./notices.tsx";

export function InviteForm({ network }: { readonly network: NetworkStatus }) {
  const words = useWords();
  const { say } = words;
  const [count, setCount] = useState("50");
  const [seconds, setSeconds] = useState("86400");
  const [invite, setInvite] = useState<OutputOf<"invites.create"> | null>(null);
  const make = useTask((client, limits: { readonly count: number; readonly expiresSeconds: number }) =>
    client.call("invites.create", { network: network.id, ...limits }),
  );
  const submit = async () => {
    const made = await make.run({ count: Number(count), expiresSeconds: Number(seconds) });
    if (made !== null) setInvite(made);
  };
  return (
    <div className="stack">
      <Form className="invite-form" onSubmit={() => void submit()}>
        <Select
          label={say("invite.count")}
          data={counts.map((each) => ({
            value: String(each),
            label: say("invite.count.option", { count: each }),
          }))}
          value={count}
          onChange={(value) => setCount(value ?? count)}
          allowDeselect={false}
        />
        <Select
          label={say("invite.lasts")}
          data={durations(words)}
          value={seconds}
          onChange={(value) => setSeconds(value ?? seconds)}
          allowDeselect={false}
        />
        <Button type="submit" loading={make.busy} variant={invite === null ? "filled" : "light"}>
          {say(invite === null ? "invite.make" : "invite.another")}
        </Button>
      </Form>
      <ErrorLine error={make.error} />
      {invite !== null && <InviteCard invite={invite} />}
    </div>
  );
}

function durations({ language }: Words): { value: string; label: string }[] {
  return spans.map(([seconds, unit, amount]) => ({
    value: String(seconds),
    label: new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(amount),
  }));
}

const counts = [1, 5, 50, 500] as const;
const spans = [
  [3600, "hour", 1],
  [86_400, "day", 1],
  [7 * 86_400, "day", 7],
  [30 * 86_400, "day", 30],
] as const;
