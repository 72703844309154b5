/** The tray icon: its picture, its tip and its menu follow the engine's state. */
import { join } from "node:path";
import type { NativeImage } from "electron";
import { Menu, nativeImage, Tray } from "electron";
import type { Mood, TrayActions, TrayState } from "./tray-menu.ts";
import { headlineOf, moodOf, trayMenu } from "./tray-menu.ts";
import type { Words } from "./words.ts";

export interface TrayIconOptions {
  /** Folder of the pictures. */
  readonly icons: string;
  readonly words: Words;
  readonly actions: TrayActions;
  /** An icon would be seen. */
  readonly hasPlace: () => Promise<boolean>;
  /** The icon is there now. */
  readonly onShown: () => void;
}

/** The one icon; it appears once there is a place for it. */
export class TrayIcon {
  readonly #options: TrayIconOptions;
  #tray: Tray | null = null;
  #mood: Mood = "connecting";
  #tip = "";
  #menu = "";
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TrayIconOptions) {
    this.#options = options;
  }

  get isShown(): boolean {
    return this.#tray !== null;
  }

  /** Looks for a place a while: panels of a desktop may come up after what starts at login. */
  async follow(looks = 0): Promise<void> {
    if ((await this.seek()) || looks === mostLooks) return;
    this.#timer = setTimeout(() => void this.follow(looks + 1), lookMillis);
    this.#timer.unref();
  }

  /** Looks for a place now; whether the icon is there. */
  async seek(): Promise<boolean> {
    const { icons, actions, hasPlace, onShown } = this.#options;
    const isSeen = this.#tray !== null || (await hasPlace());
    if (this.#tray !== null || !isSeen) return isSeen;
    clearTimeout(this.#timer);
    this.#tray = new Tray(pictureOf(icons, this.#mood));
    this.#tray.on("click", () => actions.open());
    onShown();
    return true;
  }

  show(state: TrayState): void {
    const tray = this.#tray;
    if (tray === null) return;
    const { icons, words, actions } = this.#options;
    const mood = moodOf(state.engine);
    if (mood !== this.#mood) tray.setImage(pictureOf(icons, mood));
    this.#mood = mood;
    const tip = `Starmesh: ${headlineOf(state.engine, words)}`;
    if (tip !== this.#tip) tray.setToolTip(tip);
    this.#tip = tip;
    const items = trayMenu(state, words, actions);
    // The status changes every second; a menu that is open closes when it is replaced.
    const menu = JSON.stringify(items);
    if (menu !== this.#menu) tray.setContextMenu(Menu.buildFromTemplate([...items]));
    this.#menu = menu;
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}

/** Beside each file lie the same picture's other sizes, `…@2x.png`, which Electron finds by their names. */
export function pictureName(mood: Mood, platform: NodeJS.Platform): string {
  switch (platform) {
    // The menu bar colours a template itself, so that it fits any background.
    case "darwin":
      return `${mood}Template.png`;
    case "win32":
      return `${mood}.png`;
    // Panels of Linux desktops scale one picture, and large ones better.
    default:
      return `${mood}-panel.png`;
  }
}

function pictureOf(icons: string, mood: Mood): NativeImage {
  const image = nativeImage.createFromPath(join(icons, pictureName(mood, process.platform)));
  if (process.platform === "darwin") image.setTemplateImage(true);
  return image;
}

const lookMillis = 3000;
const mostLooks = 20;
