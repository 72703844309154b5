/** What the keyboard does on every page, and the list of it. */
import { Kbd, Modal } from "@mantine/core";
import { useEffect, useState } from "react";
import { later } from "../state/use-later.ts";
import { go } from "../state/use-route.ts";
import { useWords } from "../words/use-words.ts";
import { places } from "./places.ts";

export function Keys() {
  const { say } = useWords();
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || !act(event, () => setOpen(true))) return;
      event.preventDefault();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
  return (
    <Modal
      opened={isOpen}
      onClose={() => setOpen(false)}
      title={say("keys.title")}
      closeButtonProps={{ "aria-label": say("close") }}
    >
      <dl className="keys">
        {places.map(({ route, label }, at) => (
          <div key={route.page}>
            <dt>
              <Kbd>Alt</Kbd> <Kbd>{at + 1}</Kbd>
            </dt>
            <dd>{say(label)}</dd>
          </div>
        ))}
        <div>
          <dt>
            <Kbd>Ctrl</Kbd> <Kbd>K</Kbd>
          </dt>
          <dd>{say("keys.search")}</dd>
        </div>
        <div>
          <dt>
            <Kbd>Ctrl</Kbd> <Kbd>Z</Kbd>
          </dt>
          <dd>{say("keys.undo")}</dd>
        </div>
        <div>
          <dt>
            <Kbd>?</Kbd> <Kbd>F1</Kbd>
          </dt>
          <dd>{say("keys.help")}</dd>
        </div>
      </dl>
    </Modal>
  );
}

/** Whether a key was one of ours, and done. */
function act(event: KeyboardEvent, help: () => void): boolean {
  const { key, code, altKey } = event;
  const isCommand = event.ctrlKey || event.metaKey;
  if (altKey && !isCommand) {
    // By place, as a letter may lie under the digit with Alt.
    const place = places[Number(/^Digit(\d)$/.exec(code)?.[1]) - 1];
    if (place !== undefined) go(place.route);
    return place !== undefined;
  }
  if (isCommand && key.toLowerCase() === "k") {
    const field = document.querySelector<HTMLInputElement>("main input[type=search]");
    field?.focus();
    return field !== null;
  }
  if (isWriting(event.target)) return false;
  if (isCommand && key.toLowerCase() === "z") {
    const newest = later.store.getState().waiting.at(-1);
    if (newest !== undefined) later.takeBack(newest.key);
    return newest !== undefined;
  }
  if ((key === "?" && !isCommand) || key === "F1") {
    help();
    return true;
  }
  return false;
}

/** Keys in a field belong to the field. */
function isWriting(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches("textarea, select, input:not([type=checkbox], [type=radio])"))
  );
}
