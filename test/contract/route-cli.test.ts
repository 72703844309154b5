/** `starmesh route` against a fake engine over the real socket. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contract } from "../../src-shared/api/contract.ts";
import type { CommandLine } from "./command-line.ts";
import { buildCommandLine, inProcess } from "./command-line.ts";

let line: CommandLine;
let state: string;
beforeAll(async () => {
  line = await buildCommandLine();
  state = await line.running();
});
afterAll(() => line.close());

const here = (...args: string[]) => inProcess(["--state", state, "route", ...args, "--network", "home-lab"]);

describe("route", () => {
  it("list: who carries what and who could take over, as a table and as JSON", async () => {
    const { code, stdout } = await here("list");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^NETWORK +PREFIX +STATE +VIA +WHY +GATEWAYS\n/);
    expect(stdout).toMatch(/home-lab +192\.168\.50\.0\/24 +carried +\S+ .*ready, priority 100/);
    const listed = contract["routes.list"].output.parse(JSON.parse((await here("list", "--json")).stdout));
    expect(listed.routes[0]?.gateways.map(({ standing }) => standing)).toEqual(["carries", "ready"]);
  });

  it("advertise: says what is routed, for whom and how; withdraw ends it", async () => {
    const mapped = await here(
      "advertise",
      "192.168.1.0/24",
      "--as",
      "10.9.1.0/24",
      "--no-snat",
      "--allow",
      "10.31.0.7/32",
    );
    expect(mapped).toMatchObject({
      code: 0,
      stdout:
        "This machine routes 192.168.1.0/24 as 10.9.1.0/24 for 10.31.0.7/32, with the members' own addresses.\n",
    });
    expect((await here("advertise", "192.168.1.0/24")).stdout).toBe("This machine routes 192.168.1.0/24.\n");
    expect(await here("withdraw", "192.168.1.0/24")).toMatchObject({ code: 0 });
    const again = await here("withdraw", "192.168.1.0/24");
    expect(again).toMatchObject({
      code: 1,
      stderr: "192.168.1.0/24 is not routed by it. See: starmesh route list\n",
    });
  });

  it("share: names the LANs that use this machine, and replaces those before; none ends it", async () => {
    expect((await here("share", "192.168.7.0/24", "192.168.8.0/24", "--full-cone")).stdout).toBe(
      "Hosts of 192.168.7.0/24, 192.168.8.0/24 reach the network through this machine, reached at ports that they use.\n",
    );
    expect((await here("share", "192.168.7.0/24")).code).toBe(0);
    expect((await here("list")).stdout).toContain(
      "home-lab: Hosts of 192.168.7.0/24 reach the network through this machine.\n",
    );
    expect((await here("share", "192.168.7")).code).toBe(1);
    expect((await here("share", "none")).stdout).toBe("No LAN reaches the network through this machine.\n");
  });

  it("accept and refuse: all, none, or one prefix otherwise", async () => {
    expect((await here("refuse", "192.168.50.0/24")).stdout).toBe(
      "This machine takes all routes but 192.168.50.0/24.\n",
    );
    expect((await here("accept", "none")).stdout).toBe("This machine takes no routes.\n");
    expect((await here("accept", "192.168.50.0/24")).stdout).toBe(
      "This machine takes these routes alone: 192.168.50.0/24.\n",
    );
    expect((await here("accept", "all")).stdout).toBe("This machine takes all routes.\n");
    expect((await here("accept", "nas", "192.168.50.0/24")).stdout).toBe("nas may route 192.168.50.0/24.\n");
  });

  it("[C21] set: lays down gateways with their priorities, for all or for some", async () => {
    expect((await here("set", "10.5.0.0/16", "--via", "nas=1", "backup=2")).stdout).toBe(
      "10.5.0.0/16 goes to nas, then backup for all members.\n",
    );
    expect((await here("set", "10.5.0.0/16", "--via", "nas", "--for", "laptop")).stdout).toBe(
      "10.5.0.0/16 goes to nas for laptop.\n",
    );
    expect((await here("unset", "10.5.0.0/16")).code).toBe(0);
  });

  it.each<[string, readonly string[], number, RegExp]>([
    [
      "no prefix",
      ["advertise", "somewhere"],
      1,
      /“somewhere” is no prefix: write for example 192\.168\.1\.0\/24/,
    ],
    ["a priority of none", ["advertise", "10.5.0.0/16", "--priority", "0"], 2, /whole number from 1 to 1000/],
    [
      "one map for two prefixes",
      ["advertise", "10.5.0.0/16", "10.6.0.0/16", "--as", "10.7.0.0/16"],
      2,
      /--as goes with one/,
    ],
    ["a table without gateways", ["set", "10.5.0.0/16"], 2, /--via/],
  ])("refuses %s", async (_what, args, code, says) => {
    const ended = await here(...args);
    expect(ended.code).toBe(code);
    expect(ended.stderr).toMatch(says);
  });
});
