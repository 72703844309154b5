/** Pictures of every page, first-run step, dialog, empty and failed state, in both languages and colours, wide and narrow. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Browser } from "playwright-core";
import { wordsIn } from "../../src-renderer/words/words.ts";
import { root } from "../netns/bundle.mjs";
import { goTo, lacking, launchChromium, openPanel } from "./panel.ts";
import type { Look, Scene } from "./scenes.ts";
import { scenes } from "./scenes.ts";
import { bridgedPage } from "./window.ts";

const { values } = parseArgs({
  options: {
    /** Only scenes, and only looks, whose name has this in it. */
    only: { type: "string", default: "" },
    look: { type: "string", default: "" },
    in: { type: "string", default: join(root, "out/screenshots") },
  },
});
if (lacking !== null) throw new Error(`no pictures: ${lacking}`);

const mostHeight = 6000;
const looks: readonly Look[] = (["en", "zh-CN"] as const).flatMap((locale) =>
  (["light", "dark"] as const).flatMap((colorScheme) =>
    ([1200, 400] as const).map((width) => ({ locale, colorScheme, width })),
  ),
);
const browser = await launchChromium();
let taken = 0;
try {
  for (const look of looks.filter((each) => nameOf(each).includes(values.look))) {
    const folder = join(values.in, nameOf(look));
    mkdirSync(folder, { recursive: true });
    for (const scene of scenes.filter(({ name }) => name.includes(values.only))) {
      await take(browser, { look, scene, file: join(folder, `${scene.name}.png`) });
      taken++;
    }
  }
} finally {
  await browser.close();
}
process.stdout.write(`${taken} pictures in ${values.in}\n`);

interface Picture {
  readonly look: Look;
  readonly scene: Scene;
  readonly file: string;
}

async function take(from: Browser, { look, scene, file }: Picture): Promise<void> {
  const panel = await openPanel(from, {
    ...scene.options,
    locale: look.locale,
    colorScheme: look.colorScheme,
    viewport: { width: look.width, height: look.width < 600 ? 860 : 800 },
    reducedMotion: "reduce",
  });
  try {
    const page = scene.inWindow === true ? await bridgedPage(panel) : panel.page;
    if (scene.inWindow === true) {
      await page.goto(panel.server.panel ?? "");
      await page.getByRole("navigation").waitFor();
    }
    const { say } = wordsIn(look.locale);
    page.setDefaultTimeout(20_000);
    if (scene.hash !== undefined) await goTo(page, scene.hash(panel.engine));
    if (scene.options?.stranger !== true) await page.getByRole("heading", { level: 1 }).first().waitFor();
    await scene.act?.({ panel, page, say });
    // What was fetched for the page, and charts drawn from it.
    await page.waitForLoadState("networkidle");
    if (scene.viewOnly !== true) {
      // As on a screen that is high enough: what sticks to its edges stands there.
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      await page.setViewportSize({ width: look.width, height: Math.min(height, mostHeight) });
    }
    await page.screenshot({ path: file, animations: "disabled" });
  } catch (error) {
    process.stderr.write(`${nameOf(look)} ${scene.name}: ${String(error).split("\n")[0]}\n`);
    await panel.page.screenshot({ path: file, fullPage: true }).catch(() => undefined);
  } finally {
    await panel.close();
  }
}

function nameOf({ locale, colorScheme, width }: Look): string {
  return `${locale}-${colorScheme}-${width}`;
}
