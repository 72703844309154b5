/** The window: our own pages in a sandbox that can open, navigate and ask for nothing else. */
import type { WebContents } from "electron";
import { app, BrowserWindow, session } from "electron";
import { isOwnPage, startPage } from "./pages.ts";

/** Opens the window on the start page; it shows itself once there is something to see. */
export function openWindow(preload: string, icon: string): BrowserWindow {
  const window = new BrowserWindow({
    width: 1120,
    height: 760,
    minWidth: 420,
    minHeight: 480,
    show: false,
    title: "Starmesh",
    icon,
    autoHideMenuBar: true,
    webPreferences: {
      preload,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false,
    },
  });
  window.once("ready-to-show", () => window.show());
  void window.loadURL(startPage);
  return window;
}

/** Denies every page, ours included, what no page of ours needs. Has to run before the first window opens. */
export function confinePages(): void {
  app.on("web-contents-created", (_event, contents) => confine(contents));
  session.defaultSession.setPermissionRequestHandler((contents, permission, answer) => {
    answer(mayHave(contents.getURL(), permission));
  });
  session.defaultSession.setPermissionCheckHandler((contents, permission) => {
    return contents !== null && mayHave(contents.getURL(), permission);
  });
}

function confine(contents: WebContents): void {
  contents.setWindowOpenHandler(() => ({ action: "deny" }));
  contents.on("will-attach-webview", (event) => event.preventDefault());
  contents.on("will-frame-navigate", stayOnOwnPages);
  contents.on("will-redirect", stayOnOwnPages);
}

function stayOnOwnPages(details: { readonly url: string; preventDefault(): void }): void {
  if (!isOwnPage(details.url)) details.preventDefault();
}

/** Invites are copied by a button; that is the one permission of a page. */
function mayHave(page: string, permission: string): boolean {
  return isOwnPage(page) && permission === "clipboard-sanitized-write";
}
