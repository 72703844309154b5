/** What is about to be done, each with a button that takes it back. */
import { ActionIcon, Button } from "@mantine/core";
import { IconAlertTriangle, IconX } from "@tabler/icons-react";
import { useEffect } from "react";
import { useStore } from "zustand";
import { later } from "../state/use-later.ts";
import { useWords } from "../words/use-words.ts";

export function UndoBar() {
  const { say, explain } = useWords();
  const { waiting, failed } = useStore(later.store);
  useEffect(() => {
    window.addEventListener("pagehide", later.doNow);
    return () => window.removeEventListener("pagehide", later.doNow);
  }, []);
  const isEmpty = waiting.length === 0 && failed === null;
  useEffect(() => {
    // A pointer that rested on the bar when it went never leaves it.
    if (isEmpty) later.hold(false);
  }, [isEmpty]);
  return (
    <section
      className="undo-bar"
      aria-label={say("undo.label")}
      aria-live="polite"
      onPointerEnter={() => later.hold(true)}
      onPointerLeave={() => later.hold(false)}
      onFocus={() => later.hold(true)}
      onBlur={() => later.hold(false)}
    >
      {waiting.map((act) => (
        <div key={act.key} className="undo-line">
          <span>{act.text}</span>
          <Button
            size="compact-sm"
            variant="white"
            color="dark"
            onClick={() => {
              later.takeBack(act.key);
              later.hold(false);
            }}
          >
            {say("undo.action")}
          </Button>
        </div>
      ))}
      {failed !== null && (
        <div className="undo-line undo-failed" role="alert">
          <IconAlertTriangle size={18} aria-hidden="true" />
          <span>
            {failed.text}: {explain(failed.error)}
          </span>
          <ActionIcon variant="subtle" color="gray" aria-label={say("close")} onClick={later.putAway}>
            <IconX size={16} />
          </ActionIcon>
        </div>
      )}
    </section>
  );
}
