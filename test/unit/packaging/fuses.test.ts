/** The fuses of a packed program: the table, and what setting it writes into a binary. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FuseV1Options } from "@electron/fuses";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { afterPack, fuses, wrongFuses } from "../../../scripts/fuses.mjs";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "starmesh-fuses-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("every fuse is on its safe side, but for the one that command line and service need", () => {
  expect(fuses).toMatchObject({
    strictlyRequireAllFuses: true,
    [FuseV1Options.RunAsNode]: true,
    [FuseV1Options.EnableCookieEncryption]: true,
    [FuseV1Options.EnableNodeOptionsEnvironmentVariable]: false,
    [FuseV1Options.EnableNodeCliInspectArguments]: false,
    [FuseV1Options.EnableEmbeddedAsarIntegrityValidation]: true,
    [FuseV1Options.OnlyLoadAppFromAsar]: true,
    [FuseV1Options.GrantFileProtocolExtraPrivileges]: false,
  });
});

test.each([
  ["linux", "starmesh-desktop"],
  ["win32", "Starmesh.exe"],
])("packing for %s writes them into the program", async (electronPlatformName, name) => {
  const program = join(folder, name);
  writeFileSync(program, binaryWith(electronsOwn));
  expect(await wrongFuses(program)).toEqual([
    "EnableCookieEncryption",
    "EnableNodeOptionsEnvironmentVariable",
    "EnableNodeCliInspectArguments",
    "EnableEmbeddedAsarIntegrityValidation",
    "OnlyLoadAppFromAsar",
    "GrantFileProtocolExtraPrivileges",
  ]);
  await afterPack({ appOutDir: folder, electronPlatformName });
  expect(await wrongFuses(program)).toEqual([]);
  expect(readFileSync(program, "latin1").split(sentinel)[1]?.slice(2, 11)).toBe("110011001");
});

test("packing keeps the app in one archive whose hash the program knows, and sets the fuses", () => {
  const configuration = parse(
    readFileSync(new URL("../../../electron-builder.yml", import.meta.url), "utf8"),
  );
  expect(configuration).toMatchObject({ asar: true, afterPack: "scripts/fuses.mjs" });
  expect(configuration).not.toHaveProperty("disableAsarIntegrity");
});

test("a program with a fuse that nobody decided on is not packed", async () => {
  writeFileSync(join(folder, "starmesh-desktop"), binaryWith(`${electronsOwn}0`));
  await expect(afterPack({ appOutDir: folder, electronPlatformName: "linux" })).rejects.toThrow();
});

test("where there is no program of ours, packing fails", async () => {
  await expect(afterPack({ appOutDir: folder, electronPlatformName: "linux" })).rejects.toThrow(
    "no program of ours",
  );
});

/** A file with a wire of fuses in it, as Electron's binaries have: sentinel, version, count, a digit for each. */
function binaryWith(wire: string): Buffer {
  return Buffer.concat([
    Buffer.alloc(1000, 7),
    Buffer.from(sentinel),
    Buffer.from([1, wire.length]),
    Buffer.from(wire),
    Buffer.alloc(1000, 9),
  ]);
}

const sentinel = "dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX";
/** As Electron is delivered. */
const electronsOwn = "101100011";
