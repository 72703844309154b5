/** `starmesh policy` against a fake engine over the real socket. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { policyPlan, policyRuling, policyStatus } from "../../src-shared/policy-status.ts";
import type { CommandLine } from "./command-line.ts";
import { buildCommandLine, inProcess } from "./command-line.ts";

let line: CommandLine;
let state: string;
beforeAll(async () => {
  line = await buildCommandLine();
  state = await line.running();
});
afterAll(() => line.close());

const here = (...args: string[]) => inProcess(["--state", state, "policy", ...args, "--network", "home-lab"]);
const given = (text: string, ...args: string[]) =>
  line.run(["--state", state, "policy", ...args, "--network", "home-lab"], { input: text });
/** A file beside the state folder. */
function file(name: string, text: string): string {
  const path = join(state, name);
  writeFileSync(path, text);
  return path;
}

describe("policy", () => {
  it("show: everybody reaches everybody where none was ever set", async () => {
    const { code, stdout, stderr } = await here("show");
    expect({ code, stdout }).toEqual({ code: 0, stdout: "default: all\n" });
    expect(stderr).toContain("No policy was ever set: everybody reaches everybody.");
    expect(policyStatus.parse(JSON.parse((await here("show", "--json")).stdout))).toMatchObject({
      version: 0,
    });
  });

  it("preview: who gains and loses what, and sets nothing", async () => {
    const text = "default: all\nrules:\n  - { from: tokyo-vps, to: backup, ports: 'tcp:22', action: drop }\n";
    const { code, stdout } = await given(text, "preview", "-");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^FROM +TO +LOSES\ntokyo-vps +backup +tcp:22 *\n$/);
    expect(
      policyPlan.parse(JSON.parse((await given(text, "preview", "-", "--json")).stdout)).changes,
    ).toEqual([{ from: ["tokyo-vps"], to: ["backup"], lost: ["tcp:22"], gained: [] }]);
    expect((await here("show")).stdout).toBe("default: all\n");
  });

  it("[Z24] set: for good where nobody is cut off; show prints what can be set again", async () => {
    const text =
      "default: all\ngroups: { far: [tokyo-vps, oslo-vps] }\nrules:\n  - { from: group:far, to: backup, ports: 'tcp:22', action: drop, comment: nothing to do there }\n";
    const path = file("far.yaml", text);
    const done = await here("set", path);
    expect(done).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("Set: version 1 of the policy of home-lab."),
    });
    const shown = (await here("show")).stdout;
    expect(shown).toContain("comment: nothing to do there");
    expect((await given(shown, "set", "-")).stderr).toContain("Nobody gains or loses anything.");
  });

  it("set: says line and column of a mistake, and which test does not hold", async () => {
    const path = file("wrong.yaml", "default: none\nrules:\n  - from: group:nobody\n    to: any\n");
    expect(await here("set", path)).toMatchObject({
      code: 2,
      stderr: `${path}:3:5: “rules.0.from.0”: there is no group “nobody”.\n`,
    });
    const test = "default: none\ntests:\n  - { from: nas, to: backup, port: 22, expect: accept }\n";
    expect(await given(test, "set", "-")).toMatchObject({
      code: 2,
      stderr:
        "standard input:3:5: “tests.0”: nas → backup tcp:22 should be accepted, but the default drops it.\n",
    });
    expect(await here("set", join(state, "not-there.yaml"))).toMatchObject({ code: 2 });
  });

  it("[W04] default none: on trial where it cuts this machine off, kept by confirm", async () => {
    expect(await here("confirm")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("No policy of “home-lab” is on trial"),
    });
    const tried = await here("default", "none");
    expect(tried.code).toBe(0);
    expect(tried.stdout).toMatch(
      /On trial until \d{4}-.*, then it is taken back\. It takes something away between this machine and atlas, /,
    );
    expect(tried.stderr).toMatch(/Keep it: starmesh .*policy confirm/);
    expect((await here("show")).stderr).toContain("On trial until ");
    expect(await here("confirm")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Kept: version \d+ of the policy of home-lab\.\n$/),
    });
    expect((await here("show")).stderr).not.toContain("On trial");
    const back = await here("default", "all", "--keep", "--json");
    expect(policyStatus.parse(JSON.parse(back.stdout).status)).toMatchObject({
      trialUntil: null,
      policy: { default: "all" },
    });
  });

  it("check: which rule decides, of the policy that counts or of a file", async () => {
    expect((await here("check", "oslo-vps", "backup", "22")).stdout).toBe(
      "oslo-vps does not reach backup by 22: rule 1, group:far → backup: tcp:22 drop (nothing to do there)\n",
    );
    expect((await here("check", "oslo-vps", "backup", "udp:53")).stdout).toBe(
      "oslo-vps may reach backup by udp:53: default: all\n",
    );
    const path = file("none.yaml", "default: none\n");
    const asked = await here("check", "oslo-vps", "backup", "icmp", "--file", path, "--json");
    expect(policyRuling.parse(JSON.parse(asked.stdout))).toMatchObject({
      action: "drop",
      rulings: [{ rule: null, line: "default: none" }],
    });
    expect(await here("check", "nobody", "backup", "22")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("No member “nobody”"),
    });
    expect(await here("check", "nas", "backup", "tcp")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("write one port"),
    });
  });

  it("[Z25] check: says so where this machine lets nobody in", async () => {
    expect((await line.run(["--state", state, "set", "--inbound", "off"])).stdout).toMatch(
      /Inbound +refused: only answers come in/,
    );
    expect((await here("check", "nas", "aurora", "22")).stdout).toContain("But this machine lets nobody in.");
    expect((await here("show")).stderr).toContain("starmesh set --inbound on");
    expect((await line.run(["--state", state, "set", "--inbound", "on"])).stdout).toMatch(
      /Inbound +as the networks' policies say/,
    );
  });

  it("edit: opens the policy in the editor and sets what was saved", async () => {
    const edit = (editor: string) =>
      line.run(["--state", state, "policy", "edit", "--network", "home-lab", "--keep"], { editor });
    expect((await edit("true")).stderr).toContain("Nothing was changed.");
    expect((await edit("sed -i s/far:/remote:/")).code).toBe(2);
    expect((await edit("sed -i s/far/remote/")).stdout).toContain("Set: version");
    expect((await here("show")).stdout).toContain("group:remote");
    expect(await edit("false")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("nothing was set"),
    });
  });

  it("says in its help what a policy is", async () => {
    const { stdout } = await line.run(["policy", "--help"]);
    for (const word of [
      "default: none",
      "group:admins",
      "starmesh policy check bob nas tcp:22",
      "starmesh set --inbound off",
    ])
      expect(stdout).toContain(word);
  });
});
