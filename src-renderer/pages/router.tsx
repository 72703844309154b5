/** This machine as a router: one switch, and what it is good for. */

import { Button, Switch, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconRefresh, IconTopologyStar3 } from "@tabler/icons-react";
import { useId, useState } from "react";
import type { InputOf } from "../../src-shared/api/contract.ts";
import { joinHostPort, splitHostPort } from "../../src-shared/ids.ts";
import type { RouterStatus } from "../../src-shared/status.ts";
import { Card, Fact, Facts } from "../parts/card.tsx";
import { CopyText } from "../parts/copy-text.tsx";
import { Form } from "../parts/form.tsx";
import { Empty, ErrorLine, Remark, Warning } from "../parts/notices.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { PlanesCard } from "../parts/planes-card.tsx";
import { RouterCheckCard } from "../parts/router-check-card.tsx";
import { TransportsCard } from "../parts/transports-card.tsx";
import { formatRoute } from "../state/route.ts";
import { actLater, useLeaving } from "../state/use-later.ts";
import { useStatus, useTask } from "../state/use-panel.ts";
import { nothing } from "../words/format.ts";
import { useWords } from "../words/use-words.ts";

export function RouterPage() {
  const { say, format } = useWords();
  const { router, networks } = useStatus();
  const [edited, setEdited] = useState<Settings | null>(null);
  const settings = edited ?? settingsOf(router);
  const hintId = useId();
  const start = useTask((client, input: InputOf<"router.start">) => client.call("router.start", input));
  const stop = useTask((client, _input: null) => client.call("router.stop", {}));
  // What nobody edited is left to the engine, which remembers it.
  const apply = async () => {
    if ((await start.run(edited === null ? {} : inputOf(edited, router))) !== null) setEdited(null);
  };
  const flip = (on: boolean) => {
    if (on) return void apply();
    const hosted = router.networks.map((network) => network.name);
    void stop.run(null).then((stopped) => {
      if (stopped === null || hosted.length === 0) return;
      notifications.show({
        message: say("router.stopped", { networks: format.list(hosted) }),
        autoClose: 9000,
      });
    });
  };
  return (
    <div className="page">
      <PageHead title={say("nav.router")} />
      <Card>
        <div className="router-switch">
          <Switch
            size="lg"
            checked={router.on}
            disabled={start.busy || stop.busy}
            onChange={(event) => flip(event.currentTarget.checked)}
            label={say("router.act")}
            aria-describedby={hintId}
          />
          <p className="hint" id={hintId}>
            {say("router.hint")}
          </p>
        </div>
        {router.on ? <RunningFacts router={router} /> : null}
        <ErrorLine error={start.error ?? stop.error} />
        {router.lanOnly && <Warning>{say("router.lanOnly")}</Warning>}
        {router.admits.length > 0 && (
          <Remark>{say("router.admits", { networks: format.list(router.admits) })}</Remark>
        )}
      </Card>
      <SettingsCard
        on={router.on}
        busy={start.busy}
        settings={settings}
        fixed={router.file?.fixed ?? []}
        onChange={setEdited}
        onApply={() => void apply()}
      />
      {router.on && <RouterCheckCard />}
      {router.on && <TransportsCard router={router} />}
      {router.on && <PlanesCard router={router} />}
      {router.on && <LinkCard router={router} />}
      {router.on && <HostedCard router={router} own={networks.map((network) => network.id)} />}
    </div>
  );
}

function RunningFacts({ router }: { readonly router: RouterStatus }) {
  const { say, format } = useWords();
  const port = router.listen === null ? null : (splitHostPort(router.listen)?.port ?? null);
  return (
    <Facts>
      <Fact name={say("router.port")}>
        {port === null ? (
          nothing
        ) : (
          <>
            <span className="mono">{port}</span> <span className="quiet">TCP + UDP</span>
          </>
        )}
      </Fact>
      <Fact name={say("router.addresses")} wide>
        {router.publicAddresses.map((address) => (
          <CopyText key={address} text={address} what={say("address")} />
        ))}
      </Fact>
      <Fact name={say("router.relayed")}>{format.bytes(router.relayedBytes)}</Fact>
    </Facts>
  );
}

interface Settings {
  readonly port: string;
  readonly hosts: string;
}

interface SettingsCardProps {
  readonly on: boolean;
  readonly busy: boolean;
  readonly settings: Settings;
  /** What the router's file sets. */
  readonly fixed: readonly string[];
  readonly onChange: (settings: Settings) => void;
  readonly onApply: () => void;
}

function SettingsCard({ on, busy, settings, fixed, onChange, onApply }: SettingsCardProps) {
  const { say } = useWords();
  const portIsWrong =
    !/^\d{1,5}$/.test(settings.port) || Number(settings.port) < 1 || Number(settings.port) > 65_535;
  return (
    <Card title={say("router.settings")}>
      <Form
        className="router-form"
        onSubmit={() => {
          if (!portIsWrong) onApply();
        }}
      >
        <TextInput
          label={say("router.port")}
          inputMode="numeric"
          disabled={fixed.includes("listen")}
          value={settings.port}
          error={portIsWrong ? say("router.port.rule") : undefined}
          onChange={(event) => onChange({ ...settings, port: event.currentTarget.value.trim() })}
        />
        <TextInput
          label={say("router.public")}
          description={say("router.public.hint")}
          placeholder="203.0.113.5"
          disabled={fixed.includes("public")}
          value={settings.hosts}
          onChange={(event) => onChange({ ...settings, hosts: event.currentTarget.value })}
        />
        <Button type="submit" variant="light" loading={busy} disabled={portIsWrong}>
          {say(on ? "router.apply" : "router.start")}
        </Button>
      </Form>
    </Card>
  );
}

function LinkCard({ router }: { readonly router: RouterStatus }) {
  const { say } = useWords();
  const isLeaving = useLeaving()(renewKey);
  if (router.link === null) return null;
  return (
    <Card
      title={say("router.link")}
      hint={say("router.link.hint")}
      aside={
        <Button
          variant="default"
          size="xs"
          leftSection={<IconRefresh size={15} aria-hidden="true" />}
          disabled={isLeaving}
          onClick={() =>
            actLater({
              key: renewKey,
              text: say("router.newToken.done"),
              run: (client) => client.call("router.newToken", {}),
            })
          }
        >
          {say("router.newToken")}
        </Button>
      }
    >
      <div className={isLeaving ? "long-line leaving" : "long-line"}>
        <CopyText text={router.link} what={say("router.link")} />
      </div>
    </Card>
  );
}

interface HostedCardProps {
  readonly router: RouterStatus;
  /** Ids of networks that this machine belongs to. */
  readonly own: readonly string[];
}

function HostedCard({ router, own }: HostedCardProps) {
  const { say, format } = useWords();
  return (
    <Card title={say("router.hosted")} flush>
      {router.networks.length === 0 ? (
        <Empty icon={<IconTopologyStar3 size={28} />} title={say("router.hosted.none")} />
      ) : (
        <ul className="members" aria-label={say("router.hosted")}>
          {router.networks.map((network) => (
            <li key={network.id} className="member">
              <span className="dot dot-connected" aria-hidden="true" />
              <span className="member-name">
                {own.includes(network.id) ? (
                  <a href={formatRoute({ page: "network", network: network.id })}>{network.name}</a>
                ) : (
                  network.name
                )}
              </span>
              <span className="quiet">
                {say("router.hosted.online", {
                  online: format.number(network.online),
                  members: format.number(network.members),
                })}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function settingsOf(router: RouterStatus): Settings {
  const hosts = router.lanOnly
    ? []
    : router.publicAddresses.map((address) => splitHostPort(address)?.host ?? address);
  return {
    port: String((router.listen === null ? null : splitHostPort(router.listen)?.port) ?? defaultPort),
    hosts: hosts.join(", "),
  };
}

/** Only what differs from what runs: an unchanged port keeps the engine's own choice of addresses to listen on. */
function inputOf({ port, hosts }: Settings, router: RouterStatus): InputOf<"router.start"> {
  const host = (router.listen === null ? null : splitHostPort(router.listen)?.host) ?? "0.0.0.0";
  const isFixed = router.file?.fixed.includes("public") ?? false;
  return {
    ...(port === settingsOf(router).port ? {} : { listen: joinHostPort(host, Number(port)) }),
    ...(isFixed ? {} : { public: hosts.split(/[\s,]+/).filter(Boolean) }),
  };
}

const defaultPort = 7743;
const renewKey = "router link";
