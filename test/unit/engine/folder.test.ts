import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Machine } from "../../../src-main/engine/folder.ts";
import {
  ownFolder,
  prepareFolder,
  socketOf,
  sudoCaller,
  systemFolder,
} from "../../../src-main/engine/folder.ts";
import { AppError } from "../../../src-shared/errors.ts";

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "starmesh-folder-"));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const linux: Machine = { platform: "linux", environment: {}, home: "/home/mei", uid: 1000 };

describe("the choice of a folder", () => {
  it("takes the data folder of the user and the system's for root", () => {
    expect(ownFolder(linux)).toBe("/home/mei/.local/share/starmesh");
    expect(ownFolder({ ...linux, environment: { XDG_DATA_HOME: "/data" } })).toBe("/data/starmesh");
    expect(ownFolder({ ...linux, environment: { XDG_DATA_HOME: "relative" } })).toBe(
      "/home/mei/.local/share/starmesh",
    );
    expect(ownFolder({ ...linux, uid: 0 })).toBe("/var/lib/starmesh");
    expect(ownFolder({ ...linux, platform: "darwin", home: "/Users/mei" })).toBe(
      "/Users/mei/Library/Application Support/Starmesh",
    );
    const windows: Machine = {
      platform: "win32",
      environment: { LOCALAPPDATA: "C:\\L" },
      home: "C:\\Users\\mei",
      uid: null,
    };
    expect(ownFolder(windows)).toBe("C:\\L\\Starmesh");
    expect(ownFolder({ ...windows, environment: {} })).toBe("C:\\Users\\mei\\AppData\\Local\\Starmesh");
    expect(systemFolder(windows)).toBe("C:\\ProgramData\\Starmesh");
  });

  it("knows sudo's caller, and believes nobody but root", () => {
    const environment = { SUDO_UID: "1000", SUDO_GID: "100" };
    expect(sudoCaller({ ...linux, uid: 0, environment })).toEqual({ uid: 1000, gid: 100 });
    expect(sudoCaller({ ...linux, uid: 1000, environment })).toBeNull();
    expect(sudoCaller({ ...linux, uid: 0 })).toBeNull();
    expect(sudoCaller({ ...linux, uid: 0, environment: { SUDO_UID: "x", SUDO_GID: "1" } })).toBeNull();
  });
});

describe("the socket's path", () => {
  it("lies in the folder, whichever way the folder is named", () => {
    const folder = join(base, "s");
    mkdirSync(folder);
    symlinkSync(folder, join(base, "link"));
    expect(socketOf(folder)).toBe(join(folder, "starmesh.sock"));
    expect(socketOf(join(base, "link"))).toBe(join(folder, "starmesh.sock"));
  });

  it("is never over 100 bytes, and differs for different folders", () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z0-9á漢-]{1,40}$/), { minLength: 1, maxLength: 8 }),
        (parts) => {
          const folder = `/nonexistent/${parts.join("/")}`;
          const path = socketOf(folder);
          expect(Buffer.byteLength(path)).toBeLessThanOrEqual(100);
          expect(socketOf(`${folder}/deeper`)).not.toBe(path);
          expect(socketOf(folder)).toBe(path);
        },
      ),
    );
  });

  it("is a pipe on Windows", () => {
    expect(socketOf(base, "win32")).toMatch(/^\\\\\.\\pipe\\starmesh-[0-9a-f]{24}$/);
  });
});

describe("preparing the folder", () => {
  const refusal = (folder: string): string => {
    try {
      prepareFolder(folder);
    } catch (error) {
      if (error instanceof AppError) return `${error.code}: ${error.message}`;
    }
    return "accepted";
  };

  it("makes it for its owner alone", () => {
    const folder = join(base, "a", "b");
    prepareFolder(folder);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it("lets sudo's caller through to the socket, and nobody else read", () => {
    const folder = join(base, "sudo");
    prepareFolder(folder, { uid: 1000, gid: 1000 });
    expect(statSync(folder).mode & 0o777).toBe(process.getuid?.() === 0 ? 0o711 : 0o700);
  });

  it("keeps the mode of a folder that is there", () => {
    chmodSync(base, 0o750);
    prepareFolder(base);
    expect(statSync(base).mode & 0o777).toBe(0o750);
  });

  it("refuses a file, and a folder that everybody may write to, in one line", () => {
    const file = join(base, "file");
    writeFileSync(file, "");
    expect(refusal(file)).toMatch(/^state-not-writable: .*not a folder/);
    expect(refusal(join(file, "x"))).toMatch(/^state-not-writable: .*part of its path is a file/);
    chmodSync(base, 0o777);
    expect(refusal(base)).toMatch(/^state-not-writable: .*all users/);
  });

  it("makes a private folder for the socket of a long path", () => {
    const folder = join(base, "x".repeat(60), "y".repeat(60));
    prepareFolder(folder);
    const socketFolder = join(socketOf(folder), "..");
    expect(lstatSync(socketFolder).mode & 0o077).toBe(0);
    expect(existsSync(join(folder, "starmesh.sock"))).toBe(false);
  });
});
