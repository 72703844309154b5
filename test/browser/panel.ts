/** Opens the built pages in Chromium, served by the real local server, with a fake engine behind it. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { chromium } from "playwright-core";
import type { LocalServer } from "../../src-main/server/local.ts";
import { startLocalServer } from "../../src-main/server/local.ts";
import type { PanelState } from "../../src-main/server/logins.ts";
import type { FakeEngine, FakeEngineOptions } from "../fakes/engine.ts";
import { createFakeEngine } from "../fakes/engine.ts";

/** Where Chromium lies; null where there is none. */
export const chromiumPath =
  ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) =>
    existsSync(path),
  ) ?? null;

/** The built pages. */
export const pagesFolder = fileURLToPath(new URL("../../out/renderer", import.meta.url));

/** Why panel tests cannot run here; null where they can. */
export const lacking =
  chromiumPath === null
    ? "Chromium is not installed"
    : existsSync(join(pagesFolder, "index.html"))
      ? null
      : "the pages are not built";

/** A browser of our own, that asks nobody anything. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    ...(chromiumPath === null ? {} : { executablePath: chromiumPath }),
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

export interface PanelOptions extends FakeEngineOptions {
  readonly viewport?: { readonly width: number; readonly height: number };
  /** BCP 47 tag of the browser. */
  readonly locale?: string;
  readonly colorScheme?: "light" | "dark";
  readonly reducedMotion?: "reduce";
  /** Page to begin with, such as `#/router`. */
  readonly hash?: string;
  /** Do not log in. */
  readonly stranger?: boolean;
}

export interface OpenPanel {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly engine: FakeEngine;
  readonly server: LocalServer;
  /** What the page wrote to its console as an error, refusals of the content security policy included. */
  readonly complaints: readonly string[];
  /** Ends the server as a stopped engine would; `restart` brings it back on the same port. */
  stopServer(): Promise<void>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Leads to a page, such as `#/router`. */
export async function goTo(page: Page, hash: string): Promise<void> {
  await page.evaluate((to) => {
    window.location.hash = to;
  }, hash);
}

export async function openPanel(browser: Browser, options: PanelOptions = {}): Promise<OpenPanel> {
  const folder = mkdtempSync(join(tmpdir(), "starmesh-panel-"));
  const engine = createFakeEngine(options);
  let kept: PanelState | null = null;
  const start = (panel: string) =>
    startLocalServer({
      handlers: engine.handlers,
      socketPath: join(folder, "engine.sock"),
      socketOwner: null,
      panel,
      pages: pagesFolder,
      kept: {
        read: () => kept,
        write: (state) => {
          kept = state;
        },
      },
      logs: "the log folder",
      log: () => undefined,
    });
  let server = await start("127.0.0.1:0");
  const address = server.panel ?? "";
  const port = new URL(address).port;
  const context = await browser.newContext({
    viewport: options.viewport ?? { width: 1280, height: 860 },
    locale: options.locale ?? "en",
    colorScheme: options.colorScheme ?? "light",
    reducedMotion: options.reducedMotion ?? "no-preference",
    permissions: ["clipboard-read", "clipboard-write"],
  });
  // Generous: what is waited for is a state, and machines may be busy.
  context.setDefaultTimeout(90_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(options.stranger ? address : server.panelLink().url);
  if (!options.stranger) await page.getByRole("navigation").waitFor();
  if (options.hash !== undefined) await goTo(page, options.hash);
  return {
    page,
    context,
    engine,
    get server() {
      return server;
    },
    complaints,
    stopServer: () => server.close(),
    async restart() {
      server = await start(`127.0.0.1:${port}`);
    },
    async close() {
      await context.close();
      engine.stop();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
