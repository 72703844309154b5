/** What a release signs is what its apps believe. */
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { joinMacUpdates, layUpdateKey, signUpdates } from "../../../scripts/dist/updates.mjs";
import { believedUpdate, describedUpdate, isSigned } from "../../../src-main/shell/update-signature.ts";

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
    "releaseNotes: |",
    "  - Finds more direct ways.",
    "  - Starts sooner: “at once”.",
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
  expect(believedUpdate(signed, readFileSync(join(folder, "key/update-key.pem"), "utf8"))).toEqual({
    version: "1.2.3",
    notes: "- Finds more direct ways.\n- Starts sooner: “at once”.\n",
  });
  expect(isSigned(update, readFileSync(join(folder, "other/update-key.pem"), "utf8"))).toBe(false);
  expect(readFileSync(join(folder, "other.yml"), "utf8")).toBe("a: 1\n");
});

test("what two machines made for macOS becomes one description, signed as a whole", () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  for (const arch of ["x64", "arm64"]) {
    const file = { url: `starmesh-desktop-1.2.3-macos-${arch}.zip`, sha512: `${arch}==`, size: 1 };
    const description = { version: "1.2.3", files: [file], path: file.url, sha512: file.sha512 };
    // JSON is YAML, too.
    writeFileSync(join(folder, `latest-mac-${arch}.yml`), JSON.stringify(description));
  }
  layUpdateKey(key, join(folder, "key"));
  signUpdates(key, folder);
  joinMacUpdates(key, folder);
  expect(readdirSync(folder).sort()).toEqual(["key", "latest-mac.yml"]);
  const update = describedUpdate.parse(parse(readFileSync(join(folder, "latest-mac.yml"), "utf8")));
  expect(update.files.map(({ url }) => url)).toEqual([
    "starmesh-desktop-1.2.3-macos-arm64.zip",
    "starmesh-desktop-1.2.3-macos-x64.zip",
  ]);
  expect(isSigned(update, readFileSync(join(folder, "key/update-key.pem"), "utf8"))).toBe(true);
});
