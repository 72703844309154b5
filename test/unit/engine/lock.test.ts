import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockFolder, readHolder } from "../../../src-main/engine/lock.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "starmesh-lock-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the folder's lock", () => {
  it("is one process's at a time, and names it", async () => {
    const lock = await lockFolder(folder);
    expect(readHolder(folder)?.pid).toBe(process.pid);
    await expect(lockFolder(folder)).rejects.toMatchObject({
      code: "already-running",
      data: { pid: process.pid },
    });
    lock.release();
    lock.release();
    expect(readHolder(folder)).toBeNull();
    (await lockFolder(folder)).release();
  });

  it("is free as soon as its holder was killed", async () => {
    const child = await holderProcess();
    await expect(lockFolder(folder)).rejects.toMatchObject({
      code: "already-running",
      data: { pid: child.pid },
    });
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(readHolder(folder)).toBeNull();
    const lock = await lockFolder(folder);
    expect(JSON.parse(readFileSync(join(folder, "lock"), "utf8"))).toMatchObject({ pid: process.pid });
    lock.release();
  });

  it("does not care for a note of a process that runs but does not hold it", async () => {
    writeFileSync(join(folder, "lock"), JSON.stringify({ pid: 1, startedAt: "2020-01-01T00:00:00Z" }));
    const lock = await lockFolder(folder);
    expect(readHolder(folder)?.pid).toBe(process.pid);
    lock.release();
  });

  it("takes a garbled note for nobody's", async () => {
    writeFileSync(join(folder, "lock"), "\u0000garbage");
    expect(readHolder(folder)).toBeNull();
    (await lockFolder(folder)).release();
  });

  /** Another process that has taken the lock. */
  async function holderProcess() {
    const script = join(folder, "holder.mjs");
    await build({
      stdin: {
        contents: `import { lockFolder } from "./src-main/engine/lock.ts";
          await lockFolder(${JSON.stringify(folder)});
          console.log("held");
          setInterval(() => {}, 1000);`,
        resolveDir: root,
      },
      bundle: true,
      platform: "node",
      format: "esm",
      outfile: script,
      alias: { koffi: join(root, "node_modules/koffi/index.js") },
      external: ["*/koffi/index.js"],
      logLevel: "error",
    });
    const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    return child;
  }
});

const root = fileURLToPath(new URL("../../..", import.meta.url));
