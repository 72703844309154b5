/** What stands here while the engine has not answered, or will not. */
import { Button, Code, Loader, Stack } from "@mantine/core";
import { useState } from "react";
import type { Shell } from "../../src-shared/api/bridge.ts";
import { CopyButton } from "../parts/copy-text.tsx";
import { Logo } from "../parts/logo.tsx";
import type { Connection } from "../state/panel.ts";
import { useShell } from "../state/use-shell.ts";
import { useWords } from "../words/use-words.ts";

interface UnreachedProps {
  readonly connection: Connection;
  readonly retry: () => void;
}

export function UnreachedPage({ connection, retry }: UnreachedProps) {
  return (
    <main className="unreached">
      <Logo size={72} />
      <Stack gap="sm" align="center">
        <Reason connection={connection} retry={retry} />
      </Stack>
    </main>
  );
}

function Reason({ connection, retry }: UnreachedProps) {
  const { say, explain } = useWords();
  switch (connection.kind) {
    case "opening":
    case "open":
      return <Loader type="dots" aria-label={say("opening")} />;
    case "lost":
      return (
        <>
          <h1>{say("unreached.title")}</h1>
          {window.starmesh?.shell === undefined ? (
            <>
              <p>{say("unreached.text")}</p>
              <Command text="starmesh up" />
              <Button variant="light" onClick={retry}>
                {say("lost.retry")}
              </Button>
            </>
          ) : (
            <StartEngine shell={window.starmesh.shell} retry={retry} />
          )}
        </>
      );
    case "refused": {
      const { code } = connection.error;
      const wantsLink = code === "panel-unauthorized" || code === "panel-link-spent";
      if (!wantsLink) {
        return (
          <>
            <h1>{say("refused.title")}</h1>
            <p role="alert">{explain(connection.error)}</p>
            <Button variant="light" onClick={() => window.location.reload()}>
              {say("refused.reload")}
            </Button>
          </>
        );
      }
      return (
        <>
          <h1>{say("login.title")}</h1>
          {code === "panel-link-spent" && <p role="alert">{say("login.spent")}</p>}
          <p>{say("login.text")}</p>
          <Command text="starmesh panel" />
          <p className="quiet">{say("login.why")}</p>
        </>
      );
    }
  }
}

/** In the window nobody needs a command. */
function StartEngine({ shell, retry }: { readonly shell: Shell; readonly retry: () => void }) {
  const { say, line } = useWords();
  const [busy, setBusy] = useState(false);
  const why = useShell()?.status.engine.why ?? null;
  const start = async () => {
    setBusy(true);
    await shell.startEngine();
    setBusy(false);
    retry();
  };
  return (
    <>
      <p>{say("unreached.stopped")}</p>
      {why !== null && <p role="alert">{line(why)}</p>}
      <Button size="md" loading={busy} onClick={() => void start()}>
        {say("unreached.start")}
      </Button>
    </>
  );
}

function Command({ text }: { readonly text: string }) {
  const { say } = useWords();
  return (
    <span className="copy-text command">
      <Code className="command-text">{text}</Code>
      <CopyButton text={text} what={say("command")} />
    </span>
  );
}
