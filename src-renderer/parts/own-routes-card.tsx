/** What this machine leads to for the other members of a network. */

import { Button, Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import type { InputOf } from "../../src-shared/api/contract.ts";
import type { OwnRouteStatus } from "../../src-shared/route-status.ts";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { actLater, useLeaving } from "../state/use-later.ts";
import { useStatus, useTask } from "../state/use-panel.ts";
import { useRoving } from "../state/use-roving.ts";
import { useWords } from "../words/use-words.ts";
import { Card } from "./card.tsx";
import { Form } from "./form.tsx";
import { ErrorLine, Remark } from "./notices.tsx";

export function OwnRoutesCard({ network }: { readonly network: NetworkStatus }) {
  const { say } = useWords();
  const own = useStatus().ownRoutes.filter((each) => each.network === network.name);
  const isLeaving = useLeaving();
  const { list, onKeyDown } = useRoving<HTMLUListElement>(".route-gateway");
  const leavingKey = ({ prefix }: OwnRouteStatus) => `route ${network.id} ${prefix}`;
  return (
    <Card title={say("routes.own.title")} hint={say("routes.own.hint")}>
      {own.length > 0 && (
        <ul className="own-routes" aria-label={say("routes.own.list")} ref={list} onKeyDown={onKeyDown}>
          {own.map((route) => (
            <OwnRoute
              key={route.prefix}
              route={route}
              isLeaving={isLeaving(leavingKey(route))}
              onWithdraw={() =>
                actLater({
                  key: leavingKey(route),
                  text: say("routes.withdrawn", { prefix: route.prefix }),
                  run: (client) =>
                    client.call("routes.withdraw", { network: network.id, prefix: route.prefix }),
                })
              }
            />
          ))}
        </ul>
      )}
      <Advertise network={network} />
    </Card>
  );
}

interface OwnRouteProps {
  readonly route: OwnRouteStatus;
  /** About to be taken back. */
  readonly isLeaving: boolean;
  readonly onWithdraw: () => void;
}

function OwnRoute({ route, isLeaving, onWithdraw }: OwnRouteProps) {
  const { say, line } = useWords();
  const { prefix, as, granted, up, problem } = route;
  const state = !granted ? "waits" : up ? "works" : "down";
  return (
    <li className={isLeaving ? "route-gateway leaving" : "route-gateway"}>
      <span className="mono route-gateway-name">{prefix}</span>
      <span className={`tag tag-route-${state}`}>{say(`routes.own.${state}`)}</span>
      {as !== null && <span className="quiet">{say("routes.own.as", { prefix: as })}</span>}
      <Button
        size="compact-sm"
        variant="subtle"
        color="red"
        disabled={isLeaving}
        onClick={onWithdraw}
        aria-label={say("routes.withdraw.what", { prefix })}
      >
        {say("routes.withdraw")}
      </Button>
      {problem !== null && <Remark>{line(problem)}</Remark>}
    </li>
  );
}

function Advertise({ network }: { readonly network: NetworkStatus }) {
  const { say, line } = useWords();
  const [prefix, setPrefix] = useState("");
  const [as, setAs] = useState("");
  const [snat, setSnat] = useState(true);
  const [notes, setNotes] = useState<readonly string[]>([]);
  const advertise = useTask((client, input: InputOf<"routes.advertise">) =>
    client.call("routes.advertise", input),
  );
  const submit = async () => {
    const known = as.trim() === "" ? {} : { as: as.trim() };
    const answer = await advertise.run({ network: network.id, prefix: prefix.trim(), snat, ...known });
    if (answer === null) return;
    setNotes(answer.notes);
    setPrefix("");
    setAs("");
  };
  return (
    <Form className="route-form" onSubmit={() => void submit()}>
      <div className="invite-form">
        <TextInput
          label={say("routes.prefix")}
          placeholder={say("routes.prefix.hint")}
          value={prefix}
          onChange={(event) => setPrefix(event.currentTarget.value)}
          maxLength={64}
        />
        <TextInput
          label={say("routes.as")}
          placeholder={say("routes.as.hint")}
          value={as}
          onChange={(event) => setAs(event.currentTarget.value)}
          maxLength={64}
        />
        <Button type="submit" variant="light" loading={advertise.busy} disabled={prefix.trim() === ""}>
          {say("routes.advertise")}
        </Button>
      </div>
      <Switch
        checked={snat}
        onChange={(event) => setSnat(event.currentTarget.checked)}
        label={say("routes.snat")}
        description={say("routes.snat.hint")}
      />
      <ErrorLine error={advertise.error} />
      {notes.map((note) => (
        <Remark key={note}>{line(note)}</Remark>
      ))}
    </Form>
  );
}
