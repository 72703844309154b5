// @ts-check
/** System packages that tests use. */
import { find, run } from "./command.mjs";

/** The program of a package that is not named like it. @type {Readonly<Record<string, string>>} */
const PROGRAMS = {
  iproute2: "ip",
  "miniupnpd-nftables": "miniupnpd",
  "tinyproxy-bin": "tinyproxy",
  "iputils-ping": "ping",
  "dnsmasq-base": "dnsmasq",
  "bind9-dnsutils": "dig",
  nftables: "nft",
  "fonts-noto-cjk": "fc-list",
};

/**
 * Installs packages where this is Debian and we are root; answers those still missing.
 * @param {readonly string[]} packages
 */
export async function systemPackages(packages) {
  const absent = await notInstalled(packages);
  if (absent.length === 0) return [];
  const apt = find("apt-get");
  if (!apt || process.getuid?.() !== 0) {
    process.stderr.write(`missing for some suites, which are skipped: ${absent.join(" ")}\n`);
    return absent;
  }
  process.stderr.write(`installing ${absent.join(" ")}\n`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const install = ["install", "-y", "--no-install-recommends", ...absent];
  let result = await run(apt, install, { env });
  if (result.code !== 0) {
    await run(apt, ["update"], { env });
    result = await run(apt, install, { env });
  }
  const still = await notInstalled(absent);
  if (still.length > 0)
    process.stderr.write(
      `${result.output}\nmissing for some suites, which are skipped: ${still.join(" ")}\n`,
    );
  return still;
}

/** @param {readonly string[]} packages */
async function notInstalled(packages) {
  if (!find("dpkg-query"))
    return packages.filter((name) => !find(PROGRAMS[name] ?? name, ["/usr/sbin", "/sbin"]));
  // biome-ignore lint/suspicious/noTemplateCurlyInString: these are dpkg's own placeholders.
  const { output } = await run("dpkg-query", ["-W", "-f", "${Package} ${db:Status-Status}\n", ...packages]);
  return packages.filter((name) => !output.split("\n").includes(`${name} installed`));
}
