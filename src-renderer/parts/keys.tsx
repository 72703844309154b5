/** What the keyboard does on every page, and the list of it. */
import { Kbd, Modal, Switch } from "@mantine/core";
import { Fragment, useEffect } from "react";
import { useStore } from "zustand";
import { createStore } from "zustand/vanilla";
import { later } from "../state/use-later.ts";
import { go } from "../state/use-route.ts";
import { allowSingleKeys, preferences } from "../words/preferences.ts";
import { useWords } from "../words/use-words.ts";
import type { PlainKey } from "../words/words.ts";
import { places } from "./places.ts";

/** Whether the list is open. */
const list = createStore<{ readonly isOpen: boolean }>(() => ({ isOpen: false }));

/** Opens the list of keys. */
export function showKeys(): void {
  list.setState({ isOpen: true });
}

export function Keys() {
  const { say } = useWords();
  const isOpen = useStore(list, (state) => state.isOpen);
  const single = useStore(preferences, (state) => state.singleKeys);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || !act(event)) return;
      event.preventDefault();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
  return (
    <Modal
      opened={isOpen}
      onClose={() => list.setState({ isOpen: false })}
      title={say("keys.title")}
      closeButtonProps={{ "aria-label": say("close") }}
    >
      <dl className="keys">
        {places.map(({ route, label }, at) => (
          <Line key={route.page} keys={["Alt", String(at + 1)]} label={label} />
        ))}
        <Line keys={[command, "K"]} label="keys.search" />
        <Line keys={[command, "Z"]} label="keys.undo" />
        <Line keys={["↑", "↓", "Home", "End"]} label="keys.rows" />
        <Line keys={["←", "→"]} label="keys.across" />
        <Line keys={single ? ["F1", "?"] : ["F1"]} label="keys.help" />
      </dl>
      <Switch
        checked={single}
        onChange={(event) => allowSingleKeys(event.currentTarget.checked)}
        label={say("keys.single")}
        description={say("keys.single.hint")}
      />
    </Modal>
  );
}

function Line({ keys, label }: { readonly keys: readonly string[]; readonly label: PlainKey }) {
  const { say } = useWords();
  return (
    <div>
      <dt>
        {keys.map((key, at) => (
          <Fragment key={key}>
            {at > 0 && " "}
            <Kbd>{key}</Kbd>
          </Fragment>
        ))}
      </dt>
      <dd>{say(label)}</dd>
    </div>
  );
}

/** Whether a key was one of ours, and done. */
function act(event: KeyboardEvent): boolean {
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
  if (key === "F1") {
    showKeys();
    return true;
  }
  if (isWriting(event.target)) return false;
  if (isCommand && key.toLowerCase() === "z") {
    const newest = later.store.getState().waiting.at(-1);
    if (newest !== undefined) later.takeBack(newest.key);
    return newest !== undefined;
  }
  if (key === "?" && !isCommand && preferences.getState().singleKeys) {
    showKeys();
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

const command = /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘" : "Ctrl";
