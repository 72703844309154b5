// @ts-check
/** `node scripts/icons.mjs`: draws resources/icons/starmesh.svg in every size and container that systems ask for. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { find } from "./command.mjs";
import { ROOT } from "./root.mjs";

/** A square picture. @typedef {{ side: number, png: Buffer }} Picture */

/** Sides of the pictures for Linux, each a file of its own. */
export const LINUX_SIDES = [16, 24, 32, 48, 64, 128, 256, 512];
/** Sides of the pictures in the Windows icon. */
export const WINDOWS_SIDES = [16, 20, 24, 32, 40, 48, 64, 256];
/** The entries of the macOS icon: their type and side. @type {readonly (readonly [string, number])[]} */
export const MACOS_ENTRIES = [
  ["icp4", 16],
  ["icp5", 32],
  ["ic11", 32],
  ["ic12", 64],
  ["ic07", 128],
  ["ic13", 256],
  ["ic08", 256],
  ["ic14", 512],
  ["ic09", 512],
  ["ic10", 1024],
];

/**
 * An .ico file: a directory of pictures, which are PNG (Windows Vista and newer).
 * @param {readonly Picture[]} pictures
 */
export function windowsIcon(pictures) {
  const head = Buffer.alloc(6 + 16 * pictures.length);
  head.writeUInt16LE(1, 2);
  head.writeUInt16LE(pictures.length, 4);
  let offset = head.length;
  pictures.forEach(({ side, png }, index) => {
    const at = 6 + 16 * index;
    // One byte each; 256 is written as 0.
    head.writeUInt8(side % 256, at);
    head.writeUInt8(side % 256, at + 1);
    head.writeUInt16LE(1, at + 4);
    head.writeUInt16LE(32, at + 6);
    head.writeUInt32LE(png.length, at + 8);
    head.writeUInt32LE(offset, at + 12);
    offset += png.length;
  });
  return Buffer.concat([head, ...pictures.map(({ png }) => png)]);
}

/**
 * An .icns file: PNG pictures, each with its four letters and its length.
 * @param {readonly { type: string, png: Buffer }[]} entries
 */
export function macosIcon(entries) {
  const parts = entries.map(({ type, png }) => Buffer.concat([chunkHead(type, png.length), png]));
  const body = Buffer.concat(parts);
  return Buffer.concat([chunkHead("icns", body.length), body]);
}

/**
 * @param {string} type
 * @param {number} length
 */
function chunkHead(type, length) {
  const head = Buffer.alloc(8);
  head.write(type, "latin1");
  head.writeUInt32BE(length + 8, 4);
  return head;
}

async function draw() {
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({
    executablePath: find("chromium", ["/usr/bin"]) ?? "chromium",
    args: ["--no-sandbox"],
  });
  const page = await browser.newPage();
  const svg = readFileSync(join(ICONS, "starmesh.svg"), "utf8");
  /**
   * @param {number} side
   * @param {number} margin on each side, as a part of it
   */
  const picture = async (side, margin) => {
    const drawn = Math.round(side * (1 - 2 * margin));
    await page.setViewportSize({ width: side, height: side });
    await page.setContent(
      `<style>body{margin:0;height:100vh;display:grid;place-items:center}svg{width:${drawn}px;height:${drawn}px}</style>${svg}`,
    );
    return page.screenshot({ omitBackground: true });
  };
  /** @param {number} side */
  const plain = async (side) => ({ side, png: await picture(side, 0) });
  mkdirSync(join(ICONS, "sizes"), { recursive: true });
  for (const side of LINUX_SIDES) {
    writeFileSync(join(ICONS, "sizes", `${side}x${side}.png`), (await plain(side)).png);
  }
  const windows = [];
  for (const side of WINDOWS_SIDES) windows.push(await plain(side));
  writeFileSync(join(ICONS, "starmesh.ico"), windowsIcon(windows));
  const macos = [];
  // Icons in the Dock stand apart by a margin of their own.
  for (const [type, side] of MACOS_ENTRIES) macos.push({ type, png: await picture(side, 100 / 1024) });
  writeFileSync(join(ICONS, "starmesh.icns"), macosIcon(macos));
  await browser.close();
}

const ICONS = join(ROOT, "resources/icons");

if (process.argv[1] === fileURLToPath(import.meta.url)) await draw();
