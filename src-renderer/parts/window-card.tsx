/** The desktop app's own settings: when it starts, what it tells, how it is kept up to date. */
import { Button, Switch } from "@mantine/core";
import type { Shell, ShellStatus } from "../../src-shared/api/bridge.ts";
import { useTask } from "../state/use-panel.ts";
import { changeShell, useShell } from "../state/use-shell.ts";
import { useWords } from "../words/use-words.ts";
import { Card, Fact, Facts } from "./card.tsx";
import { ReleaseNotes } from "./release-notes.tsx";

export function WindowCard() {
  const { say, format } = useWords();
  const here = useShell();
  if (here === null) return null;
  const { shell, status } = here;
  const { versions, startAtLogin, listed, notifications, updates, tray, crashes } = status;
  return (
    <Card title={say("window.title")} hint={say(tray ? "window.hint" : "window.hint.noTray")}>
      <Switch
        checked={startAtLogin === true}
        disabled={startAtLogin === null}
        onChange={(event) => void changeShell({ startAtLogin: event.currentTarget.checked })}
        label={say("window.login")}
        description={say(startAtLogin === null ? "window.login.none" : "window.login.hint")}
      />
      {listed !== null && (
        <Switch
          checked={listed}
          onChange={(event) => void changeShell({ listed: event.currentTarget.checked })}
          label={say("window.listed")}
          description={say("window.listed.hint")}
        />
      )}
      <Switch
        checked={notifications}
        onChange={(event) => void changeShell({ notifications: event.currentTarget.checked })}
        label={say("window.notifications")}
        description={say("window.notifications.hint")}
      />
      <Updates shell={shell} updates={updates} />
      <Facts>
        <Fact name={say("window.versions")} wide>
          Starmesh {versions.app} · Electron {versions.electron} · Chromium {versions.chromium}
        </Fact>
        <Fact name={say("window.crashes")}>
          {format.number(crashes)}{" "}
          {crashes > 0 && (
            <Button size="compact-sm" variant="subtle" onClick={() => void shell.openFolder("crashes")}>
              {say("log.folder")}
            </Button>
          )}
        </Fact>
      </Facts>
    </Card>
  );
}

function Updates({ shell, updates }: { readonly shell: Shell; readonly updates: ShellStatus["updates"] }) {
  const { say } = useWords();
  const { state, automatic } = updates;
  const ask = useTask((_client, deed: "check" | "install") =>
    deed === "check" ? shell.checkForUpdate() : shell.installUpdate(),
  );
  if (state.kind === "none") return <p className="hint">{say(`window.update.${state.why}`)}</p>;
  const deed = state.kind === "found" || state.kind === "ready" ? "install" : "check";
  return (
    <>
      <Switch
        checked={automatic}
        onChange={(event) => void changeShell({ automaticUpdates: event.currentTarget.checked })}
        label={say("window.update.automatic")}
        description={say("window.update.automatic.hint")}
      />
      <div className="setting">
        <p className="hint" role="status">
          <UpdateLine state={state} />
        </p>
        <Button
          variant={deed === "install" ? "filled" : "default"}
          loading={ask.busy || state.kind === "checking" || state.kind === "loading"}
          onClick={() => void ask.run(deed)}
        >
          {say(state.kind === "ready" ? "window.update.restart" : `window.update.${deed}`)}
        </Button>
      </div>
      {"notes" in state && state.notes !== null && (
        <ReleaseNotes version={state.version} notes={state.notes} />
      )}
    </>
  );
}

function UpdateLine({ state }: { readonly state: ShellStatus["updates"]["state"] }) {
  const { say, format, line } = useWords();
  switch (state.kind) {
    case "none":
      return null;
    case "current":
      return state.checkedAt === null
        ? say("window.update.unasked")
        : say("window.update.current", { when: format.dateTime(state.checkedAt) });
    case "checking":
      return say("window.update.checking");
    case "found":
      return say("window.update.found", { version: state.version });
    case "loading":
      return say("window.update.loading", {
        version: state.version,
        percent: format.percent(state.percent),
      });
    case "ready":
      return say("window.update.ready", { version: state.version });
    case "failed":
      return say("window.update.failed", { detail: line(state.detail) });
  }
}
