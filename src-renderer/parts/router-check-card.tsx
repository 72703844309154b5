/** Whether others reach this router: members elsewhere try its ports on demand. */
import type { RouterReachStatus } from "../../src-shared/router-status.ts";
import { transportNames } from "../../src-shared/status.ts";
import { useWords } from "../words/use-words.ts";
import { Fact, Facts } from "./card.tsx";
import { CheckCard } from "./check-card.tsx";

export function RouterCheckCard() {
  const { say } = useWords();
  return (
    <CheckCard
      title={say("router.check")}
      hint={say("router.check.hint")}
      idle={say("router.check.idle")}
      busy={say("router.check.busy")}
      check={(client) => client.call("router.check", {})}
      details={(found) =>
        found.doors.length === 0
          ? null
          : { summary: say("router.check.details"), content: <Doors found={found} /> }
      }
    />
  );
}

/** What each port carries, and from where it was tried. */
function Doors({ found: { doors, asked } }: { readonly found: RouterReachStatus }) {
  const { say, format } = useWords();
  return (
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
  );
}
