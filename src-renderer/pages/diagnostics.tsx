/** What to look at when something does not work, and what to give to those who help. */

import { LogCard } from "../parts/log-card.tsx";
import { NetcheckCard } from "../parts/netcheck-card.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { ReportCard } from "../parts/report-card.tsx";
import { useWords } from "../words/use-words.ts";

export function DiagnosticsPage() {
  const { say } = useWords();
  return (
    <div className="page">
      <PageHead title={say("nav.diagnostics")} />
      <NetcheckCard />
      <LogCard />
      <ReportCard />
    </div>
  );
}
