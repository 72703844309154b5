import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Host } from "./host.ts";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { giveNameServer, lookUp, startNameServer } from "./name-servers.ts";
import { waitUntil } from "./wait.ts";

// A network of two, and a server that the programs of one of them ask for ordinary names.
let lab: Lab;
let laptop: Install;
let nas: Install;
let host: Host;
let file: () => string;
let before: string;
let nasAddress: string;

beforeAll(async () => {
  lab = new Lab();
  const router = new Install(lab, lab.publicHost("router"));
  const upstream = lab.publicHost("upstream");
  await startNameServer(upstream, { "www.example.org": "198.51.100.7" });
  host = lab.publicHost("laptop");
  file = giveNameServer(host, upstream.address);
  before = file();
  laptop = new Install(lab, host);
  nas = new Install(lab, lab.publicHost("nas"));
  await router.start(["router"]);
  const link = await router.routerLink();
  await Promise.all([laptop.start(), nas.start()]);
  const invite = inviteIn(await laptop.ok("network", "create", "home", "--router", link));
  await nas.ok("join", invite);
  ({ address: nasAddress } = await nas.online("home"));
  await laptop.online("home");
});

afterAll(() => lab.close());

describe("names on a machine whose programs read a file of servers", () => {
  it("[Z38] of members are known to all programs, and ordinary ones as before", async () => {
    await known("nas.home.mesh", nasAddress);
    const six = await host.run("getent", ["ahostsv6", "nas.home.mesh"]);
    expect(six.stdout).toMatch(/^fd[0-9a-f:]+ /);
    expect(await lookUp(host, "www.example.org")).toBe("198.51.100.7");
    expect(await lookUp(host, "nobody.home.mesh")).toBeNull();
    expect(await lookUp(host, "nobody.example.org")).toBeNull();
    const back = await host.run("getent", ["hosts", nasAddress]);
    expect(back.stdout).toContain("nas.home.mesh");
    const { stdout } = await host.run("ping", ["-c", "1", "-W", "5", "nas.home.mesh"]);
    expect(stdout).toContain("1 received");
  });

  it("[Z38] are answered at the network's own address over UDP and TCP; foreign ones are refused there", async () => {
    const [{ server = null } = {}] = JSON.parse(await laptop.ok("name", "list", "--json"));
    expect(server).toMatch(/^10\.\d+\.255\.254$/);
    for (const transport of ["+notcp", "+tcp"]) {
      const own = await host.run("dig", [`@${server}`, transport, "+short", "nas.home.mesh"]);
      expect(own.stdout.trim()).toBe(nasAddress);
      const foreign = await host.run("dig", [`@${server}`, transport, "www.example.org"]);
      expect(foreign.stdout).toContain("status: REFUSED");
    }
  });

  it("[Z38] are written by hand for all members, and taken back", async () => {
    await laptop.ok("name", "add", "printer", "192.168.1.9");
    await laptop.ok("name", "add", "files", "nas");
    await known("printer.home.mesh", "192.168.1.9");
    await known("files.home.mesh", nasAddress);
    await waitUntil("nas hears of them", async () =>
      (await nas.ok("name", "list")).includes("printer.home.mesh"),
    );
    const refused = await nas.run("name", "add", "radio", "192.168.1.10");
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("laptop")]);
    await laptop.ok("name", "remove", "printer");
    await waitUntil("it is gone", async () => (await lookUp(host, "printer.home.mesh")) === null);
  });

  it("[Z38] are put back when another program writes the file anew, and left alone if that is asked", async () => {
    const rewritten = `# anew\n${before}`;
    await host.run("sh", ["-c", `cat > /etc/resolv.conf`], { stdin: rewritten });
    await waitUntil("it names us again", () => file() !== rewritten);
    await known("nas.home.mesh", nasAddress);
    await laptop.ok("set", "--dns", "off");
    expect(file()).toBe(rewritten);
    expect(await lookUp(host, "nas.home.mesh")).toBeNull();
    expect(await lookUp(host, "www.example.org")).toBe("198.51.100.7");
    await laptop.ok("set", "--dns", "on");
    await known("nas.home.mesh", nasAddress);
  });

  it("[Z38] ordinary ones go on working at once when the engine is killed, and its next end cleans up", async () => {
    const clean = file()
      .split("\n")
      .filter((line) => !line.includes("127.83.77.53") && !line.includes("Starmesh"))
      .join("\n");
    await laptop.end("SIGKILL");
    expect(file()).toContain("127.83.77.53");
    const begin = performance.now();
    expect(await lookUp(host, "www.example.org")).toBe("198.51.100.7");
    // One that does not answer is waited for 5 s before the next is asked.
    expect(performance.now() - begin).toBeLessThan(4500);
    await laptop.start();
    await laptop.online("home");
    await known("nas.home.mesh", nasAddress);
    await laptop.end();
    expect(file()).toBe(clean);
    expect(await lookUp(host, "www.example.org")).toBe("198.51.100.7");
  });
});

async function known(name: string, address: string): Promise<void> {
  await waitUntil(`${name} is ${address}`, async () => (await lookUp(host, name)) === address);
}
