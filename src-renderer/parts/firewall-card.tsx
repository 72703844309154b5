/** Rules of other programs that would drop what this machine routes, and whether they are added to. */
import { Switch } from "@mantine/core";
import type { FirewallStatus } from "../../src-shared/route-status.ts";
import { useAsked } from "../state/use-asked.ts";
import { useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import { Card } from "./card.tsx";
import { ErrorLine } from "./notices.tsx";

interface FirewallCardProps {
  readonly firewalls: readonly FirewallStatus[];
  readonly onChange: () => void;
}

export function FirewallCard({ firewalls, onChange }: FirewallCardProps) {
  const { say } = useWords();
  const { value, error, read } = useAsked("settings", (client) => client.call("settings.read", {}));
  const set = useTask((client, hostFirewall: boolean) => client.call("settings.change", { hostFirewall }));
  return (
    <Card title={say("firewall.title")} hint={say("firewall.hint")}>
      <ErrorLine error={error ?? set.error} />
      <ul className="firewalls" aria-label={say("firewall.title")}>
        {firewalls.map(({ name, open }) => (
          <li key={name}>
            <span className="mono">{name}</span>
            <span className={`tag tag-route-${open ? "works" : "down"}`}>
              {say(open ? "firewall.open" : "firewall.closed")}
            </span>
          </li>
        ))}
      </ul>
      {value !== null && (
        <Switch
          checked={value.settings.hostFirewall}
          disabled={set.busy}
          onChange={(event) =>
            void set.run(event.currentTarget.checked).then(() => {
              read();
              onChange();
            })
          }
          label={say("firewall.switch")}
          description={say("firewall.switch.hint")}
        />
      )}
    </Card>
  );
}
