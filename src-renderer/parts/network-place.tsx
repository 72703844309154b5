/** Where a network stands among others: a handle to drag it, a button up, a button down, and what was done said aloud. */
import { ActionIcon } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconGripVertical } from "@tabler/icons-react";
import type { PointerEvent } from "react";
import { useLayoutEffect, useRef } from "react";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { useStatus, useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import { ErrorLine } from "./notices.tsx";

interface NetworkPlaceProps {
  readonly network: NetworkStatus;
  /** The handle was taken hold of. */
  readonly onGrab: (event: PointerEvent<HTMLElement>) => void;
}

export function NetworkPlace({ network, onGrab }: NetworkPlaceProps) {
  const { say, format } = useWords();
  const { networks } = useStatus();
  const place = networks.findIndex(({ id }) => id === network.id);
  const pressed = useRef<HTMLButtonElement>(null);
  const buttons = useRef<HTMLSpanElement>(null);
  const put = useTask((client, order: readonly string[]) =>
    client.call("networks.order", { networks: [...order] }),
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: a card that has moved has lost the keyboard.
  useLayoutEffect(() => {
    const button = pressed.current;
    pressed.current = null;
    if (button === null) return;
    const other = buttons.current?.querySelector<HTMLButtonElement>("button:not(:disabled)");
    (button.disabled ? other : button)?.focus();
  }, [place]);
  const move = (button: HTMLButtonElement, by: -1 | 1) => {
    const order = networks.map(({ id }) => id).filter((id) => id !== network.id);
    order.splice(place + by, 0, network.id);
    pressed.current = button;
    void put.run(order);
  };
  const position = { place: format.number(place + 1), count: format.number(networks.length) };
  return (
    <>
      <span className="network-place" ref={buttons}>
        <span className="visually-hidden" aria-live="polite">
          {say("network.place", { name: network.name, ...position })}
        </span>
        <span className="grip" aria-hidden="true" title={say("network.drag")} onPointerDown={onGrab}>
          <IconGripVertical size={17} />
        </span>
        <ActionIcon
          variant="subtle"
          color="gray"
          disabled={place === 0}
          aria-label={say("network.moveUp", { name: network.name })}
          onClick={(event) => move(event.currentTarget, -1)}
        >
          <IconArrowUp size={17} />
        </ActionIcon>
        <ActionIcon
          variant="subtle"
          color="gray"
          disabled={place === networks.length - 1}
          aria-label={say("network.moveDown", { name: network.name })}
          onClick={(event) => move(event.currentTarget, 1)}
        >
          <IconArrowDown size={17} />
        </ActionIcon>
      </span>
      <ErrorLine error={put.error} />
    </>
  );
}
