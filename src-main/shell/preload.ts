/** Runs before the page, in its sandbox: gives it the bridge and nothing else. */
import { contextBridge, ipcRenderer } from "electron";
import type { Bridge } from "../../src-shared/api/bridge.ts";
import { frameChannel } from "./bridge.ts";

let listener: (frame: string | null) => void = () => undefined;
ipcRenderer.on(frameChannel, (_event, frame: string | null) => listener(frame));

const bridge: Bridge = {
  send: (frame) => ipcRenderer.send(frameChannel, frame),
  onFrame: (named) => {
    listener = named;
  },
};
contextBridge.exposeInMainWorld("starmesh", bridge);
