import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RouterReachStatus } from "../../src-shared/router-status.ts";
import type { Netcheck } from "../../src-shared/status.ts";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { waitUntil } from "./wait.ts";

// One node behind a NAT that counts ports, one behind a NAT that keeps one, one in public; a single router.
let lab: Lab;
let router: Install;
const nodes = new Map<string, Install>();

beforeAll(async () => {
  lab = new Lab();
  router = new Install(lab, lab.publicHost("router"));
  const counting = lab.nat("nat-counting", "symmetric-sequential", 1);
  const keeping = lab.nat("nat-keeping", "port-restricted", 2);
  nodes.set("sequential", new Install(lab, lab.lanHost("counted", counting, 2)));
  nodes.set("independent", new Install(lab, lab.lanHost("kept", keeping, 2)));
  nodes.set("none", new Install(lab, lab.publicHost("public")));
  await router.start(["router"]);
  const invite = inviteIn(await router.ok("network", "create", "home", "--no-join"));
  for (const node of nodes.values()) {
    await node.start();
    await node.ok("join", invite);
  }
});

afterAll(() => lab.close());

async function netcheck(node: Install): Promise<Netcheck> {
  return JSON.parse(await node.ok("netcheck", "--json"));
}

describe("netcheck", () => {
  it.each(["none", "independent", "sequential"])(
    "[C10 C19 Z11] tells by one router's two ports that the NAT's mapping is %s",
    async (mapping) => {
      const node = nodes.get(mapping);
      if (node === undefined) throw new Error(mapping);
      const found = await waitUntil(`it is ${mapping}`, async () => {
        const checked = await netcheck(node);
        return checked.nat.mapping === mapping && checked.nat.udp === true && checked;
      });
      expect(found.stun.map(({ server }) => server).sort()).toEqual([
        `${router.host.address}:7743`,
        `${router.host.address}:7744`,
      ]);
      if (mapping === "sequential") expect(found.nat.step).toBe(1);
      const [seen] = found.routers;
      expect(seen).toMatchObject({ control: true, answers: "router", tcp443: "refused" });
      expect(Math.abs(seen?.clockSkewMs ?? Number.NaN)).toBeLessThan(2000);
      expect(found.findings.map(({ code }) => code)).toContain(`nat-${mapping}`);
    },
  );

  it("[W18] a router's owner is told which of its ports others reach, and what to do about the rest", async () => {
    const check = async () => JSON.parse(await router.ok("router", "check", "--json")) as RouterReachStatus;
    const at = `${router.host.address}:7743`;
    const stateOf = ({ doors }: RouterReachStatus, protocol: string) =>
      doors.find((door) => door.protocol === protocol && door.address === at)?.state;
    const open = await check();
    expect(open.asked.map(({ name }) => name).sort()).toEqual(["counted", "kept", "public"]);
    expect([stateOf(open, "udp"), stateOf(open, "https")]).toEqual(["reached", "reached"]);
    expect(open.findings.map(({ level }) => level)).toEqual(open.findings.map(() => "good"));
    const allow = router.host.refuseUdp();
    const closed = await check();
    expect([stateOf(closed, "udp"), stateOf(closed, "https")]).toEqual(["missed", "reached"]);
    const said = await router.ok("router", "check");
    expect(said).toContain(`UDP ${at} from outside: not reached by`);
    expect(said).toContain("Open UDP port 7743 in the firewall of this machine");
    allow();
    expect(stateOf(await check(), "udp")).toBe("reached");
  });

  it("says that somebody else answers in place of the router, as a captive portal does", async () => {
    const node = nodes.get("independent");
    if (node === undefined) throw new Error("no node");
    await router.end();
    const page = join(lab.folder, "portal.mjs");
    writeFileSync(
      page,
      `import { createServer } from "node:http";
       createServer((_, answer) => answer.writeHead(302, { location: "http://portal.example/" }).end())
         .listen(7743, () => console.log("portal"));`,
    );
    const portal = router.host.start(process.execPath, [page]);
    await portal.says(/portal/);
    const found = await waitUntil("the node is offline", async () => {
      const checked = await netcheck(node);
      return checked.routers.some(({ control, answers }) => !control && answers === "stranger") && checked;
    });
    expect(found.findings).toContainEqual(expect.objectContaining({ code: "captive-portal", level: "bad" }));
    expect(await node.ok("netcheck")).toMatch(/Log in to this network in a browser/);
    await portal.stop();
  });
});
