import { execFileSync } from "node:child_process";
import { chmodSync, readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AppError } from "../../src-shared/errors.ts";
import { dockerRules } from "./firewall.ts";
import type { Host } from "./host.ts";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { giveNameServer, lookUp, startNameServer } from "./name-servers.ts";
import { ping } from "./traffic.ts";
import { Unprivileged } from "./unprivileged.ts";
import { waitUntil } from "./wait.ts";

/** Where this machine's control groups lie; empty: it has none of version 2. */
const groups = execFileSync("sh", ["-c", "awk '/ - cgroup2 /{print $5; exit}' /proc/self/mountinfo"], {
  encoding: "utf8",
}).trim();

// A laptop behind a NAT and an office that is a gateway and its way to the internet: both engines are an ordinary user's, and on
// each machine a helper runs as root.
let lab: Lab;
let laptop: Unprivileged;
let office: Unprivileged;
let printer: Host;
let site: Host;
let file: () => string;

beforeAll(async () => {
  lab = new Lab();
  chmodSync(lab.folder, 0o711);
  const router = new Install(lab, lab.publicHost("router"));
  site = lab.publicHost("site");
  const names = lab.publicHost("names");
  await startNameServer(names, { "who.example.org": "198.51.100.1" });
  const home = lab.nat("nat-one", "port-restricted", 1);
  const work = lab.nat("nat-two", "port-restricted", 2);
  printer = lab.lanHost("printer", work, 9);
  laptop = new Unprivileged(lab, lab.lanHost("laptop", home, 2));
  office = new Unprivileged(lab, lab.lanHost("office", work, 2));
  file = giveNameServer(laptop.host, names.address);
  const echo = site.start(process.execPath, ["-e", tellAddress]);
  await echo.says(/listening/);
  await router.start(["router"]);
  const link = await router.routerLink();
  await Promise.all([laptop, office].map((each) => each.startHelper()));
  await Promise.all([laptop.startAsUser(), office.startAsUser()]);
  const invite = inviteIn(await office.ok("network", "create", "work", "--router", link));
  await laptop.ok("join", invite);
  await Promise.all([laptop.online("work"), office.online("work")]);
});

afterAll(() => lab.close());

describe("engines without rights, each with a helper", () => {
  it("[Z33] reach each other, by name too, and say by what right", async () => {
    const { address } = await office.online("work");
    await waitUntil(
      "packets come back",
      async () => (await ping(laptop.host, address, { count: 1 })).received === 1,
    );
    expect((await ping(laptop.host, "office.work.mesh", { count: 1 })).received).toBe(1);
    expect(await lookUp(laptop.host, "who.example.org")).toBe("198.51.100.1");
    const { node } = await laptop.status();
    expect([node.limited, node.rights]).toEqual([null, { kind: "helper", canAsk: false }]);
    const effective = laptop.host.runNow("sh", "-c", `grep -h CapEff /proc/${node.pid}/status`);
    expect(effective.trim()).toMatch(/^CapEff:\s*0+$/);
  });

  it("[P01 P24 P32] route a LAN, through rules of others that drop too, and undo all when the gateway's engine is killed", async () => {
    office.host.nftables(dockerRules);
    await office.ok("route", "advertise", "192.168.2.0/24");
    await waitUntil(
      "the printer answers",
      async () => (await ping(laptop.host, printer.address, { count: 1, waitSeconds: 1 })).received === 1,
    );
    expect(changed(office.host)).toMatchObject({ forwarding: "1", tables: 1, rules: 2, interfaces: 1 });
    expect((await office.run("route", "list")).stderr).toContain("ip filter FORWARD");
    await office.end("SIGKILL");
    await waitUntil("nothing is left", () => isUntouched(office.host));
    await office.startAsUser();
    await waitUntil(
      "the printer answers again",
      async () => (await ping(laptop.host, printer.address, { count: 1, waitSeconds: 1 })).received === 1,
    );
  });

  it("lose nothing but what is new while the helper is away, say so in one line, and go on with the next", async () => {
    const { address } = await office.online("work");
    await office.killHelper();
    const lost = new AppError("helper-lost").message;
    await waitUntil("it is said", async () => (await office.status()).node.limited === lost);
    expect((await ping(laptop.host, address, { count: 1 })).received).toBe(1);
    await office.startHelper();
    await waitUntil("it is found", async () => (await office.status()).node.limited === null);
    await waitUntil(
      "the printer answers",
      async () => (await ping(laptop.host, printer.address, { count: 1, waitSeconds: 1 })).received === 1,
    );
    expect(changed(office.host)).toMatchObject({ forwarding: "1", tables: 1, rules: 2, interfaces: 1 });
    // The next helper knows what to undo, though the last one did it.
    await office.end("SIGKILL");
    await waitUntil("nothing is left", () => isUntouched(office.host));
    await office.startAsUser();
  });

  it("[Z05 Z26] go to the internet through a member, strictly: also while the engine is killed, and not longer", async () => {
    await office.ok("route", "advertise", "192.168.2.0/24", "0.0.0.0/0");
    await waitUntil(
      "it is offered",
      async () => (await laptop.run("exit-node", "office", "--kill-switch", "strict")).code === 0,
    );
    await waitUntil("the site sees the office", async () => (await seen()) === office.host.outer);
    // No other way had to be found for the network's own packets: the helper marked their socket.
    expect(laptop.host.runNow("ss", "-uanpe")).toMatch(/0\.0\.0\.0:7743 .*fwmark:0x534d/);
    await laptop.end("SIGKILL");
    expect(await seen()).toBeNull();
    await laptop.startAsUser();
    await waitUntil("the site sees the office again", async () => (await seen()) === office.host.outer);
    await laptop.ok("exit-node", "off");
    await waitUntil("the site sees the laptop", async () => (await seen()) === laptop.host.outer);
    expect(laptop.host.runNow("ip", "rule")).not.toContain("21325");
  });

  it("leave names as they were when they end", async () => {
    expect(file()).toContain("127.83.77.53");
    await laptop.end();
    expect(file()).not.toContain("127.83.77.53");
    expect(laptop.host.runNow("ip", "-j", "link")).not.toContain("starmesh");
  });

  it("of a user who may not ask say in one line what to do, and get nothing", async () => {
    const other = new Unprivileged(lab, laptop.host, "other");
    await other.startAsUser(stranger, laptop.environment);
    const { node } = await other.status();
    expect([node.limited, node.rights.kind]).toEqual([new AppError("no-privilege").message, "none"]);
    await other.end();
  });

  it.skipIf(groups === "")(
    "[Z26] let one program past a strict exit, name it, and send it back; nobody else's process can be named",
    async () => {
      await laptop.killHelper();
      await laptop.startHelper({ groups: true });
      await laptop.startAsUser();
      await waitUntil(
        "the exit is chosen",
        async () => (await laptop.run("exit-node", "office", "--kill-switch", "strict")).code === 0,
      );
      await waitUntil("the site sees the office", async () => (await seen()) === office.host.outer);
      const ask = `curl -s -m 20 http://${site.address}:8080/; echo`;
      const past = laptop.command(["outside", "--", "sh", "-c", `while read line; do ${ask}; done`], {
        user: 65_534,
        env: laptop.environment,
      });
      past.write("now\n");
      await past.says(new RegExp(`::ffff:${laptop.host.outer}\n`));
      expect(await seen()).toBe(office.host.outer);
      const listed = await laptop.ok("outside");
      expect(listed).toMatch(/^\d+ {2}sh\n$/);
      expect(await laptop.ok("exit-node")).toContain("Past it: sh (");
      expect(await laptop.ok("outside", "--back", listed.split(" ")[0] ?? "")).toContain("No program");
      past.stdout = "";
      past.write("again\n");
      await past.says(new RegExp(`::ffff:${office.host.outer}\n`));
      await past.stop();
      await laptop.ok("exit-node", "off");
      await laptop.end();
      expect(readdirSync(groups).filter((name) => name.startsWith("starmesh_outside_u65534"))).toEqual([]);
    },
  );
});

/** What a gateway changes of its machine. */
function changed(host: Host) {
  return {
    forwarding: host.runNow("cat", "/proc/sys/net/ipv4/ip_forward").trim(),
    tables: host.runNow("nft", "list", "tables").match(/starmesh/g)?.length ?? 0,
    // Their comments say which engine's they are.
    rules: host.runNow("nft", "list", "ruleset").match(/comment "starmesh_/g)?.length ?? 0,
    interfaces: host.runNow("ip", "-o", "link").match(/: starmesh/g)?.length ?? 0,
  };
}

function isUntouched(host: Host): boolean {
  const { forwarding, tables, rules, interfaces } = changed(host);
  return forwarding === "0" && tables === 0 && rules === 0 && interfaces === 0;
}

/** Under which address the site sees the laptop; null: it does not get there. */
async function seen(): Promise<string | null> {
  const { code, stdout } = await laptop.host.run("curl", ["-s", "-m", "2", `http://${site.address}:8080/`]);
  return code === 0 ? stdout.replace(/^::ffff:/, "") : null;
}

/** A site that answers with the address of who asks. */
const tellAddress = `require("node:http")
  .createServer((request, response) => response.end(request.socket.remoteAddress))
  .listen(8080, "::", () => console.log("listening"))`;
const stranger = 65_533;
