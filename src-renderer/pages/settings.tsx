/** Language, colours, a look at this machine's network, and what runs here. */
import type { MantineColorScheme } from "@mantine/core";
import { Button, SegmentedControl, useMantineColorScheme } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import { useStore } from "zustand";
import { Card, Fact, Facts } from "../parts/card.tsx";
import { Confirm } from "../parts/confirm.tsx";
import { CopyText } from "../parts/copy-text.tsx";
import { showKeys } from "../parts/keys.tsx";
import { ErrorLine } from "../parts/notices.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { ReachCard } from "../parts/reach-card.tsx";
import { WindowCard } from "../parts/window-card.tsx";
import { formatRoute } from "../state/route.ts";
import { asAppError, usePanel, useStatus, useTask } from "../state/use-panel.ts";
import { nothing } from "../words/format.ts";
import type { LanguageChoice } from "../words/preferences.ts";
import { chooseLanguage, preferences } from "../words/preferences.ts";
import { useWords } from "../words/use-words.ts";

export function SettingsPage() {
  const { say } = useWords();
  return (
    <div className="page">
      <PageHead
        title={say("nav.settings")}
        aside={
          <Button component="a" variant="default" href={formatRoute({ page: "diagnostics" })}>
            {say("nav.diagnostics")}
          </Button>
        }
      />
      <LookCard />
      <WindowCard />
      <ReachCard />
      <AboutCard />
      <EndCard />
    </div>
  );
}

function LookCard() {
  const { say } = useWords();
  const language = useStore(preferences, (state) => state.language);
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const languages: { value: LanguageChoice; label: string }[] = [
    { value: "system", label: say("settings.system") },
    // Each language is written in itself, for whoever cannot read the present one.
    { value: "en", label: "English" },
    { value: "zh-CN", label: "简体中文" },
  ];
  const schemes: { value: MantineColorScheme; label: string }[] = [
    { value: "auto", label: say("settings.system") },
    { value: "light", label: say("settings.light") },
    { value: "dark", label: say("settings.dark") },
  ];
  return (
    <Card>
      <div className="setting">
        <span className="field-label" id="setting-language">
          {say("settings.language")}
        </span>
        <SegmentedControl
          data={languages}
          value={language}
          onChange={(value) => chooseLanguage(value)}
          aria-labelledby="setting-language"
        />
      </div>
      <div className="setting">
        <span className="field-label" id="setting-theme">
          {say("settings.theme")}
        </span>
        <SegmentedControl
          data={schemes}
          value={colorScheme}
          onChange={(value) => setColorScheme(value)}
          aria-labelledby="setting-theme"
        />
      </div>
      <div className="setting">
        <span className="field-label">{say("keys.title")}</span>
        <Button variant="default" onClick={showKeys}>
          {say("keys.show")}
        </Button>
      </div>
    </Card>
  );
}

function AboutCard() {
  const { say, format } = useWords();
  const { node, refused } = useStatus();
  const now = usePanel((state) => state.heardAt);
  const total = Object.values(refused).reduce((sum, count) => sum + count, 0);
  return (
    <Card title={say("about.title")}>
      <Facts>
        <Fact name={say("about.version")}>Starmesh {node.version}</Fact>
        <Fact name={say("about.node")}>{node.name}</Fact>
        <Fact name={say("about.started")}>
          <span title={format.dateTime(node.startedAt)}>{format.relative(node.startedAt, now)}</span>
        </Fact>
        <Fact name={say("about.rights")}>{say(`about.rights.${node.rights.kind}`)}</Fact>
        <Fact name={say("about.port")}>{node.port === null ? nothing : String(node.port)}</Fact>
        <Fact name={say("about.seenAs")}>
          <span className="mono">{node.reflexive ?? nothing}</span>
        </Fact>
        <Fact name={say("about.key")}>
          <CopyText text={node.publicKey} what={say("about.key")} shown={`${node.publicKey.slice(0, 10)}…`} />
        </Fact>
        <Fact name={say("about.refused")}>
          <span
            title={Object.entries(refused)
              .map(([cause, count]) => `${cause}: ${count}`)
              .join("\n")}
          >
            {format.number(total)}
          </span>
        </Fact>
      </Facts>
    </Card>
  );
}

function EndCard() {
  const { say } = useWords();
  const [stopping, setStopping] = useState(false);
  const stop = useTask((client, _input: null) => client.call("engine.stop", {}).catch(unlessGone));
  const revoke = useTask(async (client, _input: null) => {
    await client.call("panel.revoke", {}).catch(unlessGone);
    notifications.show({ message: say("revoke.done") });
    return true;
  });
  return (
    <Card title={say("end.title")}>
      <ErrorLine error={revoke.error ?? stop.error} />
      {window.starmesh === undefined && (
        <div className="setting">
          <p className="hint">{say("revoke.hint")}</p>
          <Button variant="default" loading={revoke.busy} onClick={() => void revoke.run(null)}>
            {say("revoke.action")}
          </Button>
        </div>
      )}
      <div className="setting">
        <p className="hint">{say("stop.hint")}</p>
        <Button variant="default" onClick={() => setStopping(true)}>
          {say("stop.action")}
        </Button>
      </div>
      <Confirm
        opened={stopping}
        title={say("stop.title")}
        action={say("stop.action")}
        busy={stop.busy}
        error={stop.error}
        onClose={() => setStopping(false)}
        onConfirm={() => void stop.run(null).then(() => setStopping(false))}
      >
        {say("stop.text")}
      </Confirm>
    </Card>
  );
}

/** What ends this page's own connection may end it before it has answered: that is what was asked for. */
function unlessGone(error: unknown): null {
  if (asAppError(error).code === "not-running") return null;
  throw error;
}
