/** The menus of the app and of its pages: editing, zoom, and on macOS what every app has. */
import type { BrowserWindow, MenuItemConstructorOptions } from "electron";
import { Menu } from "electron";
import type { Words } from "./words.ts";

/** What the menus can ask for. */
export interface MenuActions {
  open(page: "settings" | "join"): void;
  openLogs(): void;
  quit(): void;
}

/** Gives the app its menu bar, without which copy and paste have no keys on macOS. */
export function showAppMenu(words: Words, actions: MenuActions): void {
  Menu.setApplicationMenu(Menu.buildFromTemplate([...appMenu(words, actions, process.platform)]));
}

/** What a right click on text or on a field of this window offers. */
export function offerEditing(window: BrowserWindow, words: Words): void {
  window.webContents.on("context-menu", (_event, { isEditable, editFlags, selectionText }) => {
    const items: MenuItemConstructorOptions[] = [
      ...(isEditable ? [{ role: "cut" as const, label: words.cut, enabled: editFlags.canCut }] : []),
      { role: "copy", label: words.copy, enabled: editFlags.canCopy },
      ...(isEditable ? [{ role: "paste" as const, label: words.paste, enabled: editFlags.canPaste }] : []),
    ];
    if (isEditable || selectionText.trim() !== "") Menu.buildFromTemplate(items).popup({ window });
  });
}

/** The menu bar of a system. */
export function appMenu(
  words: Words,
  actions: MenuActions,
  platform: NodeJS.Platform,
): readonly MenuItemConstructorOptions[] {
  const isMac = platform === "darwin";
  const settings = {
    label: words.settings,
    accelerator: "CommandOrControl+,",
    click: () => actions.open("settings"),
  };
  // By our own hand, and not by the role: it says first what quitting ends.
  const quit = { label: words.quit, accelerator: "CommandOrControl+Q", click: () => actions.quit() };
  return [
    ...(isMac ? [macMenu(words, settings, quit)] : []),
    {
      label: words.file,
      submenu: [
        { label: words.join, accelerator: "CommandOrControl+N", click: () => actions.open("join") },
        ...(isMac ? [] : [settings]),
        { type: "separator" },
        { role: "close", label: words.closeWindow },
        ...(isMac ? [] : [quit]),
      ],
    },
    {
      label: words.edit,
      submenu: [
        { role: "undo", label: words.undo },
        { role: "redo", label: words.redo },
        { type: "separator" },
        { role: "cut", label: words.cut },
        { role: "copy", label: words.copy },
        { role: "paste", label: words.paste },
        { role: "selectAll", label: words.selectAll },
      ],
    },
    {
      label: words.view,
      submenu: [
        { role: "resetZoom", label: words.actualSize },
        { role: "zoomIn", label: words.zoomIn },
        // The plus sign is a shifted key on many keyboards.
        { role: "zoomIn", accelerator: "CommandOrControl+=", visible: false },
        { role: "zoomOut", label: words.zoomOut },
        { type: "separator" },
        { role: "togglefullscreen", label: words.fullScreen },
      ],
    },
    ...(isMac ? [{ role: "windowMenu" as const, label: words.window }] : []),
    { role: "help", label: words.help, submenu: [{ label: words.logs, click: () => actions.openLogs() }] },
  ];
}

function macMenu(
  words: Words,
  settings: MenuItemConstructorOptions,
  quit: MenuItemConstructorOptions,
): MenuItemConstructorOptions {
  return {
    label: "Starmesh",
    submenu: [
      { role: "about", label: words.about },
      { type: "separator" },
      settings,
      { type: "separator" },
      { role: "hide", label: words.hide },
      { role: "hideOthers", label: words.hideOthers },
      { role: "unhide", label: words.showAll },
      { type: "separator" },
      quit,
    ],
  };
}
