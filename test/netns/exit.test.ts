import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ExitStatus } from "../../src-shared/exit.ts";
import type { Capture } from "./capture.ts";
import { capture } from "./capture.ts";
import type { Host } from "./host.ts";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { giveNameServer, lookUp, startNameServer } from "./name-servers.ts";
import { ping } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

/** Where this machine's control groups lie; empty: it has none of version 2. */
const groups = execFileSync("sh", ["-c", "awk '/ - cgroup2 /{print $5; exit}' /proc/self/mountinfo"], {
  encoding: "utf8",
}).trim();

// A laptop behind a NAT, an office that is its way to the internet, and a site out there that sees who comes.
let lab: Lab;
let laptop: Install;
let office: Install;
let site: Host;
let printer: Host;
let nat: Host;

beforeAll(async () => {
  lab = new Lab();
  const router = new Install(lab, lab.publicHost("router"));
  const home = lab.nat("nat-one", { kind: "port-restricted", ipv6: true }, 1);
  nat = home.host;
  site = lab.publicHost("site", { ipv6: true });
  printer = lab.lanHost("printer", home, 9);
  // Each place has a server of its own, which names the site differently: so it shows which one was asked.
  const office4 = lab.publicHost("office", { ipv6: true });
  const servers = [lab.publicHost("dns-home"), lab.publicHost("dns-office")] as const;
  await startNameServer(servers[0], { "who.example.org": "198.51.100.1" });
  await startNameServer(servers[1], { "who.example.org": "198.51.100.2" });
  const laptopHost = lab.lanHost("laptop", home, 2);
  giveNameServer(laptopHost, servers[0].address);
  giveNameServer(office4, servers[1].address);
  laptop = new Install(lab, laptopHost);
  office = new Install(lab, office4);
  const echo = site.start(process.execPath, ["-e", tellAddress]);
  await echo.says(/listening/);
  await router.start(["router"]);
  const link = await router.routerLink();
  await Promise.all([laptop.start(), office.start()]);
  const invite = inviteIn(await office.ok("network", "create", "work", "--router", link));
  await laptop.ok("join", invite);
  await Promise.all([laptop.online("work"), office.online("work")]);
});

afterAll(() => lab.close());

describe("a member as the way to the internet", () => {
  it("[Z29 Z24] is nobody's before an administrator granted it and it was chosen", async () => {
    const before = laptop.host.runNow("ip", "rule") + laptop.host.runNow("ip", "route");
    const refused = await laptop.run("exit-node", "office");
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("no way to the internet")]);
    await office.ok("route", "advertise", "0.0.0.0/0", "::/0");
    await waitUntil("it is offered", async () =>
      (await exit()).offers.some(({ ipv4, ipv6 }) => ipv4 && ipv6),
    );
    expect((await exit()).state).toBe("off");
    expect(laptop.host.runNow("ip", "rule") + laptop.host.runNow("ip", "route")).toBe(before);
    expect(await seenBy(4)).toBe(laptop.host.outer);
  });

  it("[Z05 Z26] carries IPv4 and IPv6 once it is chosen, and names are looked up there; the LAN stays in reach", async () => {
    expect(await lookUp(laptop.host, "who.example.org")).toBe("198.51.100.1");
    const watched = await outside();
    expect(await laptop.ok("exit-node", "office")).toContain("through office");
    await waitUntil("the site sees the office", async () => (await seenBy(4)) === office.host.addresses[0]);
    await waitUntil("and by IPv6", async () => (await seenBy(6)) === office.host.addresses[1]);
    expect((await exit()).state).toBe("active");
    expect(await lookUp(laptop.host, "who.example.org")).toBe("198.51.100.2");
    expect((await ping(laptop.host, printer.address, { count: 1 })).received).toBe(1);
    expect((await ping(laptop.host, "office.work.mesh", { count: 1 })).received).toBe(1);
    // A server of names on the LAN is not asked either.
    await laptop.host.run("dig", ["+time=1", "+tries=1", `@${printer.address}`, "leak.example.org"]);
    expect(await leaked(watched)).toEqual([]);
  });

  it("[Z05] strict: nothing gets out while the engine is killed, by IPv4, IPv6 or a look-up, nor while it comes back", async () => {
    await laptop.ok("exit-node", "office", "--kill-switch", "strict");
    await waitUntil("it is active", async () => (await seenBy(4)) === office.host.addresses[0]);
    const watched = await outside();
    const trying = laptop.host.start("sh", [
      "-c",
      `while true; do curl -s -m 0.3 http://${site.addresses[0]}:8080/; curl -s -g -m 0.3 http://[${site.addresses[1]}]:8080/; dig +time=1 +tries=1 @${site.addresses[0]} leak.example.org; done >/dev/null 2>&1`,
    ]);
    await laptop.end("SIGKILL");
    expect(await seenBy(4)).toBeNull();
    expect(await seenBy(6)).toBeNull();
    expect(await lookUp(laptop.host, "who.example.org")).toBeNull();
    expect((await ping(laptop.host, printer.address, { count: 1 })).received).toBe(1);
    await laptop.start();
    await waitUntil(
      "it goes through the office again",
      async () => (await seenBy(4)) === office.host.addresses[0],
    );
    await trying.stop("SIGKILL");
    expect(await leaked(watched)).toEqual([]);
  });

  it("[Z05] strict: nothing gets out while the office is away, and the command says so", async () => {
    const watched = await outside();
    await office.end();
    await waitUntil("the laptop notices", async () => (await exit()).state === "blocked");
    expect(await laptop.ok("exit-node")).toContain("nothing gets out");
    expect(await seenBy(4)).toBeNull();
    expect(await leaked(watched)).toEqual([]);
    await office.start();
    await waitUntil("it is back", async () => (await seenBy(4)) === office.host.addresses[0]);
  });

  it("[Z05] convenient: everything goes the ordinary way while the engine is killed, and nothing is left behind", async () => {
    await laptop.ok("exit-node", "office", "--kill-switch", "convenient");
    await laptop.end("SIGKILL");
    expect(await seenBy(4)).toBe(laptop.host.outer);
    expect(await lookUp(laptop.host, "who.example.org")).toBe("198.51.100.1");
    await laptop.start(undefined, { groups: true });
    await waitUntil(
      "it goes through the office again",
      async () => (await seenBy(4)) === office.host.addresses[0],
    );
  });

  it("[Z26] takes some prefixes alone, or all but some", async () => {
    await laptop.ok("exit-node", "office", "--only", "198.51.100.0/24");
    expect(await seenBy(4)).toBe(laptop.host.outer);
    expect(await lookUp(laptop.host, "who.example.org")).toBe("198.51.100.1");
    await laptop.ok("exit-node", "office", "--only", `${site.addresses[0]}/32`);
    await waitUntil("the site sees the office", async () => (await seenBy(4)) === office.host.addresses[0]);
    await laptop.ok("exit-node", "office", "--except", `${site.addresses[0]}/32`);
    await waitUntil("the site sees the laptop", async () => (await seenBy(4)) === laptop.host.outer);
    expect(await lookUp(laptop.host, "who.example.org")).toBe("198.51.100.2");
  });

  it.skipIf(groups === "")(
    "[Z26] lets one program past, with what it starts and however strict it is, and members stay in reach of it",
    async () => {
      await laptop.ok("exit-node", "office", "--kill-switch", "strict");
      await waitUntil("the site sees the office", async () => (await seenBy(4)) === office.host.addresses[0]);
      const [four, six] = [`http://${site.addresses[0]}:8080/`, `http://[${site.addresses[1]}]:8080/`];
      const ask = `curl -s -m 20 ${four}; echo; curl -s -g -m 20 "${six}"; echo`;
      const past = await laptop.run(
        "outside",
        "--",
        "sh",
        "-c",
        `${ask}; ping -c 1 -W 20 office.work.mesh; exit 7`,
      );
      const ordinary = `::ffff:${laptop.host.outer}\n`;
      expect([past.stdout, past.code]).toEqual([
        expect.stringContaining(`${ordinary}${laptop.host.addresses[1]}\n`),
        7,
      ]);
      expect(past.stdout).toContain(" 1 received");
      expect(await seenBy(4)).toBe(office.host.addresses[0]);
      const missing = await laptop.run("outside", "no-such-program");
      expect([missing.code, missing.stderr]).toEqual([
        2,
        expect.stringContaining("“no-such-program” cannot be run"),
      ]);
      // It may go past for as long as it runs, also when the engine is killed meanwhile.
      const stays = laptop.command(["outside", "--", "sh", "-c", `while read line; do ${ask}; done`]);
      stays.write("now\n");
      await stays.says(new RegExp(ordinary));
      await laptop.end("SIGKILL");
      stays.stdout = "";
      stays.write("again\n");
      await stays.says(new RegExp(ordinary));
      await stays.stop();
      await laptop.start(undefined, { groups: true });
    },
  );

  it("[Z29] is given up as if it had never been", async () => {
    await laptop.ok("exit-node", "office", "--kill-switch", "strict", "--lan", "off");
    await waitUntil("the LAN is out of reach", async () => {
      return (await ping(laptop.host, printer.address, { count: 1, waitSeconds: 0.5 })).received === 0;
    });
    expect(await laptop.ok("exit-node", "off")).toContain("by itself");
    expect(await seenBy(4)).toBe(laptop.host.outer);
    expect(laptop.host.runNow("ip", "rule")).not.toContain("21325");
    await laptop.ok("exit-node", "office", "--kill-switch", "strict");
    await laptop.end();
    const rules = laptop.host.runNow("ip", "rule") + laptop.host.runNow("ip", "-6", "rule");
    expect(rules).not.toContain("21325");
    expect(laptop.host.runNow("ip", "route", "show", "table", "all")).not.toContain("21325");
    expect(await seenBy(4)).toBe(laptop.host.outer);
    const mark = createHash("sha256").update(laptop.folder).digest("hex").slice(0, 8);
    expect(existsSync(join(groups, `starmesh_outside_${mark}`))).toBe(false);
  });
});

async function exit(): Promise<ExitStatus> {
  return JSON.parse(await laptop.ok("exit-node", "--json"));
}

/** Under which address the site sees the laptop; null: it does not get there. */
async function seenBy(family: 4 | 6): Promise<string | null> {
  const address = site.addresses[family === 4 ? 0 : 1] ?? "";
  const url = family === 4 ? `http://${address}:8080/` : `http://[${address}]:8080/`;
  const { code, stdout } = await laptop.host.run("curl", ["-s", "-g", "-m", "2", url]);
  return code === 0 ? stdout.replace(/^::ffff:/, "") : null;
}

/** Begins to listen on the LAN side of the laptop's NAT. */
function outside(): Promise<Capture> {
  return capture(lab, nat, "lan");
}

/** What left the laptop for the site, or to any server of names, since then. */
async function leaked(watched: Capture): Promise<readonly string[]> {
  await watched.stop();
  const { stdout } = await nat.run("tcpdump", [
    "-n",
    "-r",
    `${lab.folder}/${nat.name}-lan.pcap`,
    `host ${site.addresses[0]} or host ${site.addresses[1]} or port 53`,
  ]);
  return stdout.split("\n").filter((line) => line !== "");
}

/** A site that answers with the address of who asks. */
const tellAddress = `require("node:http")
  .createServer((request, response) => response.end(request.socket.remoteAddress))
  .listen(8080, "::", () => console.log("listening"))`;
