/** The window's preload script in a real page: what it hears of drops, and of the page's colours. */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, launchChromium } from "./panel.ts";

interface Asked {
  readonly name: string;
  readonly input: { readonly name: string; readonly text: string } | string;
}

describe.skipIf(chromiumPath === null)("the preload script", () => {
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    browser = await launchChromium();
    page = await browser.newPage();
    await page.addInitScript(await bundled());
    await page.route("http://page.test/", (route) =>
      route.fulfill({
        contentType: "text/html",
        body: '<html data-mantine-color-scheme="dark"><body><p>page</p><textarea></textarea></body></html>',
      }),
    );
    await page.goto("http://page.test/");
  });
  afterAll(() => browser.close());

  test("tells the background, from the first moment on and when it changes", async () => {
    await expect.poll(asked).toEqual([{ name: "showBackground", input: "dark" }]);
    await page.evaluate(() => document.documentElement.setAttribute("data-mantine-color-scheme", "light"));
    await expect.poll(asked).toEqual([
      { name: "showBackground", input: "dark" },
      { name: "showBackground", input: "light" },
    ]);
  });

  test("[C05] hands on files and texts that are dropped, but no text that is dropped on a field", async () => {
    await page.evaluate(forget);
    const drop = (what: { readonly on: string; readonly file: string | null; readonly text: string }) =>
      page.evaluate(({ on, file, text }) => {
        const dataTransfer = new DataTransfer();
        if (file === null) dataTransfer.setData("text/plain", text);
        else dataTransfer.items.add(new File([text], file));
        const target = document.querySelector(on);
        const happen = (name: string) =>
          target?.dispatchEvent(new DragEvent(name, { dataTransfer, bubbles: true, cancelable: true }));
        // An event that was prevented is one that the page takes.
        return [happen("dragover"), happen("drop")].map((passed) => passed === false);
      }, what);
    expect(await drop({ on: "p", file: "invite.txt", text: "a file" })).toEqual([true, true]);
    expect(await drop({ on: "textarea", file: "b.conf", text: "another" })).toEqual([true, true]);
    expect(await drop({ on: "p", file: null, text: "a line" })).toEqual([true, true]);
    expect(await drop({ on: "textarea", file: null, text: "for the field" })).toEqual([false, false]);
    await expect.poll(async () => (await asked()).map(({ input }) => input)).toHaveLength(3);
    expect(new Set((await asked()).map(({ input }) => JSON.stringify(input)))).toEqual(
      new Set(
        [
          { name: "invite.txt", text: "a file" },
          { name: "b.conf", text: "another" },
          { name: "text.txt", text: "a line" },
        ].map((input) => JSON.stringify(input)),
      ),
    );
  });

  function asked(): Promise<readonly Asked[]> {
    return page.evaluate(() => (window as unknown as { asked: readonly Asked[] }).asked);
  }
});

function forget(): void {
  (window as unknown as { asked: Asked[] }).asked.length = 0;
}

/** The script with a module in electron's place that writes down what main is asked. */
async function bundled(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("../../src-main/shell/preload.ts", import.meta.url))],
    bundle: true,
    write: false,
    format: "iife",
    platform: "browser",
    plugins: [
      {
        name: "electron",
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^electron$/ }, () => ({ path: "electron", namespace: "electron" }));
          onLoad({ filter: /.*/, namespace: "electron" }, () => ({
            contents: `
              window.asked = [];
              const plain = (input) => input?.content instanceof Uint8Array
                ? { name: input.name, text: new TextDecoder().decode(input.content) } : input;
              export const contextBridge = { exposeInMainWorld() {} };
              export const ipcRenderer = {
                on() {}, send() {},
                async invoke(_channel, name, input) { window.asked.push({ name, input: plain(input) }); },
              };`,
          }));
        },
      },
    ],
  });
  return outputFiles[0]?.text ?? "";
}
