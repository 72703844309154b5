/** What other rules would do: who loses and gains what. */
import type { PolicyPlan } from "../../src-shared/policy-status.ts";
import { useWords } from "../words/use-words.ts";
import type { Words } from "../words/words.ts";
import { Remark, Warning } from "./notices.tsx";

export function PlanView({ plan }: { readonly plan: PolicyPlan }) {
  const words = useWords();
  const { say } = words;
  const { changes, more, cutsOff, unbound } = plan;
  return (
    <div className="plan">
      {cutsOff.length > 0 && <Warning>{say("rules.cutsOff", { names: listOf(cutsOff, words) })}</Warning>}
      {unbound.length > 0 && <Remark>{say("rules.unbound", { names: listOf(unbound, words) })}</Remark>}
      {changes.length === 0 ? (
        <p className="quiet">{say("rules.same")}</p>
      ) : (
        <ul className="plan-changes" aria-label={say("rules.changes")}>
          {changes.map((change) => {
            const { lost, gained } = change;
            const ends = { from: listOf(change.from, words), to: listOf(change.to, words) };
            const key = JSON.stringify(change);
            return (
              <li key={key}>
                {lost.length > 0 && (
                  <span className="plan-lost">
                    {say("rules.lost", { ...ends, services: servicesOf(lost, words) })}
                  </span>
                )}
                {gained.length > 0 && (
                  <span className="plan-gained">
                    {say("rules.gained", { ...ends, services: servicesOf(gained, words) })}
                  </span>
                )}
              </li>
            );
          })}
        </ul>
      )}
      {more > 0 && <p className="quiet">{say("rules.more", { count: more })}</p>}
    </div>
  );
}

/** Names as a sentence says them; of many the first few. */
function listOf(names: readonly string[], { say, format }: Words): string {
  if (names.length <= mostNames) return format.list(names);
  const shown = names.slice(0, mostNames - 1);
  return say("rules.others", { names: shown.join(say("rules.comma")), count: names.length - shown.length });
}

function servicesOf(services: readonly string[], { say, format }: Words): string {
  return format.list(
    services.map((service) =>
      service === "any"
        ? say("rules.service.any")
        : service === "other protocols"
          ? say("rules.service.others")
          : service,
    ),
  );
}

const mostNames = 5;
