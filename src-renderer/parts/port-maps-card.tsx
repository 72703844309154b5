/** Ports of this machine that lead to a member's port, for those outside the network. */

import { Button, SegmentedControl, TextInput } from "@mantine/core";
import { useState } from "react";
import type { PortMap, PortMapStatus } from "../../src-shared/port-map.ts";
import { usualPlace } from "../../src-shared/port-map.ts";
import { useAsked } from "../state/use-asked.ts";
import { actLater, useLeaving } from "../state/use-later.ts";
import { useTask } from "../state/use-panel.ts";
import { useRoving } from "../state/use-roving.ts";
import { useWords } from "../words/use-words.ts";
import { Card } from "./card.tsx";
import { Form } from "./form.tsx";
import { ErrorLine, Remark } from "./notices.tsx";

export function PortMapsCard() {
  const { say } = useWords();
  const { value, error, read } = useAsked("portmaps", async (client) => {
    const { portMaps } = await client.call("portmaps.list", {});
    return portMaps;
  });
  const isLeaving = useLeaving();
  const { list, onKeyDown } = useRoving<HTMLUListElement>(".route-gateway");
  const leavingKey = ({ id }: PortMapStatus) => `port ${id}`;
  return (
    <Card title={say("ports.title")} hint={say("ports.hint")}>
      <ErrorLine error={error} />
      {value !== null && value.length > 0 && (
        <ul className="own-routes" aria-label={say("ports.list")} ref={list} onKeyDown={onKeyDown}>
          {value.map((map) => (
            <Line
              key={map.id}
              map={map}
              isLeaving={isLeaving(leavingKey(map))}
              onRemove={() =>
                actLater({
                  key: leavingKey(map),
                  text: say("ports.closed", { listen: map.listen }),
                  run: (client) => client.call("portmaps.remove", { id: map.id }),
                })
              }
            />
          ))}
        </ul>
      )}
      <Open onOpened={read} />
    </Card>
  );
}

interface LineProps {
  readonly map: PortMapStatus;
  /** About to be closed. */
  readonly isLeaving: boolean;
  readonly onRemove: () => void;
}

function Line({ map: { protocol, listen, target, problem }, isLeaving, onRemove }: LineProps) {
  const { say, line } = useWords();
  return (
    <li className={isLeaving ? "route-gateway leaving" : "route-gateway"}>
      <span className="tag">{protocol.toUpperCase()}</span>
      <span className="mono">{listen}</span>
      <span aria-hidden="true">→</span>
      <span className="mono">{target}</span>
      <Button
        size="compact-sm"
        variant="subtle"
        color="red"
        disabled={isLeaving}
        onClick={onRemove}
        aria-label={say("ports.close.what", { listen })}
      >
        {say("ports.close")}
      </Button>
      {problem !== null && <Remark>{line(problem)}</Remark>}
    </li>
  );
}

function Open({ onOpened }: { readonly onOpened: () => void }) {
  const { say } = useWords();
  const [protocol, setProtocol] = useState<PortMap["protocol"]>("tcp");
  const [listen, setListen] = useState("");
  const [target, setTarget] = useState("");
  const add = useTask((client, map: PortMap) => client.call("portmaps.add", map));
  const here = usualPlace(listen.trim());
  const there = /^\d+$/.test(target.trim()) ? null : usualPlace(target.trim());
  const submit = async () => {
    if (here === null || there === null) return;
    if ((await add.run({ protocol, listen: here, target: there })) === null) return;
    setListen("");
    setTarget("");
    onOpened();
  };
  return (
    <Form className="route-form" onSubmit={() => void submit()}>
      <div className="invite-form">
        <TextInput
          label={say("ports.listen")}
          placeholder={say("ports.listen.hint")}
          value={listen}
          onChange={(event) => setListen(event.currentTarget.value)}
          error={listen.trim() !== "" && here === null && say("ports.listen.wrong")}
          maxLength={64}
        />
        <TextInput
          label={say("ports.target")}
          placeholder={say("ports.target.hint")}
          value={target}
          onChange={(event) => setTarget(event.currentTarget.value)}
          error={target.trim() !== "" && there === null && say("ports.target.wrong")}
          maxLength={64}
        />
        <Button type="submit" variant="light" loading={add.busy} disabled={here === null || there === null}>
          {say("ports.open")}
        </Button>
      </div>
      <SegmentedControl
        aria-label={say("ports.protocol")}
        value={protocol}
        onChange={(value) => setProtocol(value === "udp" ? "udp" : "tcp")}
        data={[
          { value: "tcp", label: "TCP" },
          { value: "udp", label: "UDP" },
        ]}
      />
      <ErrorLine error={add.error} />
    </Form>
  );
}
