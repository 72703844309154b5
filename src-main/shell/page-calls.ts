/** Answers what a page asks of the window itself. */
import type { BrowserWindow } from "electron";
import { z } from "zod";
import type { Shell } from "../../src-shared/api/bridge.ts";
import { savedFile, shellChange, shellFolder } from "../../src-shared/api/bridge.ts";
import type { PreloadCalls, ShellNews } from "./bridge.ts";
import { newsChannel, shellChannel } from "./bridge.ts";
import { isFromOwnPage } from "./senders.ts";

/** What the shell answers: the page's calls, and those of the preload script. */
export type PageCalls = Omit<Shell, "onStatus" | "onFile"> & PreloadCalls;

/** Answers the calls of this window's page, checked by sender and by shape. Ends with the window. */
export function answerPage(window: BrowserWindow, calls: PageCalls): void {
  const { webContents } = window;
  webContents.ipc.handle(shellChannel, (event, name: unknown, input: unknown) => {
    if (!isFromOwnPage(event, webContents)) throw new Error("not for this page");
    return answer(calls, name, input);
  });
}

/** Tells this window's page something it did not ask for. */
export function tellPage(window: BrowserWindow, news: ShellNews): void {
  if (!window.webContents.isDestroyed()) window.webContents.send(newsChannel, news);
}

/** A call whose name or input is none of ours is a bug of the page, or no page of ours. */
function answer(calls: PageCalls, name: unknown, input: unknown): unknown {
  switch (name) {
    case "read":
    case "checkForUpdate":
    case "installUpdate":
    case "startEngine":
    case "takeFiles":
      return calls[name]();
    case "change":
      return calls.change(shellChange.parse(input));
    case "openFolder":
      return calls.openFolder(shellFolder.parse(input));
    case "saveFile":
      return calls.saveFile(savedFile.parse(input));
    case "drop":
      return calls.drop(droppedFile.parse(input));
    case "showBackground":
      return calls.showBackground(background.parse(input));
    default:
      throw new Error("unknown call");
  }
}

const droppedFile = z.object({ name: z.string().max(1000), content: z.instanceof(Uint8Array) });
const background = z.enum(["light", "dark"]);
