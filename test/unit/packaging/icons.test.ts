/** The icons of the packages: every size in every container, and the containers as systems read them. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  LINUX_SIDES,
  MACOS_ENTRIES,
  macosIcon,
  WINDOWS_SIDES,
  windowsIcon,
} from "../../../scripts/icons.mjs";
import { ROOT } from "../../../scripts/root.mjs";

const icons = join(ROOT, "resources/icons");

test("there is a picture of every size for Linux, Windows and macOS", () => {
  for (const side of LINUX_SIDES) {
    const path = join(icons, "sizes", `${side}x${side}.png`);
    expect(existsSync(path), path).toBe(true);
    expect(sideOf(readFileSync(path))).toBe(side);
  }
  expect(readWindows(readFileSync(join(icons, "starmesh.ico"))).map(sideOf)).toEqual(WINDOWS_SIDES);
  const macos = readMacos(readFileSync(join(icons, "starmesh.icns")));
  expect(macos.map(({ type, body }) => [type, sideOf(body)])).toEqual(MACOS_ENTRIES);
});

test("any pictures come out of both containers as they went in", () => {
  const picture = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  const side = fc.integer({ min: 1, max: 256 });
  fc.assert(
    fc.property(fc.array(fc.record({ side, png: picture }), { minLength: 1, maxLength: 12 }), (pictures) => {
      expect(readWindows(windowsIcon(pictures))).toEqual(pictures.map(({ png }) => png));
      const entries = pictures.map(({ png }, index) => ({ type: `ic${10 + index}`, png }));
      expect(readMacos(macosIcon(entries))).toEqual(entries.map(({ type, png }) => ({ type, body: png })));
    }),
    { seed: 1, numRuns: 50 },
  );
});

/** Width in the first chunk of a square PNG. */
function sideOf(png: Buffer): number {
  expect(png.readUInt32BE(16)).toBe(png.readUInt32BE(20));
  return png.readUInt32BE(16);
}

function readWindows(file: Buffer): Buffer[] {
  expect([file.readUInt16LE(0), file.readUInt16LE(2)]).toEqual([0, 1]);
  return Array.from({ length: file.readUInt16LE(4) }, (_, index) => {
    const at = 6 + 16 * index;
    const offset = file.readUInt32LE(at + 12);
    return file.subarray(offset, offset + file.readUInt32LE(at + 8));
  });
}

function readMacos(file: Buffer): { readonly type: string; readonly body: Buffer }[] {
  expect(file.toString("latin1", 0, 4)).toBe("icns");
  expect(file.readUInt32BE(4)).toBe(file.length);
  const entries = [];
  for (let at = 8; at < file.length; at += file.readUInt32BE(at + 4)) {
    const body = file.subarray(at + 8, at + file.readUInt32BE(at + 4));
    entries.push({ type: file.toString("latin1", at, at + 4), body });
  }
  return entries;
}
