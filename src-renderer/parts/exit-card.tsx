/** The way to the internet through a member: which one, what acts now, and what happens while it is silent. */
import { NativeSelect, SegmentedControl, Switch } from "@mantine/core";
import { useRef } from "react";
import type { InputOf } from "../../src-shared/api/contract.ts";
import type { ExitStatus } from "../../src-shared/exit.ts";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { exitChoices } from "../state/exit-choices.ts";
import { useAsked } from "../state/use-asked.ts";
import { useStatus, useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import { Card } from "./card.tsx";
import { ErrorLine, Remark, Warning } from "./notices.tsx";
import { OutsideList } from "./outside-list.tsx";

export function ExitCard({ network }: { readonly network: NetworkStatus }) {
  const { say } = useWords();
  const asked = useAsked("exit", (client) => client.call("exit.read", {}));
  const set = useTask((client, input: InputOf<"exit.set">) => client.call("exit.set", input));
  const { value: exit, error, read } = asked;
  const offers = exit?.offers.filter((each) => each.network === network.name) ?? [];
  const chosen = exit?.chosen?.network === network.name ? exit.chosen : null;
  const change = (input: InputOf<"exit.set">) =>
    void set.run(input).then((answer) => answer !== null && read());
  const members = [...offers.map(({ member }) => member), ...(chosen === null ? [] : [chosen.member])];
  const choices = useChoices(network, members);
  return (
    <Card title={say("exit.title")} hint={say("exit.hint")}>
      <ErrorLine error={error ?? set.error} />
      {exit !== null && members.length === 0 && <Remark>{say("exit.none")}</Remark>}
      {exit !== null && members.length > 0 && (
        <div className="route-form">
          <NativeSelect
            label={say("exit.through")}
            value={chosen?.member ?? ""}
            disabled={set.busy}
            onChange={(event) => {
              const member = event.currentTarget.value;
              change(member === "" ? { member: null } : { ...chosen, network: network.id, member });
            }}
            data={[{ value: "", label: say("exit.nobody") }, ...choices]}
          />
          {chosen !== null && <Acting exit={exit} member={chosen.member} />}
          {chosen !== null && (
            <>
              <div className="rules-default">
                <span id="exit-silent">{say("exit.silent")}</span>
                <SegmentedControl
                  aria-labelledby="exit-silent"
                  value={chosen.killSwitch}
                  disabled={set.busy}
                  onChange={(value) =>
                    change({
                      ...chosen,
                      network: network.id,
                      killSwitch: value === "strict" ? "strict" : "convenient",
                    })
                  }
                  data={[
                    { value: "convenient", label: say("exit.convenient") },
                    { value: "strict", label: say("exit.strict") },
                  ]}
                />
              </div>
              <Switch
                checked={chosen.lan}
                disabled={set.busy}
                onChange={(event) =>
                  change({ ...chosen, network: network.id, lan: event.currentTarget.checked })
                }
                label={say("exit.lan")}
              />
              <OutsideList programs={exit.outside} member={chosen.member} onChanged={read} />
            </>
          )}
        </div>
      )}
    </Card>
  );
}

/** Each member with its latency as it was when the offers were read: a list that is open does not move under the pointer. */
function useChoices(network: NetworkStatus, members: readonly string[]) {
  const { say, format } = useWords();
  const peers = useStatus().peers.filter((peer) => peer.network === network.name);
  const held = useRef({ names: "", choices: exitChoices([], []) });
  const names = members.join();
  if (held.current.names !== names) held.current = { names, choices: exitChoices(members, peers) };
  const { choices } = held.current;
  return choices.map(({ member, latencyMs }, at) => {
    const latency = format.latency(latencyMs);
    if (latencyMs === null) return { value: member, label: member };
    const isNearest = at === 0 && choices.length > 1;
    const label = isNearest ? say("exit.nearest", { member, latency }) : `${member} · ${latency}`;
    return { value: member, label };
  });
}

function Acting({ exit, member }: { readonly exit: ExitStatus; readonly member: string }) {
  const { say, line } = useWords();
  switch (exit.state) {
    case "active":
      return <p className="quiet">{say("exit.state.active", { member })}</p>;
    case "ordinary":
      return <Warning>{say("exit.state.ordinary", { member })}</Warning>;
    case "blocked":
      return <Warning>{say("exit.state.blocked", { member })}</Warning>;
    case "failed":
      return <Warning>{exit.reason === null ? say("exit.state.failed") : line(exit.reason)}</Warning>;
    case "off":
      return null;
  }
}
