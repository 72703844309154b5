/** The archive for servers: its folder as it is unpacked, and the script in it that installs, updates and takes away. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { layHeadless } from "../../scripts/dist/headless.mjs";
import { thisMachine } from "../../scripts/dist/targets.mjs";
import { version } from "../../src-main/version.ts";

let work: string;
/** The unpacked archive. */
let archive: string;
/** Stands for the root of a machine. */
let machine: string;

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), "starmesh-archive-"));
  archive = join(work, "starmesh");
  expect(await layHeadless(thisMachine(), archive)).toEqual({ lacks: [] });
}, 60_000);
beforeEach(() => {
  machine = mkdtempSync(join(work, "machine-"));
  mkdirSync(join(machine, "etc/systemd/system"), { recursive: true });
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

function install(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(join(archive, "install.sh"), args, {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], DESTDIR: machine },
  });
  return { status, stdout, stderr };
}

/** Every file and link on the machine. */
function files(): string[] {
  return readdirSync(machine, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(machine.length))
    .sort();
}

describe.skipIf(process.platform !== "linux")("the archive for servers", () => {
  it("[W31] runs where it was unpacked, by a link as well, with the system's Node where none came along", () => {
    const link = join(work, "starmesh-link");
    symlinkSync(join(archive, "bin/starmesh"), link);
    const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };
    expect(execFileSync(link, ["--version"], { encoding: "utf8", env }).trim()).toBe(version);
  });

  it("[W31] is installed to /opt with a command and service files, and nothing besides", () => {
    expect(install()).toMatchObject({ status: 0, stderr: "" });
    expect(files().filter((path) => !path.startsWith("/opt/starmesh/"))).toEqual([
      "/etc/systemd/system/starmesh-helper.service",
      "/etc/systemd/system/starmesh-helper.socket",
      "/etc/systemd/system/starmesh@.service",
      "/etc/sysusers.d/starmesh.conf",
      "/usr/local/bin/starmesh",
      "/usr/local/sbin/starmesh-helper",
    ]);
    expect(readlinkSync(join(machine, "usr/local/bin/starmesh"))).toBe("/opt/starmesh/bin/starmesh");
    const helper = readlinkSync(join(machine, "usr/local/sbin/starmesh-helper"));
    expect(existsSync(join(machine, helper)), helper).toBe(true);
    const command = join(machine, "opt/starmesh/bin/starmesh");
    expect(execFileSync(command, ["--version"], { encoding: "utf8" }).trim()).toBe(version);
  });

  it("replaces what is installed, and leaves no file of the old version", () => {
    expect(install().status).toBe(0);
    const old = join(machine, "opt/starmesh/lib/out/chunk-OLDOLDOL.js");
    writeFileSync(old, "");
    const before = files().filter((path) => !path.endsWith("chunk-OLDOLDOL.js"));
    expect(install().status).toBe(0);
    expect(files()).toEqual(before);
  });

  it("is taken away whole; keys and networks stay until --purge", () => {
    const before = files();
    expect(install().status).toBe(0);
    const states = ["starmesh", "starmesh-home"].map((name) => join(machine, "var/lib", name));
    for (const state of states) {
      mkdirSync(state, { recursive: true });
      writeFileSync(join(state, "identity.json"), "{}");
    }
    const gone = install("--uninstall");
    expect(gone).toMatchObject({ status: 0 });
    expect(gone.stdout).toContain("Keys and networks are kept");
    expect(files()).toEqual([
      ...before,
      "/var/lib/starmesh-home/identity.json",
      "/var/lib/starmesh/identity.json",
    ]);
    expect(install().status).toBe(0);
    expect(install("--uninstall", "--purge").status).toBe(0);
    expect(files()).toEqual(before);
  });

  it("touches nothing when it only tells, and nothing that is somebody else's", () => {
    const before = files();
    const told = install("--dry-run");
    expect(told.stdout).toContain("/opt/starmesh");
    expect(files()).toEqual(before);

    mkdirSync(join(machine, "opt/starmesh"), { recursive: true });
    writeFileSync(join(machine, "opt/starmesh/photo.jpg"), "");
    const refused = install();
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/holds something else; choose another folder with --prefix/);
    expect(existsSync(join(machine, "opt/starmesh/photo.jpg"))).toBe(true);

    const other = install("--prefix", "/srv/mesh");
    expect(other.status).toBe(0);
    rmSync(join(machine, "usr/local/bin/starmesh"));
    symlinkSync("/usr/bin/true", join(machine, "usr/local/bin/starmesh"));
    expect(install("--uninstall", "--prefix", "/srv/mesh").status).toBe(0);
    expect(readlinkSync(join(machine, "usr/local/bin/starmesh"))).toBe("/usr/bin/true");
  });

  it("says how it is used when it is asked wrongly", () => {
    for (const args of [["--frefix"], ["--prefix"], ["--prefix", "relative"]]) {
      const { status, stderr } = install(...args);
      expect(status).toBe(2);
      expect(stderr).toMatch(/usage|whole path/);
    }
    expect(files()).toEqual([]);
  });
});
