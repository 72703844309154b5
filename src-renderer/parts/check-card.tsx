/** A card that looks at something on demand: what it means first, what was measured behind a fold. */
import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import { useState } from "react";
import type { Client } from "../../src-shared/api/client.ts";
import type { Finding } from "../../src-shared/finding.ts";
import { useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import { Card } from "./card.tsx";
import { Findings } from "./findings.tsx";
import { ErrorLine } from "./notices.tsx";

interface CheckCardProps<Found> {
  readonly title: string;
  readonly hint: string;
  /** Before the first look, and while it goes on. */
  readonly idle: string;
  readonly busy: string;
  readonly check: (client: Client) => Promise<Found>;
  /** What was measured; null: nothing worth a fold. */
  readonly details: (found: Found) => { readonly summary: string; readonly content: ReactNode } | null;
}

export function CheckCard<Found extends { readonly findings: readonly Finding[] }>({
  title,
  hint,
  idle,
  busy,
  check,
  details,
}: CheckCardProps<Found>) {
  const { say } = useWords();
  const [found, setFound] = useState<Found | null>(null);
  const task = useTask((client, _input: null) => check(client));
  const more = found === null ? null : details(found);
  return (
    <Card
      title={title}
      hint={hint}
      aside={
        <Button
          variant="light"
          size="xs"
          loading={task.busy}
          onClick={() => void task.run(null).then((result) => result !== null && setFound(result))}
        >
          {say(found === null ? "check.run" : "check.again")}
        </Button>
      }
    >
      <ErrorLine error={task.error} />
      {found === null ? (
        <p className="quiet">{task.busy ? busy : idle}</p>
      ) : (
        <div role="status">
          <Findings findings={found.findings} />
          {more !== null && (
            <details className="details">
              <summary>{more.summary}</summary>
              {more.content}
            </details>
          )}
        </div>
      )}
    </Card>
  );
}
