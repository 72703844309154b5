/** What a check found, one line each, what matters most first. */
import { IconAlertTriangle, IconCheck, IconInfoCircle } from "@tabler/icons-react";
import type { Finding } from "../../src-shared/finding.ts";
import { useWords } from "../words/use-words.ts";
import type { PlainKey } from "../words/words.ts";

export function Findings({ findings }: { readonly findings: readonly Finding[] }) {
  const sorted = [...findings].sort((one, other) => weight[other.level] - weight[one.level]);
  return (
    <ul className="checks">
      {sorted.map((each) => (
        <FindingLine key={`${each.code} ${each.text}`} finding={each} />
      ))}
    </ul>
  );
}

function FindingLine({ finding: { level, text, advice } }: { readonly finding: Finding }) {
  const { say, line } = useWords();
  const Icon = icons[level];
  return (
    <li className={`check-${level}`}>
      <Icon size={18} role="img" aria-label={say(levels[level])} />
      <span>
        {line(text)}
        {advice !== null && <span className="quiet"> {line(advice)}</span>}
      </span>
    </li>
  );
}

const icons = { good: IconCheck, note: IconInfoCircle, bad: IconAlertTriangle } as const;
const weight = { good: 0, note: 1, bad: 2 } as const satisfies Record<Finding["level"], number>;
const levels = {
  good: "check.level.good",
  note: "check.level.note",
  bad: "check.level.bad",
} as const satisfies Record<Finding["level"], PlainKey>;
