/** The built pages as the desktop app's window shows them: over a bridge that the test lays instead of the preload script. */
import type { Page } from "playwright-core";
import type { Channel } from "../../src-shared/api/channel.ts";
import { channelPair } from "../../src-shared/api/channel.ts";
import { serve } from "../../src-shared/api/server.ts";
import type { OpenPanel } from "./panel.ts";

/** Opens the pages in a page of their own, which has no log-in; the caller goes to `panel.server.panel`. */
export async function bridgedPage({ context, engine }: OpenPanel): Promise<Page> {
  await context.clearCookies();
  const page = await context.newPage();
  let near: Channel | null = null;
  const toPage = (frame: string) => {
    const tell = (text: string) =>
      (window as unknown as { fromEngine: (text: string) => void }).fromEngine(text);
    void page.evaluate(tell, frame).catch(() => undefined);
  };
  // As the window does: the page's first frame opens the connection.
  await page.exposeFunction("toEngine", (frame: string) => {
    if (near === null) {
      const [one, other] = channelPair();
      near = one;
      serve(engine.handlers, other);
      near.onMessage(toPage);
    }
    void near.send(frame);
  });
  await page.addInitScript(() => {
    const notes = [
      "## 0.2.0",
      "",
      "- Two machines behind the same kind of home router reach each other directly more often.",
      "- The panel lists who is online.",
      "",
      "Windows asks once more for the right to change the network.",
    ].join("\n");
    const status = {
      versions: { app: "0.1.0", electron: "45.4.1", chromium: "150.0" },
      startAtLogin: false,
      listed: null,
      notifications: true,
      updates: { automatic: true, state: { kind: "found", version: "0.2.0", notes } },
      tray: true,
      engine: { running: true, hosted: true, why: null },
      crashes: 2,
    };
    let starts = 0;
    const shell = {
      read: async () => status,
      onStatus: () => undefined,
      onFile: () => undefined,
      change: async (change: object) => ({ ...status, ...change }),
      startEngine: async () => ++starts > 0,
    };
    Object.assign(window, {
      starmesh: {
        shell,
        send: (frame: string) => (window as unknown as { toEngine: (frame: string) => void }).toEngine(frame),
        onFrame: (listener: unknown) => Object.assign(window, { fromEngine: listener }),
      },
    });
  });
  return page;
}

/** Tells the page that the engine's end has closed, as the window does when its engine has stopped. */
export function endBridge(page: Page): Promise<void> {
  return page.evaluate(() => (window as unknown as { fromEngine: (text: null) => void }).fromEngine(null));
}
