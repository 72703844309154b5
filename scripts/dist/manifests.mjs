// @ts-check
/** What other catalogues of programs are told of a release: Homebrew's cask, the Arch user repository, winget. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT } from "../root.mjs";

/** A release: its version, where its packages lie, and their hashes (SHA-256, hex) by name.
 * @typedef {{ version: string, repository: string, sums: ReadonlyMap<string, string> }} Release */

/**
 * The files, by their paths, as each catalogue wants them.
 * @param {Release} release
 * @returns {Readonly<Record<string, string>>}
 */
export function manifestsOf(release) {
  return {
    "homebrew/starmesh.rb": cask(release),
    "arch/PKGBUILD": packageBuild(release),
    "arch/.SRCINFO": sourceInfo(release),
    "arch/starmesh.install": INSTALL,
    "winget/Starmesh.Starmesh.yaml": winget(release, "version", ["DefaultLocale: en-US"]),
    "winget/Starmesh.Starmesh.installer.yaml": winget(release, "installer", wingetInstallers(release)),
    "winget/Starmesh.Starmesh.locale.en-US.yaml": winget(release, "defaultLocale", wingetTexts(release)),
  };
}

/**
 * Reads the hashes of a release, one line a package as `sha256sum` prints it.
 * @param {string} text
 * @returns {ReadonlyMap<string, string>}
 */
export function readSums(text) {
  const lines = [...text.matchAll(/^([0-9a-f]{64}) {2}(.+)$/gm)];
  return new Map(lines.map(([, hash = "", name = ""]) => [name, hash]));
}

/** @param {Release} release */
function cask(release) {
  const { version, repository } = release;
  const file = (/** @type {string} */ arch) => `starmesh-desktop-${version}-macos-${arch}.dmg`;
  const name = "starmesh-desktop-#{version}-macos-#{arch}.dmg";
  return `cask "starmesh" do
  arch arm: "arm64", intel: "x64"

  version "${version}"
  sha256 arm:   "${sumOf(release, file("arm64"))}",
         intel: "${sumOf(release, file("x64"))}"

  url "https://github.com/${repository}/releases/download/v#{version}/${name}"
  name "Starmesh"
  desc "Any set of computers as one private network"
  homepage "https://github.com/${repository}"

  livecheck do
    url :url
    strategy :github_latest
  end

  auto_updates true
  depends_on macos: ">= :monterey"

  app "Starmesh.app"
  binary "#{appdir}/Starmesh.app/Contents/Resources/bin/starmesh"

  uninstall quit: "io.starmesh.desktop"

  # Its keys and networks go with the last line alone.
  zap trash: [
    "~/Library/Application Support/Starmesh",
    "~/Library/Logs/Starmesh",
    "~/Library/Preferences/io.starmesh.desktop.plist",
  ]
end
`;
}

/** What the deb says of itself, and where it lies, for each processor. @param {Release} release */
function archSources({ version, repository, sums }) {
  return [
    { arch: "x86_64", deb: "amd64" },
    { arch: "aarch64", deb: "arm64" },
  ].map(({ arch, deb }) => {
    const name = `starmesh-desktop-${version}-linux-${deb}.deb`;
    const url = `https://github.com/${repository}/releases/download/v${version}/${name}`;
    return { arch, url, sum: sumOf({ version, repository, sums }, name) };
  });
}

/** @param {Release} release */
function packageBuild(release) {
  const { version, repository } = release;
  const sources = archSources(release);
  return `# Maintainer: the Starmesh authors
pkgname=${ARCH.name}
pkgver=${archVersion(version)}
pkgrel=1
pkgdesc="${ARCH.description}"
arch=(${sources.map(({ arch }) => `'${arch}'`).join(" ")})
url="https://github.com/${repository}"
license=('Apache-2.0')
depends=(${ARCH.depends.map((each) => `'${each}'`).join(" ")})
optdepends=(${ARCH.optional.map((each) => `'${each}'`).join(" ")})
provides=('starmesh')
conflicts=('starmesh')
options=('!strip')
install=starmesh.install
${sources.map(({ arch, url, sum }) => `source_${arch}=('${url}')\nsha256sums_${arch}=('${sum}')`).join("\n")}

package() {
  bsdtar -xf data.tar.* -C "$pkgdir"
  # Chromium's own helper for kernels that give nobody a namespace.
  chmod 4755 "$pkgdir/opt/Starmesh/chrome-sandbox"
  install -d "$pkgdir/usr/bin"
  ln -s /opt/Starmesh/resources/bin/starmesh "$pkgdir/usr/bin/starmesh"
  install -Dm644 "$pkgdir/opt/Starmesh/resources/LICENSE.txt" "$pkgdir/usr/share/licenses/$pkgname/LICENSE"
}
`;
}

/** What `makepkg --printsrcinfo` prints of the file above. @param {Release} release */
function sourceInfo(release) {
  const { version, repository } = release;
  const sources = archSources(release);
  const lines = [
    `pkgdesc = ${ARCH.description}`,
    `pkgver = ${archVersion(version)}`,
    "pkgrel = 1",
    `url = https://github.com/${repository}`,
    "install = starmesh.install",
    ...sources.map(({ arch }) => `arch = ${arch}`),
    "license = Apache-2.0",
    ...ARCH.depends.map((each) => `depends = ${each}`),
    ...ARCH.optional.map((each) => `optdepends = ${each}`),
    "provides = starmesh",
    "conflicts = starmesh",
    "options = !strip",
    ...sources.flatMap(({ arch, url, sum }) => [`source_${arch} = ${url}`, `sha256sums_${arch} = ${sum}`]),
  ];
  return `pkgbase = ${ARCH.name}\n${lines.map((line) => `\t${line}\n`).join("")}\npkgname = ${ARCH.name}\n`;
}

/** @param {Release} release */
function wingetInstallers(release) {
  const { version, repository } = release;
  const name = `starmesh-desktop-${version}-windows-x64-setup.exe`;
  return [
    "MinimumOSVersion: 10.0.17763.0",
    "InstallerType: nullsoft",
    "UpgradeBehavior: install",
    "Protocols:",
    "  - starmesh",
    "Installers:",
    ...["user", "machine"].flatMap((scope) => [
      "  - Architecture: x64",
      `    Scope: ${scope}`,
      `    InstallerUrl: https://github.com/${repository}/releases/download/v${version}/${name}`,
      // Of digits alone it would be read as a number.
      `    InstallerSha256: "${sumOf(release, name).toUpperCase()}"`,
      "    InstallerSwitches:",
      `      Custom: ${scope === "user" ? "/currentuser" : "/allusers"}`,
    ]),
  ];
}

/** @param {Release} release */
function wingetTexts({ repository }) {
  return [
    "PackageLocale: en-US",
    "Publisher: the Starmesh authors",
    "PackageName: Starmesh",
    `PackageUrl: https://github.com/${repository}`,
    "License: Apache-2.0",
    "ShortDescription: Any set of computers as one private network",
    "Tags:",
    "  - mesh",
    "  - network",
    "  - vpn",
    "  - wireguard",
  ];
}

/**
 * @param {Release} release
 * @param {string} kind
 * @param {readonly string[]} lines
 */
function winget({ version }, kind, lines) {
  const head = ["PackageIdentifier: Starmesh.Starmesh", `PackageVersion: ${version}`];
  const foot = [`ManifestType: ${kind}`, `ManifestVersion: ${WINGET}`];
  const schema = `# yaml-language-server: $schema=https://aka.ms/winget-manifest.${kind}.${WINGET}.schema.json`;
  return `${[schema, "", ...head, ...lines, ...foot].join("\n")}\n`;
}

/**
 * @param {Release} release
 * @param {string} name
 */
function sumOf({ sums }, name) {
  const sum = sums.get(name);
  if (sum === undefined) throw new Error(`the release has no ${name}`);
  return sum;
}

/** A version there has no hyphen. @param {string} version */
function archVersion(version) {
  return version.replaceAll("-", "_");
}

const ARCH = {
  name: "starmesh-bin",
  description: "Any set of computers as one private network",
  depends: [
    "gtk3",
    "nss",
    "alsa-lib",
    "libnotify",
    "libxss",
    "libxtst",
    "xdg-utils",
    "at-spi2-core",
    "util-linux-libs",
  ],
  optional: [
    "libayatana-appindicator: an icon in the tray",
    "polkit: rights asked for by a window",
    "nftables: gateways and exits",
  ],
};
const WINGET = "1.6.0";

const INSTALL = `post_upgrade() {
  # A node that runs as a service goes on with the new version.
  systemctl try-restart 'starmesh@*.service' starmesh.service 2>/dev/null || true
}

pre_remove() {
  systemctl stop 'starmesh@*.service' 2>/dev/null || true
  systemctl --quiet disable starmesh@.service 2>/dev/null || true
  /usr/bin/starmesh service uninstall >/dev/null 2>&1 || true
  /usr/bin/starmesh --state /var/lib/starmesh stop >/dev/null 2>&1 || true
}
`;

// `node scripts/dist/manifests.mjs FOLDER OUTPUT`, where the packages of all machines and SHA256SUMS have come together.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder = ".", output = "manifests"] = process.argv.slice(2);
  const repository = process.env["GITHUB_REPOSITORY"];
  if (!repository) throw new Error("GITHUB_REPOSITORY says where the release lies: OWNER/NAME");
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const sums = readSums(readFileSync(join(folder, "SHA256SUMS"), "utf8"));
  for (const [path, text] of Object.entries(manifestsOf({ version, repository, sums }))) {
    mkdirSync(dirname(join(output, path)), { recursive: true });
    writeFileSync(join(output, path), text);
  }
}
