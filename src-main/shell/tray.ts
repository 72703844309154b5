/** The tray icon and its menu: connect and disconnect, the router role, start, quit. */
import type { MenuItemConstructorOptions } from "electron";
import { Menu, Tray } from "electron";
import type { Status } from "../../src-shared/status.ts";
import type { EngineState } from "./engine-link.ts";
import type { Words } from "./words.ts";

/** What the menu can ask for. */
export interface TrayActions {
  open(): void;
  start(): void;
  connectNetworks(on: boolean): void;
  actAsRouter(on: boolean): void;
  quit(): void;
}

/** Puts the icon into the tray; the returned function shows another state. */
export function showTray(icon: string, words: Words, actions: TrayActions): (state: EngineState) => void {
  const tray = new Tray(icon);
  tray.setToolTip("Starmesh");
  tray.on("click", () => actions.open());
  let shown = "";
  return (state) => {
    const items = trayMenu(state, words, actions);
    // The status changes every second; a menu that is open closes when it is replaced.
    const text = JSON.stringify(items);
    if (text === shown) return;
    shown = text;
    tray.setContextMenu(Menu.buildFromTemplate([...items]));
  };
}

/** The menu of a state. */
export function trayMenu(
  state: EngineState,
  words: Words,
  actions: TrayActions,
): readonly MenuItemConstructorOptions[] {
  return [
    { label: headline(state, words), enabled: false },
    { type: "separator" },
    { label: words.open, click: () => actions.open() },
    ...engineItems(state, words, actions),
    { type: "separator" },
    {
      label: state.kind === "running" && state.hosted ? words.quitEnds : words.quit,
      click: () => actions.quit(),
    },
  ];
}

function engineItems(
  state: EngineState,
  words: Words,
  actions: TrayActions,
): readonly MenuItemConstructorOptions[] {
  switch (state.kind) {
    case "starting":
      return [];
    case "stopped":
      return [{ label: words.start, click: () => actions.start() }];
    case "running": {
      const { networks, router } = state.status;
      const up = connectedNames(state.status).length;
      return [
        { label: words.connect, enabled: up < networks.length, click: () => actions.connectNetworks(true) },
        { label: words.disconnect, enabled: up > 0, click: () => actions.connectNetworks(false) },
        {
          label: words.router,
          type: "checkbox",
          checked: router.on,
          click: () => actions.actAsRouter(!router.on),
        },
      ];
    }
  }
}

function headline(state: EngineState, words: Words): string {
  switch (state.kind) {
    case "starting":
      return words.starting;
    case "stopped":
      return state.why ?? words.stopped;
    case "running": {
      const names = connectedNames(state.status);
      if (state.status.networks.length === 0) return words.noNetworks;
      return names.length === 0 ? words.disconnected : words.connected.replace("{names}", names.join(", "));
    }
  }
}

function connectedNames(status: Status): readonly string[] {
  return status.networks.filter((network) => network.state !== "off").map((network) => network.name);
}
