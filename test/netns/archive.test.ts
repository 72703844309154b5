/** The archive for servers on a machine of its own: what was unpacked there runs a router, a node and a network. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { layHeadless } from "../../scripts/dist/headless.mjs";
import { thisMachine } from "../../scripts/dist/targets.mjs";
import type { Host } from "./host.ts";
import { Lab } from "./lab.ts";
import { waitUntil } from "./wait.ts";

let lab: Lab;
let host: Host;
let program: string;

beforeAll(async () => {
  lab = new Lab();
  host = lab.publicHost("server");
  const folder = join(lab.folder, "unpacked");
  await layHeadless(thisMachine(), folder);
  program = join(folder, "bin/starmesh");
});
afterAll(() => lab.close());

async function starmesh(...args: readonly string[]): Promise<string> {
  const state = join(lab.folder, "state");
  const { code, stdout, stderr } = await host.run(program, ["--state", state, ...args]);
  expect(code, stderr).toBe(0);
  return stdout;
}

describe("the unpacked archive for servers", () => {
  it("[W31] starts in the background, hosts a network, carries its packets, and stops", async () => {
    await starmesh("up");
    const invite = await starmesh("network", "create", "home");
    expect(invite.trim()).toMatch(/^starmesh:\/\/join\//);
    await waitUntil("the network is online", async () => {
      const { networks } = JSON.parse(await starmesh("status", "--json"));
      return networks[0]?.state === "online";
    });
    const { networks } = JSON.parse(await starmesh("status", "--json"));
    const addresses = host.runNow("ip", "-brief", "address");
    expect(addresses).toContain(networks[0].address);
    await starmesh("stop");
    expect(host.runNow("ip", "-brief", "address")).not.toContain(networks[0].address);
  });
});
