import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { build } from "esbuild";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { formatEvent, openLog, usualLimits } from "../../../src-main/engine/log.ts";

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "starmesh-log-")), "logs");
});
afterEach(() => rmSync(join(folder, ".."), { recursive: true, force: true }));

const day = (number: number) => new Date(Date.UTC(2026, 10, 1 + number, 12));

describe("the log folder", () => {
  it("[E19] takes events, and the console none of them", async () => {
    const errors = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const { log, debug, close } = openLog({ folder, console: false, now: () => day(0) });
    log("engine.start", { version: "0.1.0", port: 7743 });
    debug("control.sent", { kind: "hello" });
    await close();
    expect(readFileSync(join(folder, "starmesh-2026-11-01.log"), "utf8")).toBe(
      "2026-11-01T12:00:00.000Z engine.start version=0.1.0 port=7743\n",
    );
    expect(statSync(join(folder, "starmesh-2026-11-01.log")).mode & 0o777).toBe(0o600);
    expect(errors).not.toHaveBeenCalled();
    errors.mockRestore();
  });

  it("[E19] stays empty when the console was asked for, which also shows debug events", async () => {
    const lines: string[] = [];
    const errors = vi
      .spyOn(process.stderr, "write")
      .mockImplementation((text) => lines.push(String(text)) > 0);
    const { log, debug, close } = openLog({ folder, console: true, now: () => day(0) });
    log("engine.start");
    debug("control.sent", { kind: "hello" });
    await close();
    errors.mockRestore();
    expect(lines).toEqual([
      "2026-11-01T12:00:00.000Z engine.start\n",
      "2026-11-01T12:00:00.000Z control.sent kind=hello\n",
    ]);
    expect(readdirSync(join(folder, ".."))).toEqual([]);
  });

  it("[E20] compresses each day when it is over and keeps 30 days", async () => {
    let now = day(0);
    const { log, close } = openLog({ folder, console: false, now: () => now });
    for (let at = 0; at < 45; at++) {
      now = day(at);
      log("day", { at });
      await close();
    }
    const files = readdirSync(folder).sort();
    expect(files).toHaveLength(31);
    expect(files.at(0)).toBe("starmesh-2026-11-15.log.gz");
    expect(files.at(-1)).toBe("starmesh-2026-12-15.log");
    expect(files.slice(0, -1).every((name) => name.endsWith(".log.gz"))).toBe(true);
    expect(gunzipSync(readFileSync(join(folder, "starmesh-2026-11-20.log.gz"))).toString()).toMatch(
      / day at=19\n$/,
    );
  });

  it("[E20] stays within its size, dropping the oldest", async () => {
    const limits = { fileBytes: 20_000, folderBytes: 60_000, days: 30 };
    const { log, close } = openLog({ folder, console: false, now: () => day(3), limits });
    for (let number = 0; number < 3000; number++) {
      // Random text, so that compression does not hide a missing bound.
      log("event", { number, noise: randomBytes(30).toString("base64").replaceAll(/[+/=]/g, " ") });
      if (number % 100 === 0) await close();
    }
    await close();
    const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(60_000 + 20_500);
    expect(sizes.length).toBeGreaterThan(3);
    expect(readFileSync(join(folder, "starmesh-2026-11-04.log"), "utf8")).toMatch(/number=2999 /);
    expect(readdirSync(folder)).not.toContain("starmesh-2026-11-04.1.log.gz");
    expect(usualLimits).toEqual({ fileBytes: 5_242_880, folderBytes: 52_428_800, days: 30 });
  });

  it("[E20] compresses what a killed engine left, and leaves other files alone", async () => {
    const first = openLog({ folder, console: false, now: () => day(0) });
    first.log("before");
    await first.close();
    writeFileSync(join(folder, "starmesh-2026-11-01.1.log"), "left\n");
    writeFileSync(join(folder, "notes.txt"), "mine");
    const second = openLog({ folder, console: false, now: () => day(1) });
    second.log("after");
    await second.close();
    expect(readdirSync(folder).sort()).toEqual([
      "notes.txt",
      "starmesh-2026-11-01.1.log.gz",
      "starmesh-2026-11-01.log.gz",
      "starmesh-2026-11-02.log",
    ]);
  });

  it("[E19] is written by a bundled program that starts anywhere", async () => {
    const program = join(folder, "..", "program.mjs");
    await build({
      stdin: {
        contents: `import { openLog } from "./src-main/engine/log.ts";
          const { log, close } = openLog({ folder: ${JSON.stringify(folder)}, console: false });
          log("engine.start");
          await close();`,
        resolveDir: fileURLToPath(new URL("../../..", import.meta.url)),
      },
      banner: {
        js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
      },
      bundle: true,
      platform: "node",
      format: "esm",
      outfile: program,
      logLevel: "error",
    });
    const child = spawn(process.execPath, [program], { cwd: "/", stdio: "inherit" });
    expect(await once(child, "exit")).toEqual([0, null]);
    const [file = ""] = readdirSync(folder);
    expect(readFileSync(join(folder, file), "utf8")).toMatch(/Z engine\.start\n$/);
  });

  it("costs nothing but the log when it cannot be written", async () => {
    const errors = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const blocked = join(folder, "..", "file");
    writeFileSync(blocked, "");
    const { log, close } = openLog({ folder: join(blocked, "logs"), console: false });
    log("engine.start");
    log("engine.stop");
    await close();
    expect(errors).not.toHaveBeenCalled();
    errors.mockRestore();
  });
});

describe("an event's line", () => {
  const format = (fields: Readonly<Record<string, unknown>>) => formatEvent(day(0), "e", fields).slice(27);

  it("is one line, whatever the fields hold", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.anything()), (fields) => {
        expect(format(fields)).not.toMatch(/\p{Cc}/u);
      }),
    );
    expect(format({ a: "x y", b: 'q"', c: null, d: undefined, e: [1, "z"], f: 2n })).toBe(
      'a="x y" b="q\\"" c=null e="[1,\\"z\\"]" f=2',
    );
  });

  it("holds no key, token or link", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.constantFrom("at ", "", "peer="),
        (bytes, before) => {
          const buffer = Buffer.from(bytes);
          for (const text of [
            buffer.toString("base64"),
            buffer.toString("base64url"),
            buffer.toString("hex"),
          ]) {
            const line = format({ text: `${before}${text}`, nested: { text } });
            expect(line).not.toContain(text);
            expect(line).toContain(`${text.slice(0, 8)}…`);
          }
        },
      ),
    );
    expect(format({ line: "join starmesh://join/1/abc_-d now", secret: "hush", sessionToken: "x" })).toBe(
      'line="join starmesh://… now" secret=… sessionToken=…',
    );
    expect(format({ nested: { seed: "abc" } })).not.toContain("abc");
    expect(format({ path: "/usr/lib/node_modules/starmesh/out/daemon.js:1200:33" })).toContain(
      "/out/daemon.js:1200:33",
    );
  });
});
