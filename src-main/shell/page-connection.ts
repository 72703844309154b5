/** Joins the page in the window with the engine: checks who sends, and passes frames on in both directions. */
import type { BrowserWindow, IpcMainEvent } from "electron";
import { ipcMain } from "electron";
import type { Channel } from "../../src-shared/api/channel.ts";
import { longestRequest } from "../../src-shared/api/frames.ts";
import { frameChannel } from "./bridge.ts";
import { isOwnPage } from "./pages.ts";

/**
 * Connects the page whenever it speaks and no connection stands, and tells it when the engine's end closes. A page that
 * is loaded again starts with a new connection. Ends with the window.
 */
export function connectPage(window: BrowserWindow, connect: () => Promise<Channel>): void {
  const { webContents } = window;
  const page = new PageConnection(connect, (frame) => {
    if (!webContents.isDestroyed()) webContents.send(frameChannel, frame);
  });
  const hear = (event: IpcMainEvent, frame: unknown) => {
    if (event.sender !== webContents || !isFromOwnPage(event)) return;
    if (typeof frame === "string" && frame.length <= longestRequest) page.hear(frame);
  };
  ipcMain.on(frameChannel, hear);
  webContents.on("did-start-navigation", (details) => {
    if (details.isMainFrame && !details.isSameDocument) page.drop();
  });
  window.once("closed", () => {
    ipcMain.off(frameChannel, hear);
    page.drop();
  });
}

/** One of our pages, and the window's own frame: never a frame inside it. */
function isFromOwnPage(event: IpcMainEvent): boolean {
  const frame = event.senderFrame;
  return frame !== null && frame.parent === null && isOwnPage(frame.url);
}

/** The page's side of one connection after the other. */
class PageConnection {
  readonly #connect: () => Promise<Channel>;
  readonly #tell: (frame: string | null) => void;
  #channel: Channel | null = null;
  /** Frames that came before the channel was open; null when none is being opened. */
  #early: string[] | null = null;
  /** Counts connections, so that a late one knows that it is not wanted any more. */
  #turn = 0;

  constructor(connect: () => Promise<Channel>, tell: (frame: string | null) => void) {
    this.#connect = connect;
    this.#tell = tell;
  }

  hear(frame: string): void {
    if (this.#channel !== null) void this.#channel.send(frame);
    else if (this.#early !== null) this.#early.push(frame);
    else void this.#open(frame);
  }

  drop(): void {
    this.#turn++;
    this.#early = null;
    const channel = this.#channel;
    this.#channel = null;
    channel?.close();
  }

  async #open(first: string): Promise<void> {
    const turn = ++this.#turn;
    this.#early = [first];
    try {
      const channel = await this.#connect();
      if (turn !== this.#turn) return channel.close();
      this.#channel = channel;
      const early = this.#early ?? [];
      this.#early = null;
      channel.onMessage((text) => turn === this.#turn && this.#tell(text));
      for (const frame of early) void channel.send(frame);
      channel.onClose(() => this.#lost(turn));
    } catch {
      // Whatever the reason, the page only needs to know that nobody answers; the tray says why.
      this.#lost(turn);
    }
  }

  #lost(turn: number): void {
    if (turn !== this.#turn) return;
    this.#turn++;
    this.#channel = null;
    this.#early = null;
    this.#tell(null);
  }
}
