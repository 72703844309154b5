/** What a release signs is what its apps believe. */
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { layUpdateKey, signUpdates } from "../../../scripts/dist/updates.mjs";
import { describedUpdate, isSigned } from "../../../src-main/shell/update-signature.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "starmesh-updates-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a description that was signed at packing is believed by the key in the package, and by no other", () => {
  const description = [
    "version: 1.2.3",
    "files:",
    "  - url: starmesh-desktop-1.2.3-linux-x86_64.AppImage",
    "    sha512: PDMLkvLpmyvtG7gKCfKi==",
    "    size: 123456",
    "    blockMapSize: 1234",
    "path: starmesh-desktop-1.2.3-linux-x86_64.AppImage",
    "sha512: PDMLkvLpmyvtG7gKCfKi==",
    "releaseDate: '2026-11-22T00:00:00.000Z'",
    "",
  ].join("\n");
  writeFileSync(join(folder, "latest-linux.yml"), description);
  writeFileSync(join(folder, "other.yml"), "a: 1\n");
  const [key, other] = [0, 1].map(() => {
    const { privateKey } = generateKeyPairSync("ed25519");
    return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  });
  layUpdateKey(key ?? "", join(folder, "key"));
  layUpdateKey(other ?? "", join(folder, "other"));
  signUpdates(key ?? "", folder);

  const signed: unknown = parse(readFileSync(join(folder, "latest-linux.yml"), "utf8"));
  expect(signed).toMatchObject({ ...(parse(description) as object) });
  const update = describedUpdate.parse(signed);
  expect(isSigned(update, readFileSync(join(folder, "key/update-key.pem"), "utf8"))).toBe(true);
  expect(isSigned(update, readFileSync(join(folder, "other/update-key.pem"), "utf8"))).toBe(false);
  expect(readFileSync(join(folder, "other.yml"), "utf8")).toBe("a: 1\n");
});
