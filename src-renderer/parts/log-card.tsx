/** The log, live: filtered, paused, copied. */
import { Button, TextInput } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { useEffect, useRef, useState } from "react";
import type { LogLine } from "../state/use-log.ts";
import { useLog } from "../state/use-log.ts";
import { useWords } from "../words/use-words.ts";
import { Card } from "./card.tsx";
import { ErrorLine } from "./notices.tsx";

export function LogCard() {
  const { say } = useWords();
  const { lines, missed, error } = useLog();
  const [wanted, setWanted] = useState("");
  const [paused, setPaused] = useState<readonly LogLine[] | null>(null);
  const clipboard = useClipboard({ timeout: 1600 });
  const needle = wanted.trim().toLocaleLowerCase();
  const known = paused ?? lines ?? [];
  const shown = known.filter(({ text }) => text.toLocaleLowerCase().includes(needle));
  const { shell } = window.starmesh ?? {};
  return (
    <Card
      title={say("log.title")}
      hint={say("log.hint")}
      aside={
        <div className="history-tools">
          <Button
            size="xs"
            variant="default"
            aria-pressed={paused !== null}
            onClick={() => setPaused(paused === null ? known : null)}
          >
            {say(paused === null ? "log.pause" : "log.resume")}
          </Button>
          <Button
            size="xs"
            variant="default"
            disabled={shown.length === 0}
            onClick={() => void clipboard.copy(shown.map(({ text }) => text).join("\n"))}
          >
            {say(clipboard.copied ? "copied" : "log.copy")}
          </Button>
          {shell !== undefined && (
            <Button size="xs" variant="default" onClick={() => void shell.openFolder("logs")}>
              {say("log.folder")}
            </Button>
          )}
        </div>
      }
    >
      <ErrorLine error={error} />
      <TextInput
        size="xs"
        type="search"
        aria-label={say("log.filter")}
        placeholder={say("log.filter")}
        value={wanted}
        onChange={(event) => setWanted(event.currentTarget.value)}
      />
      {lines !== null && shown.length === 0 ? (
        <p className="quiet">{say(known.length === 0 ? "log.none" : "log.noneFits")}</p>
      ) : (
        <Lines lines={shown} isFollowed={paused === null} />
      )}
      {missed > 0 && <p className="quiet">{say("log.missed", { count: missed })}</p>}
    </Card>
  );
}

interface LinesProps {
  readonly lines: readonly LogLine[];
  /** The newest line stays in view while the reader is at the end. */
  readonly isFollowed: boolean;
}

function Lines({ lines, isFollowed }: LinesProps) {
  const { say, format } = useWords();
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const newest = lines.at(-1)?.number;
  useEffect(() => {
    const element = box.current;
    if (element !== null && isFollowed && atEnd.current && newest !== undefined)
      element.scrollTop = element.scrollHeight;
  }, [newest, isFollowed]);
  return (
    <div
      className="log"
      ref={box}
      role="log"
      aria-live="off"
      aria-label={say("log.title")}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls has to be reached by the keyboard
      tabIndex={0}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        atEnd.current = scrollHeight - scrollTop - clientHeight < 30;
      }}
    >
      <ol>
        {lines.map(({ number, text }) => {
          const [time = "", ...rest] = text.split(" ");
          return (
            <li key={number} className={/failed|refused|lost|error=/.test(text) ? "log-bad" : undefined}>
              <time dateTime={time} title={time}>
                {Number.isNaN(Date.parse(time)) ? time : format.clock(time)}
              </time>{" "}
              {rest.join(" ")}
            </li>
          );
        })}
      </ol>
    </div>
  );
}
