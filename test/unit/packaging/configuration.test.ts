/** What describes the packages: every file that is named is there, and says what its system can read. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { ROOT } from "../../../scripts/root.mjs";

const text = (path: string): string => readFileSync(join(ROOT, path), "utf8");

const resource = z.object({ from: z.string(), to: z.string() });
const system = z.object({ icon: z.string(), extraResources: z.array(resource).default([]) }).loose();
const linuxPackage = z.object({
  afterInstall: z.string(),
  afterRemove: z.string(),
  fpm: z.array(z.string()),
});
const configuration = z
  .object({
    files: z.array(z.string()),
    asarUnpack: z.array(z.string()),
    extraResources: z.array(resource.loose()),
    afterPack: z.string().optional(),
    protocols: z.array(z.object({ schemes: z.array(z.string()) })),
    linux: system,
    win: system,
    mac: system,
    deb: linuxPackage,
    rpm: linuxPackage,
    nsis: z.object({ include: z.string(), deleteAppDataOnUninstall: z.literal(false) }).loose(),
  })
  .loose()
  .parse(parse(text("electron-builder.yml")));

describe("the desktop packages", () => {
  it("[W31] name only files that are there, or that are laid when packages are made", () => {
    const { linux, win, mac, deb, rpm, nsis, extraResources, afterPack } = configuration;
    const fpm = [...deb.fpm, ...rpm.fpm].map((each) => each.replace(/^--[a-z-]+=|=\/.*$/g, ""));
    const named = [
      ...[linux, win, mac].flatMap((each) => [each.icon, ...each.extraResources.map(({ from }) => from)]),
      ...[deb, rpm].flatMap((each) => [each.afterInstall, each.afterRemove]),
      ...extraResources.map(({ from }) => from),
      ...fpm,
      nsis.include,
      ...(afterPack === undefined ? [] : [afterPack]),
    ];
    expect(named.length).toBeGreaterThan(15);
    for (const path of named.filter((each) => !each.startsWith("out/"))) {
      expect(existsSync(join(ROOT, path)), path).toBe(true);
    }
  });

  it("keep the window's code in the archive, and beside it only what runs as plain Node", () => {
    expect(configuration.files).toEqual(expect.arrayContaining(["out/app.js", "out/preload.cjs"]));
    expect(configuration.asarUnpack.filter((pattern) => pattern.startsWith("out"))).toEqual([]);
    const [bundles] = configuration.extraResources;
    expect(bundles?.["filter"]).toEqual(["cli.js", "daemon.js", "chunk-*.js", "renderer/**"]);
  });

  it("[C05] open links of invites", () => {
    expect(configuration.protocols.flatMap(({ schemes }) => schemes)).toEqual(["starmesh"]);
  });
});

describe("the scripts that packages bring", () => {
  it.each([
    "resources/linux/after-install.sh",
    "resources/linux/before-remove.sh",
    "resources/linux/after-remove.sh",
    "resources/linux/starmesh",
    "resources/macos/starmesh",
    "resources/headless/starmesh",
    "resources/headless/install.sh",
    "resources/headless/starmesh.openrc",
    "resources/container/entry.sh",
  ])("%s is one that sh can read and the system can run", (path) => {
    expect(spawnSync("sh", ["-n", join(ROOT, path)], { encoding: "utf8" }).stderr).toBe("");
    expect(statSync(join(ROOT, path)).mode & 0o111).toBe(0o111);
  });

  it("hold nothing that electron-builder takes for its own placeholders", () => {
    for (const { afterInstall, afterRemove } of [configuration.deb, configuration.rpm]) {
      for (const path of [afterInstall, afterRemove]) expect(text(path)).not.toMatch(/\$\{|<%/);
    }
  });

  it("speak to Windows in lines that its command interpreter reads", () => {
    const lines = text("resources/windows/starmesh.cmd").split("\n");
    expect(lines.slice(0, -1).every((line) => line.endsWith("\r"))).toBe(true);
    // Where an installer's text in two languages begins, so does its encoding.
    expect(text("resources/windows/installer.nsh")).toMatch(/[\u4e00-\u9fff]/);
  });
});

test("the system asks in words, in both languages, before the helper of an installed package may run", () => {
  const policy = text("resources/linux/org.starmesh.helper.policy");
  const [helper] = configuration.linux.extraResources.filter(({ to }) => to === "drivers/helper");
  expect(policy).toContain(`>/opt/Starmesh/resources/${helper?.to}/starmesh-helper<`);
  for (const tag of ["description", "message"]) {
    expect(policy).toMatch(new RegExp(`<${tag}>[^<]+<.*\\n +<${tag} xml:lang="zh_CN">[^<]*[\u4e00-\u9fff]`));
  }
  expect(policy).not.toMatch(/<allow_\w+>yes</);
});

describe("the container", () => {
  const recipe = text("resources/container/Containerfile");

  it("[C31] is built from the archive for servers and from files beside the recipe", () => {
    const copied = [...recipe.matchAll(/^COPY (?:--\S+ )*(\S+) /gm)].map(([, name = ""]) => name);
    expect(copied).toEqual(["entry.sh"]);
    for (const name of copied) expect(existsSync(join(ROOT, "resources/container", name)), name).toBe(true);
    expect(recipe).toMatch(/^ADD \$\{ARCHIVE\} /m);
    expect(recipe).toMatch(/^FROM \S+:\S+$/m);
    expect(recipe).toMatch(/^HEALTHCHECK /m);
    expect(recipe).toMatch(/^VOLUME \/var\/lib\/starmesh$/m);
  });

  it("[C31] gives up root at its start", () => {
    const entry = text("resources/container/entry.sh");
    expect(entry).toMatch(/exec setpriv --reuid=starmesh .*--no-new-privs/);
    expect(recipe).not.toMatch(/--privileged/);
  });
});

test("[C31] a node per name runs as a service of systemd, which stops it gently and keeps its state to itself", () => {
  const unit = text("resources/linux/starmesh@.service");
  expect(unit).toMatch(/^ExecStart=starmesh --state \/var\/lib\/starmesh-%i \$ARGUMENTS$/m);
  expect(unit).toMatch(/^User=starmesh$/m);
  expect(unit).toMatch(/^StateDirectory=starmesh-%i$/m);
  expect(unit).toMatch(/^NoNewPrivileges=yes$/m);
  // What needs rights is done by the helper, which the packages bring under the name that its unit calls.
  expect(unit).toMatch(/^Requires=starmesh-helper.socket$/m);
  expect(text("resources/linux/starmesh-helper.service")).toMatch(/^ExecStart=starmesh-helper listen /m);
  for (const script of ["resources/linux/after-install.sh", "resources/headless/install.sh"])
    expect(text(script)).toMatch(/ln -sf \S+\/drivers\/helper\/starmesh-helper\S* \S+/);
});
