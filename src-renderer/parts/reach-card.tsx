/** How this machine makes itself reachable: port mapping, LAN discovery, which interface and addresses. */

import { Button, Select, Switch, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useEffect, useState } from "react";
import type { SettingsChange, SettingsStatus } from "../../src-shared/settings.ts";
import { settingsChange } from "../../src-shared/settings.ts";
import { transportNames, transports } from "../../src-shared/status.ts";
import { usePanel, useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import { Card } from "./card.tsx";
import { Form } from "./form.tsx";
import { ErrorLine } from "./notices.tsx";

export function ReachCard() {
  const { say } = useWords();
  const [read, setRead] = useState<SettingsStatus | null>(null);
  const [declared, setDeclared] = useState<string | null>(null);
  const [proxy, setProxy] = useState<string | null>(null);
  const [isWrong, setWrong] = useState(false);
  const [isNoProxy, setNoProxy] = useState(false);
  const isOpen = usePanel((state) => state.connection.kind === "open");
  const change = useTask(async (client, input: SettingsChange) => {
    setRead(await client.call("settings.change", input));
    notifications.show({ message: say("reach.done") });
    return true;
  });
  const { run } = useTask(async (client, _input: null) => setRead(await client.call("settings.read", {})));
  useEffect(() => {
    if (isOpen) void run(null);
  }, [isOpen, run]);
  if (read === null) return null;
  const { settings, interfaces } = read;
  const written = declared ?? settings.declared.join(", ");
  return (
    <Card title={say("reach.title")} hint={say("reach.hint")}>
      <ErrorLine error={change.error} />
      <Switch
        label={say("reach.mapping")}
        description={say("reach.mapping.hint")}
        checked={settings.portMapping}
        disabled={change.busy}
        onChange={(event) => void change.run({ portMapping: event.currentTarget.checked })}
      />
      <Switch
        label={say("reach.discovery")}
        description={say("reach.discovery.hint")}
        checked={settings.lanDiscovery}
        disabled={change.busy}
        onChange={(event) => void change.run({ lanDiscovery: event.currentTarget.checked })}
      />
      <Select
        className="reach-field"
        label={say("reach.transport")}
        description={say("reach.transport.hint")}
        data={[
          { value: "", label: say("reach.transport.auto") },
          ...transports.map((value) => ({ value, label: transportNames[value] })),
        ]}
        value={settings.transport ?? ""}
        onChange={(value) =>
          value !== null && void change.run({ transport: transports.find((each) => each === value) ?? null })
        }
        allowDeselect={false}
        disabled={change.busy}
      />
      <Select
        className="reach-field"
        label={say("reach.bind")}
        description={say("reach.bind.hint")}
        data={[
          { value: "", label: say("reach.bind.all") },
          ...interfaces.flatMap(({ name, addresses }) =>
            [name, ...addresses].map((value) => ({
              value,
              label: value === name ? `${name} (${addresses.join(", ")})` : value,
            })),
          ),
        ]}
        value={settings.bind ?? ""}
        onChange={(value) => value !== null && void change.run({ bind: value === "" ? null : value })}
        allowDeselect={false}
        disabled={change.busy}
      />
      <Form
        className="line-form"
        onSubmit={() => {
          const hosts = written.split(",").map((each) => each.trim());
          const input = settingsChange.safeParse({ declared: hosts.filter((each) => each !== "") });
          setWrong(!input.success);
          if (input.success) void change.run(input.data).then((done) => done !== null && setDeclared(null));
        }}
      >
        <TextInput
          label={say("reach.declared")}
          description={say("reach.declared.hint")}
          value={written}
          error={isWrong && say("reach.declared.wrong")}
          onChange={(event) => setDeclared(event.currentTarget.value)}
        />
        <Button
          type="submit"
          variant="default"
          disabled={declared === null || change.busy}
          aria-label={say("reach.declared.apply")}
        >
          {say("router.apply")}
        </Button>
      </Form>
      <Form
        className="line-form"
        onSubmit={() => {
          const text = proxy?.trim() ?? "";
          const input = settingsChange.safeParse({ proxy: text === "" ? null : text });
          setNoProxy(!input.success);
          if (input.success) void change.run(input.data).then((done) => done !== null && setProxy(null));
        }}
      >
        <TextInput
          label={say("reach.proxy")}
          description={say("reach.proxy.hint")}
          value={proxy ?? settings.proxy ?? ""}
          error={isNoProxy && say("reach.proxy.wrong")}
          onChange={(event) => setProxy(event.currentTarget.value)}
        />
        <Button
          type="submit"
          variant="default"
          disabled={proxy === null || change.busy}
          aria-label={say("reach.proxy.apply")}
        >
          {say("router.apply")}
        </Button>
      </Form>
    </Card>
  );
}
