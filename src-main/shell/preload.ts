/** Runs before the page, in its sandbox: gives it the bridge and nothing else. */
import { contextBridge, ipcRenderer } from "electron";
import type { Bridge, HandedFile, ShellStatus } from "../../src-shared/api/bridge.ts";
import type { ShellNews } from "./bridge.ts";
import { frameChannel, newsChannel, shellChannel } from "./bridge.ts";
import { watchPage } from "./page-events.ts";

let hearFrame: (frame: string | null) => void = () => undefined;
let hearStatus: (status: ShellStatus) => void = () => undefined;
let hearFile: ((file: HandedFile) => void) | null = null;

ipcRenderer.on(frameChannel, (_event, frame: string | null) => hearFrame(frame));
ipcRenderer.on(newsChannel, (_event, news: ShellNews) => {
  if (news.kind === "status") hearStatus(news.status);
  else void takeFiles();
});

const ask = (name: string, input?: unknown) => ipcRenderer.invoke(shellChannel, name, input);

const bridge: Bridge = {
  send: (frame) => ipcRenderer.send(frameChannel, frame),
  onFrame: (listener) => {
    hearFrame = listener;
  },
  shell: {
    read: () => ask("read"),
    onStatus: (listener) => {
      hearStatus = listener;
    },
    change: (change) => ask("change", change),
    checkForUpdate: () => ask("checkForUpdate"),
    installUpdate: () => ask("installUpdate"),
    startEngine: () => ask("startEngine"),
    openFolder: (folder) => ask("openFolder", folder),
    saveFile: (file) => ask("saveFile", file),
    onFile: (listener) => {
      hearFile = listener;
      void takeFiles();
    },
  },
};
contextBridge.exposeInMainWorld("starmesh", bridge);

/** Where nobody listens yet, files go on waiting in the main process. */
async function takeFiles(): Promise<void> {
  if (hearFile === null) return;
  for (const file of (await ask("takeFiles")) as readonly HandedFile[]) hearFile(file);
}

watchPage({
  onDrop: (file) => void ask("drop", file),
  onBackground: (background) => void ask("showBackground", background),
});
