// @ts-check
/** `node scripts/tray-icons.mjs`: draws the tray's pictures, one for each mood of src-main/shell/tray-menu.ts. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { find } from "./command.mjs";
import { ROOT } from "./root.mjs";

/** The five-pointed mesh of the app's icon, drawn bolder: at 16 pixels thin lines are nothing. */
const RING = "M16 3.2 28 12 23.6 26.4H8.4L4 12Z";
const STAR = "M16 3.2 23.6 26.4 4 12h24L8.4 26.4Z";
const POINTS = [
  [16, 3.2],
  [28, 12],
  [23.6, 26.4],
  [8.4, 26.4],
  [4, 12],
];

/** What tells the moods apart, by shape and not by colour alone. */
const MOODS = {
  /** Points without links. */
  off: { links: "", opacity: 0.75, mark: "" },
  /** Only from neighbour to neighbour. */
  connecting: { links: RING, opacity: 0.85, mark: "" },
  on: { links: STAR, opacity: 1, mark: "" },
  problem: { links: STAR, opacity: 1, mark: "!" },
};

const SETS = [
  // The menu bar of macOS colours black and its opacity by itself.
  { suffix: "Template", plate: false, sides: { "": 16, "@2x": 32 } },
  // Task bars are dark or light, and do not say which: a plate of our own shows on both.
  { suffix: "", plate: true, sides: { "": 16, "@1.25x": 20, "@1.5x": 24, "@2x": 32, "@3x": 48 } },
  { suffix: "-panel", plate: true, sides: { "": 48 } },
];

/**
 * @param {keyof typeof MOODS} mood
 * @param {typeof SETS[number]} set
 */
function svg(mood, set) {
  const { links, opacity, mark } = MOODS[mood];
  const colour = set.plate ? "#fff" : "#000";
  const ground = mood === "off" ? "#6c7385" : "#4c55d4";
  const plate = set.plate ? `<rect width="32" height="32" rx="7.5" fill="${ground}"/>` : "";
  const shrink = set.plate ? 'transform="translate(3.2 3.6) scale(.8)"' : "";
  const circles = POINTS.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3.1" fill="${colour}"/>`).join("");
  // The sign stands free of what is behind it.
  const hole = mark === "" ? "" : '<circle cx="24" cy="23.5" r="9.6" fill="#000"/>';
  const picture = `
    <mask id="m"><rect width="32" height="32" fill="#fff"/>${hole}</mask>
    <g mask="url(#m)">${plate}<g ${shrink}>
      <g opacity="${opacity}">
        <path d="${links}" fill="none" stroke="${colour}" stroke-width="2" stroke-linejoin="round"/>${circles}
      </g></g></g>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${picture}${signOf(mark, set)}</svg>`;
}

/**
 * A disc with an exclamation mark, which in a template is a hole.
 * @param {string} mark
 * @param {typeof SETS[number]} set
 */
function signOf(mark, set) {
  if (mark === "") return "";
  const sign = (/** @type {string} */ colour) =>
    `<path d="M24 18.6v5.4" stroke="${colour}" stroke-width="2.8" stroke-linecap="round"/>` +
    `<circle cx="24" cy="27.8" r="1.7" fill="${colour}"/>`;
  const disc = '<circle cx="24" cy="23.5" r="8"';
  if (set.plate) return `${disc} fill="#e5484d"/>${sign("#fff")}`;
  return `<mask id="s"><rect width="32" height="32" fill="#fff"/>${sign("#000")}</mask>${disc} fill="#000" mask="url(#s)"/>`;
}

const folder = join(ROOT, "resources/icons/tray");
mkdirSync(folder, { recursive: true });
const executablePath = find("chromium") ?? find("google-chrome");
if (!executablePath) throw new Error("Chromium is missing: it draws the pictures");
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
for (const mood of /** @type {(keyof typeof MOODS)[]} */ (Object.keys(MOODS))) {
  for (const set of SETS) {
    for (const [size, side] of Object.entries(set.sides)) {
      const page = await browser.newPage({ viewport: { width: side, height: side } });
      await page.setContent(
        `<style>*{margin:0}svg{display:block;width:${side}px;height:${side}px}</style>${svg(mood, set)}`,
      );
      const png = await page.screenshot({ omitBackground: true });
      writeFileSync(join(folder, `${mood}${set.suffix}${size}.png`), png);
      await page.close();
    }
  }
}
await browser.close();
