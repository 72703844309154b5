/** Says that packets cannot flow here yet, and offers to ask for what is missing. */
import { Button } from "@mantine/core";
import { useStatus, useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import { ErrorLine, Warning } from "./notices.tsx";

/** Nothing where packets can flow. */
export function RightsLine() {
  const { say, line } = useWords();
  const { limited, rights } = useStatus().node;
  const ask = useTask((client, _input: null) => client.call("rights.ask", {}));
  if (limited === null) return null;
  if (!rights.canAsk) return <Warning>{line(limited)}</Warning>;
  return (
    <>
      <Warning
        action={
          <Button size="compact-sm" loading={ask.busy} onClick={() => void ask.run(null)}>
            {say("rights.ask")}
          </Button>
        }
      >
        {say("rights.none")}
      </Warning>
      <ErrorLine error={ask.error} />
    </>
  );
}
