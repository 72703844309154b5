/** The way to the internet through a member: which one, what acts now, and what happens while it is silent. */
import { NativeSelect, SegmentedControl, Switch } from "@mantine/core";
import type { InputOf } from "../../src-shared/api/contract.ts";
import type { ExitStatus } from "../../src-shared/exit.ts";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { useAsked } from "../state/use-asked.ts";
import { useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import { Card } from "./card.tsx";
import { ErrorLine, Remark, Warning } from "./notices.tsx";

export function ExitCard({ network }: { readonly network: NetworkStatus }) {
  const { say } = useWords();
  const asked = useAsked("exit", (client) => client.call("exit.read", {}));
  const set = useTask((client, input: InputOf<"exit.set">) => client.call("exit.set", input));
  const { value: exit, error, read } = asked;
  const offers = exit?.offers.filter((each) => each.network === network.name) ?? [];
  const chosen = exit?.chosen?.network === network.name ? exit.chosen : null;
  const change = (input: InputOf<"exit.set">) =>
    void set.run(input).then((answer) => answer !== null && read());
  const members = [
    ...new Set([...offers.map(({ member }) => member), ...(chosen === null ? [] : [chosen.member])]),
  ];
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
            data={[{ value: "", label: say("exit.nobody") }, ...members]}
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
            </>
          )}
        </div>
      )}
    </Card>
  );
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
