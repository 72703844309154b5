/** Whether others reach this router: members elsewhere try its ports on demand. */
import { Button } from "@mantine/core";
import { useState } from "react";
import type { RouterReachStatus } from "../../src-shared/router-status.ts";
import { transportNames } from "../../src-shared/status.ts";
import { useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import { Card, Fact, Facts } from "./card.tsx";
import { Findings } from "./findings.tsx";
import { ErrorLine } from "./notices.tsx";

export function RouterCheckCard() {
  const { say } = useWords();
  const [found, setFound] = useState<RouterReachStatus | null>(null);
  const check = useTask((client, _input: null) => client.call("router.check", {}));
  return (
    <Card
      title={say("router.check")}
      hint={say("router.check.hint")}
      aside={
        <Button
          variant="light"
          size="xs"
          loading={check.busy}
          onClick={() => void check.run(null).then((result) => result !== null && setFound(result))}
        >
          {say(found === null ? "router.check.run" : "router.check.again")}
        </Button>
      }
    >
      <ErrorLine error={check.error} />
      {found === null ? (
        <p className="quiet">{say(check.busy ? "router.check.busy" : "router.check.idle")}</p>
      ) : (
        <div role="status">
          <Findings findings={found.findings} />
          {found.doors.length > 0 && <Doors found={found} />}
        </div>
      )}
    </Card>
  );
}

/** What each port carries, and from where it was tried. */
function Doors({ found: { doors, asked } }: { readonly found: RouterReachStatus }) {
  const { say, format } = useWords();
  return (
    <details className="details">
      <summary>{say("router.check.details")}</summary>
      <Facts>
        {doors.map(({ protocol, address, transports }) => (
          <Fact key={`${protocol} ${address}`} name={`${protocol === "udp" ? "UDP" : "TCP"} ${address}`}>
            {format.list([
              ...(protocol === "https" ? [say("router.check.control")] : []),
              ...transports.map((each) => transportNames[each]),
            ])}
          </Fact>
        ))}
        <Fact name={say("router.check.asked")}>
          {asked.map(({ name, from }) => (
            <span key={`${name} ${from}`} className="fact-line">
              {name} <span className="mono quiet">{from}</span>
            </span>
          ))}
        </Fact>
      </Facts>
    </details>
  );
}
