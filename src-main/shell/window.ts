/** The window: our own pages in a sandbox, where it stood before, in the colour that the page will have. */
import type { BrowserWindowConstructorOptions, Rectangle } from "electron";
import { BrowserWindow, nativeTheme, screen } from "electron";
import type { KeptFile, WindowPlace } from "./kept.ts";
import { startPage } from "./pages.ts";

export interface WindowOptions {
  readonly preload: string;
  readonly icon: string;
  readonly kept: KeptFile;
  /** Begin as an icon in the task bar. */
  readonly minimized: boolean;
  /** What of the address follows the page's name: `#/join/…`. */
  readonly hash: string;
}

/** Opens the window on a page of ours; it shows itself once there is something to see. */
export function openWindow({ preload, icon, kept, minimized, hash }: WindowOptions): BrowserWindow {
  const { place, background } = kept.values;
  const areas = screen.getAllDisplays().map(({ workArea }) => workArea);
  const system = nativeTheme.shouldUseDarkColors ? "dark" : "light";
  const window = new BrowserWindow({
    ...boundsFrom(place, areas),
    minWidth: 420,
    minHeight: 480,
    show: false,
    title: "Starmesh",
    icon,
    autoHideMenuBar: true,
    backgroundColor: backgrounds[background ?? system],
    webPreferences: { preload, ...confinement },
  });
  if (place?.maximized === true) window.maximize();
  window.once("ready-to-show", () => (minimized ? window.minimize() : window.show()));
  window.on("close", () => {
    const { x, y, width, height } = window.getNormalBounds();
    kept.keep({ place: { x, y, width, height, maximized: window.isMaximized() } });
  });
  void window.loadURL(startPage + hash);
  return window;
}

/** The same size at the same place, if enough of it would be seen there; else the usual size where the system likes. */
export function boundsFrom(
  place: WindowPlace | null,
  areas: readonly Rectangle[],
): Pick<BrowserWindowConstructorOptions, "x" | "y" | "width" | "height"> {
  if (place === null) return usualSize;
  const seen = areas
    .map((area) => ({
      area,
      x: place.x,
      y: place.y,
      width: Math.min(place.width, area.width),
      height: Math.min(place.height, area.height),
    }))
    .find(
      ({ area, ...bounds }) => sharedLength(bounds, area) >= Math.min(leastSeen, bounds.width, bounds.height),
    );
  if (seen === undefined) return usualSize;
  const { area: _, ...bounds } = seen;
  return bounds;
}

/** The shorter side of what two rectangles share; negative where they do not meet. */
function sharedLength(one: Rectangle, other: Rectangle): number {
  const width = Math.min(one.x + one.width, other.x + other.width) - Math.max(one.x, other.x);
  const height = Math.min(one.y + one.height, other.y + other.height) - Math.max(one.y, other.y);
  return Math.min(width, height);
}

/** What a page can reach: nothing of Node, nothing of Electron but what the preload script gives it. */
const confinement = {
  sandbox: true,
  contextIsolation: true,
  nodeIntegration: false,
  nodeIntegrationInWorker: false,
  nodeIntegrationInSubFrames: false,
  webSecurity: true,
  allowRunningInsecureContent: false,
  experimentalFeatures: false,
  webviewTag: false,
  navigateOnDragDrop: false,
  spellcheck: false,
} as const;

/** As the pages' own, which come a moment later. */
export const backgrounds = { light: "#f5f6fa", dark: "#12151d" } as const;

const usualSize = { width: 1120, height: 760 };
const leastSeen = 120;
