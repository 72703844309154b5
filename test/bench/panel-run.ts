/** `npm run bench -- panel`: how soon the pages show, how smoothly they move, and how much memory they take. */
import { readFileSync } from "node:fs";
import type { CDPSession, Page } from "playwright-core";
import { goTo, lacking, launchChromium, openPanel } from "../browser/panel.ts";

if (lacking !== null) throw new Error(`not measured: ${lacking}`);
const browser = await launchChromium();
try {
  await measure("14 peers", 12);
  await measure("500 peers", 500);
  await measure("1,000 peers", 1000);
} finally {
  await browser.close();
}

async function measure(name: string, peers: number): Promise<void> {
  const panel = await openPanel(browser, { peers });
  const { page, context } = panel;
  const session = await context.newCDPSession(page);
  await page.reload();
  await page.getByRole("table").waitFor();
  const paint = await page.evaluate(
    () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
  );
  const scrolled = await framesWhile(page, async () => {
    for (let step = 0; step < 40; step++) await page.mouse.wheel(0, peers > 100 ? 600 : 40);
  });
  say(name, "first paint", `${Math.round(paint)} ms`);
  say(name, "a frame while the list scrolls", scrolled);
  say(name, "heap of the scripts", await heap(session));
  say(name, "memory of the process", await memory());

  await goTo(page, "#/graph");
  await page.locator(".graph canvas").waitFor();
  const drawn = await framesWhile(page, () => page.waitForTimeout(4000));
  say(name, "a frame while the graph settles", drawn);
  say(name, "heap with the graph", await heap(session));
  say(name, "memory of the process with it", await memory());
  await panel.close();
}

/** Median and 95th percentile of the time between frames while something goes on. */
async function framesWhile(page: Page, work: () => Promise<void>): Promise<string> {
  await page.evaluate(() => {
    const frames: number[] = [];
    Object.assign(window, { measured: frames });
    const look = (at: number) => {
      frames.push(at);
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  await work();
  const times = await page.evaluate(() => (window as unknown as { measured: number[] }).measured);
  const spans = times
    .slice(1)
    .map((time, at) => time - (times[at] ?? time))
    .sort((one, other) => one - other);
  const share = (part: number) => (spans[Math.floor((spans.length - 1) * part)] ?? 0).toFixed(1);
  return `${share(0.5)} ms, at 95 % ${share(0.95)} ms (${spans.length} frames)`;
}

async function heap(session: CDPSession): Promise<string> {
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  return `${(usedSize / 2 ** 20).toFixed(1)} MiB`;
}

/**
 * What the page's process holds alone, and its share of what it holds together with others (`smaps_rollup`, proc(5)). The
 * largest renderer is meant: the browser keeps an empty one ready.
 */
async function memory(): Promise<string> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const told = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => rollup(id));
  const [largest] = told.sort((one, other) => other.shared - one.shared);
  return largest === undefined
    ? "not told"
    : `${largest.shared.toFixed(0)} MiB, ${largest.own.toFixed(0)} of them its own`;
}

/** MiB. */
function rollup(process: number): { readonly shared: number; readonly own: number } {
  const text = readFileSync(`/proc/${process}/smaps_rollup`, "utf8");
  const sum = (names: RegExp) =>
    [...text.matchAll(names)].reduce((total, [, kilobytes]) => total + Number(kilobytes), 0) / 1024;
  return { shared: sum(/^Pss: +(\d+)/gm), own: sum(/^Private_\w+: +(\d+)/gm) };
}

function say(name: string, what: string, value: string): void {
  process.stdout.write(`${name.padEnd(12)} ${what.padEnd(32)} ${value}\n`);
}
