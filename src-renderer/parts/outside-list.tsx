/** Programs of this machine that go to the internet past the exit. */
import { Button } from "@mantine/core";
import type { ExitStatus } from "../../src-shared/exit.ts";
import { useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import { ErrorLine } from "./notices.tsx";

export interface OutsideListProps {
  readonly programs: ExitStatus["outside"];
  /** Through whom everything else goes. */
  readonly member: string;
  readonly onChanged: () => void;
}

export function OutsideList({ programs, member, onChanged }: OutsideListProps) {
  const { say } = useWords();
  const recall = useTask((client, process: number) => client.call("exit.recall", { process }));
  if (programs.length === 0) return null;
  return (
    <div>
      <span id="exit-outside">{say("exit.outside")}</span>
      <ErrorLine error={recall.error} />
      <ul className="own-routes" aria-labelledby="exit-outside">
        {programs.map(({ process, program }) => (
          <li key={process} className="route-gateway">
            <span className="mono">{program}</span>
            <span className="quiet">{process}</span>
            <Button
              size="compact-sm"
              variant="subtle"
              disabled={recall.busy}
              onClick={() => void recall.run(process).then((answer) => answer !== null && onChanged())}
              aria-label={say("exit.outside.back.what", { program, member })}
            >
              {say("exit.outside.back", { member })}
            </Button>
          </li>
        ))}
      </ul>
      <p className="quiet">{say("exit.outside.hint", { member })}</p>
    </div>
  );
}
