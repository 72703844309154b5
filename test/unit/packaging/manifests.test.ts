/** What other catalogues are told of a release: read as they read it. */
import { execFileSync, spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { manifestsOf, readSums } from "../../../scripts/dist/manifests.mjs";

const names = [
  "linux-amd64.deb",
  "linux-arm64.deb",
  "windows-x64-setup.exe",
  "macos-arm64.dmg",
  "macos-x64.dmg",
];
const sums = names.map((name, index) => `${String(index).repeat(64)}  starmesh-desktop-1.2.3-${name}\n`);
const release = { version: "1.2.3", repository: "somebody/starmesh", sums: readSums(sums.join("")) };
const place = "https://github.com/somebody/starmesh/releases/download/v1.2.3/starmesh-desktop-1.2.3";

test.skipIf(spawnSync("bash", ["--version"]).error !== undefined)(
  "Arch's recipe is a script that says what its summary says, for both processors",
  () => {
    const manifests = manifestsOf(release);
    const said = execFileSync("bash", ["-eu", "-c", `${manifests["arch/PKGBUILD"]}\n${printed}`], {
      encoding: "utf8",
    });
    for (const [file, script] of Object.entries(manifests).filter(([path]) => /PKGBUILD|install$/.test(path)))
      expect([file, spawnSync("bash", ["-n"], { input: script }).status]).toEqual([file, 0]);
    expect(lines(said)).toEqual(lines(manifests["arch/.SRCINFO"] ?? ""));
    expect(said).toContain(`source_x86_64 = ${place}-linux-amd64.deb\n`);
    expect(said).toContain(`sha256sums_aarch64 = ${"1".repeat(64)}\n`);
  },
);

test("winget's files have what its schema demands, in its forms", () => {
  const files = Object.entries(manifestsOf(release)).filter(([path]) => path.startsWith("winget/"));
  const parsed = files.map(([, text]) => parse(text));
  expect(parsed.map(({ ManifestType }) => ManifestType).sort()).toEqual([
    "defaultLocale",
    "installer",
    "version",
  ]);
  for (const each of parsed)
    expect(each).toMatchObject({
      PackageIdentifier: "Starmesh.Starmesh",
      PackageVersion: "1.2.3",
      ManifestVersion: "1.6.0",
    });
  const { Installers: installers } = parsed.find(({ ManifestType }) => ManifestType === "installer");
  expect(installers.map(({ Scope }: { Scope: string }) => Scope)).toEqual(["user", "machine"]);
  for (const each of installers) {
    expect(each).toMatchObject({ Architecture: "x64", InstallerUrl: `${place}-windows-x64-setup.exe` });
    expect(each.InstallerSha256).toMatch(/^[0-9A-F]{64}$/);
  }
  const texts = parsed.find(({ ManifestType }) => ManifestType === "defaultLocale");
  for (const name of ["PackageLocale", "Publisher", "PackageName", "License", "ShortDescription"])
    expect(texts[name]).toEqual(expect.any(String));
});

test("Homebrew's cask names both images by their hashes, and every block ends", () => {
  const cask = manifestsOf(release)["homebrew/starmesh.rb"] ?? "";
  expect(cask).toContain(`sha256 arm:   "${"3".repeat(64)}",\n         intel: "${"4".repeat(64)}"`);
  expect(cask).toContain("/v#{version}/starmesh-desktop-#{version}-macos-#{arch}.dmg");
  expect(cask.match(/\bdo$/gm)).toHaveLength((cask.match(/^ *end$/gm) ?? []).length);
});

test("a release that lacks a package is told to nobody", () => {
  expect(() => manifestsOf({ ...release, sums: new Map() })).toThrow(
    "the release has no starmesh-desktop-1.2.3",
  );
});

function lines(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .sort();
}

/** Prints what a recipe set, as the summary writes it. */
const printed = `
echo "pkgbase = $pkgname"; echo "pkgname = $pkgname"
for name in pkgdesc pkgver pkgrel url install; do echo "$name = \${!name}"; done
for name in arch license depends optdepends provides conflicts options source_x86_64 sha256sums_x86_64 source_aarch64 sha256sums_aarch64; do
  list="$name[@]"; for value in "\${!list}"; do echo "$name = $value"; done
done`;
