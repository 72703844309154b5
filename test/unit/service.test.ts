/** Starmesh as a service: what is laid where, and what the system is asked. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { leaveWords } from "../../src-main/system/helper-darwin.ts";
import { launchdService, propertyList } from "../../src-main/system/launchd.ts";
import { systemdService } from "../../src-main/system/systemd.ts";
import { helperSocketUnit, helperUnit, rootUnit, userUnit } from "../../src-main/system/systemd-units.ts";
import { serviceLine } from "../../src-main/system/windows-service.ts";

const program = {
  node: "/opt/Star mesh/starmesh-desktop",
  commandLine: "/opt/Star mesh/resources/cli.js",
  folder: "/var/lib/starmesh",
};

/** A program that everybody can run; its folder is not there yet. */
const everybodys = { node: "/bin/true", commandLine: "/bin/true", folder: "/var/lib/starmesh-unit-test" };

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
  it("[Z33] is an engine without rights beside the helper, enabled and started, and leaves nothing", async () => {
    const service = systemdService(options());
    expect(await service.state()).toBe("absent");
    expect(await service.install(everybodys)).toBe("starmesh");
    expect(asked).toEqual([
      'systemd-sysusers --inline u starmesh - "Starmesh"',
      "systemctl daemon-reload",
      "systemctl enable --quiet starmesh.service",
      "systemctl restart starmesh.service",
    ]);
    expect(readFileSync(join(folder, "starmesh.service"), "utf8")).toMatch(
      /^ExecStart=\S+ \S+ --state \/var\/lib\/starmesh-unit-test up --foreground\nRestart=on-failure\n(?:.+\n)+User=starmesh\n/m,
    );
    expect(readFileSync(join(folder, "starmesh-helper.service"), "utf8")).toContain(
      "ExecStart=/bin/true listen ",
    );
    expect(await service.state()).toBe("running");
    refusals.set("is-active", "inactive");
    expect(await service.state()).toBe("stopped");
    asked = [];
    await service.uninstall();
    await service.uninstall();
    expect(asked).toEqual([
      "systemctl disable --quiet --now starmesh.service",
      "systemctl stop --quiet starmesh-helper.socket starmesh-helper.service",
      "systemctl daemon-reload",
    ]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("uses the helper that a package brought, and leaves it", async () => {
    writeFileSync(join(folder, "starmesh-helper.socket"), "# A package's.\n");
    const service = systemdService(options());
    await service.install(everybodys);
    expect(readdirSync(folder).sort()).toEqual(["starmesh-helper.socket", "starmesh.service"]);
    await service.uninstall();
    expect(readdirSync(folder)).toEqual(["starmesh-helper.socket"]);
  });

  it("runs as root where nobody else can run the program, or the folder is another's", async () => {
    const own = join(folder, "own");
    writeFileSync(own, "", { mode: 0o700 });
    const service = systemdService(options());
    for (const each of [
      { ...everybodys, commandLine: own },
      { ...everybodys, folder: "/home/somebody/state" },
    ]) {
      expect(await service.install(each)).toBeNull();
      expect(readFileSync(join(folder, "starmesh.service"), "utf8")).not.toContain("User=");
    }
    expect(await systemdService({ ...options(), helper: null }).install(everybodys)).toBeNull();
    expect(existsSync(join(folder, "starmesh-helper.socket"))).toBe(false);
  });

  it("says what the system said when it refuses", async () => {
    refusals.set("restart", "Unit starmesh.service is masked.");
    await expect(systemdService(options()).install(program)).rejects.toMatchObject({
      code: "system-refused",
      message: expect.stringContaining("is masked"),
    });
    const none = { ...options(), folder: join(folder, "none") };
    await expect(systemdService(none).install(program)).rejects.toMatchObject({ code: "system-refused" });
  });

  it("is confined as the units that packages bring, but may read what lies in a home", () => {
    const engine = settings(userUnit(program));
    const named = packaged("starmesh@.service").filter(
      (line) => !/^(Description|ExecStart|Environment\w*|StateDirectory|ProtectHome)=/.test(line),
    );
    expect(named.length).toBeGreaterThan(25);
    for (const line of named) expect(engine).toContain(line);
    const helper = packaged("starmesh-helper.service").filter(
      (line) => !/^(ExecStart|ProtectHome)=/.test(line),
    );
    expect(settings(helperUnit("/bin/true"))).toEqual(expect.arrayContaining(helper));
    expect(settings(helperSocketUnit())).toEqual(packaged("starmesh-helper.socket"));
    // As root it keeps the rights that the helper has, and is otherwise confined like that.
    for (const line of named.filter((each) =>
      /^(No|PrivateTmp|Protect(?!System|Kernel|Home|Control)|Restrict|Lock)/.test(each),
    ))
      expect(settings(rootUnit(program))).toContain(line);
  });

  it("keeps every path as it is", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\/[ -~]{1,40}$/), (path) => {
        const line = userUnit({ ...program, node: path })
          .split("\n")
          .find((each) => each.startsWith("ExecStart="));
        expect(firstWord(line?.slice("ExecStart=".length) ?? "")).toBe(path);
      }),
    );
  });
});

describe("the service of macOS", () => {
  it("[Z33] is a daemon that is loaded and started as its own user beside the helper, and leaves nothing", async () => {
    const service = launchdService({ folder, run, helper: "/opt/starmesh-helper" });
    const own = { ...everybodys, folder: join(folder, "state") };
    expect(await service.state()).toBe("absent");
    refusals.set("print", "Could not find service");
    expect(await service.install(own)).toBe("_starmesh");
    expect(asked).toEqual([
      "launchctl print system/io.starmesh.service",
      "starmesh-helper install --service",
      `chown -RP _starmesh:_starmesh ${own.folder}`,
      `chmod 0710 ${own.folder}`,
      `launchctl bootstrap system ${folder}/io.starmesh.service.plist`,
    ]);
    const list = readFileSync(join(folder, "io.starmesh.service.plist"), "utf8");
    expect(list).toContain("<key>UserName</key><string>_starmesh</string>");
    expect(list).toContain("<key>STARMESH_SOCKET_GROUP</key><string>yes</string>");
    refusals.clear();
    expect(await service.state()).toBe("running");
    await service.uninstall();
    expect(asked.slice(-2)).toEqual([
      "launchctl bootout system/io.starmesh.service",
      "starmesh-helper uninstall --service",
    ]);
    expect(existsSync(join(folder, "io.starmesh.service.plist"))).toBe(false);
  });

  it("is root's where there is no helper, or nobody else can run the program", async () => {
    refusals.set("print", "Could not find service");
    expect(await launchdService({ folder, run, helper: null }).install(program)).toBeNull();
    const list = () => readFileSync(join(folder, "io.starmesh.service.plist"), "utf8");
    expect(list()).not.toContain("UserName");
    expect(await launchdService({ folder, run, helper: "/opt/starmesh-helper" }).install(program)).toBeNull();
    expect(list()).not.toContain("UserName");
  });

  it("takes any path as a text of XML", () => {
    const list = propertyList({ ...program, folder: "/a & <b>" }, null);
    expect(list).toContain("<string>/a &amp; &lt;b&gt;</string>");
  });
});

describe("the helper of macOS", () => {
  it("[Z33] is laid by one question, whose script holds neither the program nor the user", () => {
    const path = `/Applications/a "b' $(c).app/helper`;
    const words = leaveWords(path, 501);
    const script = words.filter((_, at) => words[at - 1] === "-e").join("\n");
    expect(script).toContain("with administrator privileges");
    expect(script).not.toContain("/Applications");
    expect(words.slice(-3, -1)).toEqual([path, "501"]);
  });
});

describe("the service of Windows", () => {
  const installed = {
    node: "C:\\Program Files\\Starmesh\\Starmesh.exe",
    commandLine: "C:\\Program Files\\Starmesh\\cli.js",
    folder: "C:\\ProgramData\\Starmesh",
  };

  it("[Z33] runs the engine by one line, which names who may use it", () => {
    expect(serviceLine(installed, "S-1-5-21-1-2-3-1001")).toBe(
      '"C:\\Program Files\\Starmesh\\Starmesh.exe" "C:\\Program Files\\Starmesh\\cli.js" --state "C:\\ProgramData\\Starmesh" service run --user S-1-5-21-1-2-3-1001',
    );
  });

  it("keeps every path as it is", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^C:\\[ !#-~]{0,40}$/), (path) => {
        expect(wordsOf(serviceLine({ ...installed, node: path, folder: path }, "S-1-5-18"))).toEqual([
          path,
          installed.commandLine,
          "--state",
          path,
          "service",
          "run",
          "--user",
          "S-1-5-18",
        ]);
      }),
    );
  });
});

function options() {
  return { folder, packaged: [], run, helper: "/bin/true" };
}

/** The settings of a unit that packages bring. */
function packaged(name: string): readonly string[] {
  return settings(readFileSync(new URL(`../../resources/linux/${name}`, import.meta.url), "utf8"));
}

/** How Windows takes a command line apart (`CommandLineToArgvW`), as far as no word has quotation marks. */
function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/"([^"]*)"|([^ "]+)/g)].map(([, inside, bare = ""]) =>
    inside === undefined ? bare : inside.replace(/\\+$/, (all) => all.slice(all.length / 2)),
  );
}

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
