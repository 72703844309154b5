/** A browser for the tests of one file. */
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll } from "vitest";
import type { OpenPanel, PanelOptions } from "./panel.ts";
import { lacking, launchChromium, openPanel } from "./panel.ts";

/** Answers what opens a panel; each is closed after its test, and the browser after the last. */
export function openedHere(): (options?: PanelOptions) => Promise<OpenPanel> {
  let browser: Browser | undefined;
  const opened: OpenPanel[] = [];
  beforeAll(async () => {
    if (lacking === null) browser = await launchChromium();
  });
  afterEach(async () => {
    for (const panel of opened.splice(0)) await panel.close();
  });
  afterAll(() => browser?.close());
  return async (options = {}) => {
    if (browser === undefined) throw new Error("the browser has not been launched");
    const panel = await openPanel(browser, options);
    opened.push(panel);
    return panel;
  };
}
