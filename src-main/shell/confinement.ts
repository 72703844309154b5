/** What no page may do, ours included: leave, open windows, embed, and ask the system for what our pages never need. */
import type { Session, WebContents } from "electron";
import { app, session, shell } from "electron";
import { isOwnPage } from "./pages.ts";

/** Confines every page of this process. Has to run before the first window opens. */
export function confinePages(): void {
  app.on("web-contents-created", (_event, contents) => confine(contents));
  denyPermissions(session.defaultSession);
}

/** True for an address that our pages may hand to the user's own browser. */
export function mayOpenOutside(address: string): boolean {
  return outsidePages.has(address);
}

/** True for what a page of ours may use: it writes to the clipboard, and reads an invite's QR code with the camera. */
export function mayUse(page: string, permission: string, media: readonly string[]): boolean {
  if (!isOwnPage(page)) return false;
  if (permission === "media") return media.length > 0 && media.every((kind) => kind === "video");
  return permission === "clipboard-sanitized-write";
}

function confine(contents: WebContents): void {
  contents.setWindowOpenHandler(({ url }) => {
    openOutside(url);
    return { action: "deny" };
  });
  contents.on("will-attach-webview", (event) => event.preventDefault());
  contents.on("will-frame-navigate", (details) => {
    if (isOwnPage(details.url)) return;
    details.preventDefault();
    if (details.isMainFrame) openOutside(details.url);
  });
  contents.on("will-redirect", (details) => {
    if (!isOwnPage(details.url)) details.preventDefault();
  });
}

function denyPermissions(pages: Session): void {
  pages.setPermissionRequestHandler((contents, permission, answer, details) => {
    const media = "mediaTypes" in details ? (details.mediaTypes ?? []) : [];
    answer(details.isMainFrame && mayUse(contents.getURL(), permission, media));
  });
  pages.setPermissionCheckHandler((contents, permission, _origin, { isMainFrame, mediaType }) => {
    return contents !== null && isMainFrame && mayUse(contents.getURL(), permission, [mediaType ?? ""]);
  });
  // Serial ports, USB and the like, the screen, and Bluetooth are asked for by other ways.
  pages.setDevicePermissionHandler(() => false);
  pages.setDisplayMediaRequestHandler((_request, answer) => answer({}));
  pages.setBluetoothPairingHandler((_details, answer) => answer({ confirmed: false }));
}

function openOutside(address: string): void {
  if (mayOpenOutside(address)) void shell.openExternal(address);
}

/** Where the app for stock WireGuard clients is found: the one thing outside that our pages lead to. */
const outsidePages: ReadonlySet<string> = new Set(["https://www.wireguard.com/install/"]);
