/** Starmesh as a service: what is laid where, and what the system is asked. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { launchdService, propertyList } from "../../src-main/system/launchd.ts";
import { systemdService, unitText } from "../../src-main/system/systemd.ts";
import { taskCommand, taskService } from "../../src-main/system/windows-task.ts";

const program = {
  node: "/opt/Star mesh/starmesh-desktop",
  commandLine: "/opt/Star mesh/resources/cli.js",
  folder: "/var/lib/starmesh",
};

let folder: string;
let asked: string[];
let refusals: Map<string, string>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "starmesh-service-"));
  asked = [];
  refusals = new Map();
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A system that does what it is asked, but for words that it was told to refuse. */
function run(path: string, args: readonly string[]): Promise<string | null> {
  asked.push(`${path.split(/[/\\]/).at(-1)} ${args.join(" ")}`);
  return Promise.resolve([...refusals].find(([word]) => args.includes(word))?.[1] ?? null);
}

describe("the service of Linux", () => {
  it("[Z33] is a unit that is enabled and started, and leaves nothing", async () => {
    const service = systemdService(folder, run);
    expect(await service.state()).toBe("absent");
    await service.install(program);
    expect(asked).toEqual([
      "systemctl daemon-reload",
      "systemctl enable --quiet starmesh.service",
      "systemctl restart starmesh.service",
    ]);
    expect(readFileSync(join(folder, "starmesh.service"), "utf8")).toContain(
      'ExecStart="/opt/Star mesh/starmesh-desktop" "/opt/Star mesh/resources/cli.js" --state /var/lib/starmesh up --foreground\n',
    );
    expect(await service.state()).toBe("running");
    refusals.set("is-active", "inactive");
    expect(await service.state()).toBe("stopped");
    asked = [];
    await service.uninstall();
    await service.uninstall();
    expect(asked).toEqual(["systemctl disable --quiet --now starmesh.service", "systemctl daemon-reload"]);
    expect(existsSync(join(folder, "starmesh.service"))).toBe(false);
  });

  it("says what the system said when it refuses", async () => {
    refusals.set("restart", "Unit starmesh.service is masked.");
    await expect(systemdService(folder, run).install(program)).rejects.toMatchObject({
      code: "system-refused",
      message: expect.stringContaining("is masked"),
    });
    await expect(systemdService(join(folder, "none"), run).install(program)).rejects.toMatchObject({
      code: "system-refused",
    });
  });

  it("is confined as the unit that packages bring, but may read what lies in a home", () => {
    const packaged = readFileSync(
      new URL("../../resources/linux/starmesh@.service", import.meta.url),
      "utf8",
    );
    const own = settings(unitText(program));
    const named = settings(packaged).filter(
      (line) => !/^(Description|ExecStart|Environment\w*|StateDirectory\w*|ProtectHome)=/.test(line),
    );
    expect(named.length).toBeGreaterThan(15);
    for (const line of named) expect(own).toContain(line);
  });

  it("keeps every path as it is", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\/[ -~]{1,40}$/), (path) => {
        const line = unitText({ ...program, node: path })
          .split("\n")
          .find((each) => each.startsWith("ExecStart="));
        expect(firstWord(line?.slice("ExecStart=".length) ?? "")).toBe(path);
      }),
    );
  });
});

describe("the service of macOS", () => {
  it("[Z33] is a daemon that is loaded and started, and leaves nothing", async () => {
    const service = launchdService(folder, run);
    expect(await service.state()).toBe("absent");
    refusals.set("print", "Could not find service");
    await service.install(program);
    expect(asked).toEqual([
      "launchctl print system/io.starmesh.service",
      `launchctl bootstrap system ${folder}/io.starmesh.service.plist`,
    ]);
    refusals.clear();
    expect(await service.state()).toBe("running");
    await service.uninstall();
    expect(asked.at(-1)).toBe("launchctl bootout system/io.starmesh.service");
    expect(existsSync(join(folder, "io.starmesh.service.plist"))).toBe(false);
  });

  it("takes any path as a text of XML", () => {
    expect(propertyList({ ...program, folder: "/a & <b>" })).toContain("<string>/a &amp; &lt;b&gt;</string>");
  });
});

describe("the service of Windows", () => {
  const installed = {
    node: "C:\\S\\Starmesh.exe",
    commandLine: "C:\\S\\cli.js",
    folder: "C:\\ProgramData\\Starmesh",
  };

  it("[Z33] is a task that starts with the machine, and leaves nothing", async () => {
    const service = taskService("C:\\Windows", run);
    await service.install(installed);
    expect(asked).toEqual([
      'schtasks.exe /Create /F /SC ONSTART /RU SYSTEM /RL HIGHEST /TR C:\\Windows\\System32\\cmd.exe /c "set ELECTRON_RUN_AS_NODE=1&& "C:\\S\\Starmesh.exe" "C:\\S\\cli.js" --state "C:\\ProgramData\\Starmesh" up --foreground" /TN Starmesh',
      "schtasks.exe /Run /TN Starmesh",
    ]);
    asked = [];
    await service.uninstall();
    expect(asked.at(-1)).toBe("schtasks.exe /Delete /F /TN Starmesh");
    refusals.set("/Query", "The system cannot find the file specified.");
    expect(await service.state()).toBe("absent");
  });

  it("refuses what the scheduler would cut off", () => {
    expect(() => taskCommand({ ...installed, folder: `C:\\${"x".repeat(250)}` }, "C:\\Windows")).toThrow(
      "too long",
    );
  });
});

function settings(unit: string): readonly string[] {
  return unit.split("\n").filter((line) => /^\w+=/.test(line));
}

/** How systemd reads the first word of a command line. */
function firstWord(line: string): string {
  const bare = line.startsWith('"')
    ? (/^"((?:[^"\\]|\\.)*)"/.exec(line)?.[1] ?? "").replaceAll(/\\(.)/g, "$1")
    : (line.split(" ")[0] ?? "");
  return bare.replaceAll("%%", "%").replaceAll("$$", "$");
}
