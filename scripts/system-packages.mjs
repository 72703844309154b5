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
    say(`missing for some suites, which are skipped: ${absent.join(" ")}`);
    return absent;
  }
  say(`installing ${absent.join(" ")}`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const install = ["install", "-y", "--no-install-recommends", ...absent];
  let result = await run(apt, install, { env });
  if (result.code !== 0) {
    await run(apt, ["update"], { env });
    result = await run(apt, install, { env });
  }
  const still = await notInstalled(absent);
  if (still.length > 0)
    say(`${result.output}\nmissing for some suites, which are skipped: ${still.join(" ")}`);
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

/**
 * Says a line of its own, also where the latest one shows the progress of something else.
 * @param {string} line
 */
function say(line) {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}\n` : `${line}\n`);
}
