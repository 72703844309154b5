import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { SystemChange } from "../../src-main/system/journal.ts";
import { bundle } from "./bundle.mjs";
import type { Child, Host } from "./host.ts";
import { Lab } from "./lab.ts";
import { asUser } from "./ordinary-user.ts";
import type { ProbeCommand } from "./system-probe.ts";
import { waitUntil } from "./wait.ts";

let lab: Lab;
let host: Host;
let program: string;
const children: Child[] = [];

beforeAll(async () => {
  program = await bundle("test/netns/system-probe.ts");
  lab = new Lab();
  host = lab.lanHost("host", lab.nat("nat", "port-restricted", 7), 2);
});

afterEach(async () => {
  for (const child of children.splice(0)) await child.stop("SIGKILL");
});

afterAll(() => lab.close());

describe("tun and system on Linux", () => {
  it("opens an interface with offloads, gives it address and route, and undoes all", async () => {
    const probe = start();
    await probe.ask({ do: "open-journal", folder: folder("whole") });
    const { name, offload } = await probe.ask({ do: "open-tun" });
    expect({ name, offload }).toEqual({ name: "starmesh0", offload: true });
    for (const change of changes(name)) await probe.ask({ do: "apply", change });
    const [link] = JSON.parse(host.runNow("ip", "-j", "-d", "address", "show", name));
    expect(link).toMatchObject({ mtu: 1400, gso_max_size: 61_440, addr_info: [{ local: "10.9.1.1" }] });
    expect(link.flags).toContain("UP");
    expect(routesInto(name)).toMatchObject([{ dst: "10.9.0.0/16", prefsrc: "10.9.1.1" }]);
    expect(await probe.ask({ do: "routes" })).toContainEqual({
      prefix: "10.9.0.0/16",
      interface: name,
      gateway: null,
      metric: 0,
      own: true,
    });
    expect(await probe.ask({ do: "undo" })).toEqual([]);
    expect(routesInto(name)).toEqual([]);
    const [bare] = JSON.parse(host.runNow("ip", "-j", "address", "show", name));
    expect(bare.addr_info).toEqual([]);
    await probe.ask({ do: "close-tun" });
    expect(host.runNow("ip", "-j", "link")).not.toContain(name);
  });

  it("[Z29] leaves the default route as it was", async () => {
    const before = host.runNow("ip", "route", "show", "default");
    const probe = start();
    await probe.ask({ do: "open-journal", folder: folder("default") });
    const { name } = await probe.ask({ do: "open-tun" });
    for (const change of changes(name)) await probe.ask({ do: "apply", change });
    const refused = await probe.ask({
      do: "apply",
      change: { kind: "route", device: name, prefix: "0.0.0.0/0" },
    });
    expect(refused.error.code).toBe("system-refused");
    expect(host.runNow("ip", "route", "show", "default")).toBe(before);
  });

  it("[E15] refuses a route over a range that the machine is connected to", async () => {
    const probe = start();
    await probe.ask({ do: "open-journal", folder: folder("overlap") });
    const { name } = await probe.ask({ do: "open-tun" });
    const change = { kind: "route", device: name, prefix: "192.168.7.128/25" } as const;
    expect((await probe.ask({ do: "apply", change })).error).toMatchObject({
      code: "range-overlaps",
      data: { local: "192.168.7.0/24", interface: "eth0" },
    });
    expect(routesInto(name)).toEqual([]);
  });

  it("finds interfaces, addresses and routes of the machine", async () => {
    const probe = start();
    const interfaces = await probe.ask({ do: "interfaces" });
    const shown = JSON.parse(host.runNow("ip", "-j", "link", "show", "eth0"))[0];
    expect(interfaces).toContainEqual(
      expect.objectContaining({
        name: "eth0",
        index: shown.ifindex,
        mac: shown.address,
        up: true,
        loopback: false,
        mtu: 1500,
        addresses: expect.arrayContaining([["192.168.7.2", "192.168.7.0/24"]]),
      }),
    );
    expect(await probe.ask({ do: "routes" })).toContainEqual({
      prefix: "0.0.0.0/0",
      interface: "eth0",
      gateway: "192.168.7.1",
      metric: 0,
      own: false,
    });
  });

  it("takes the next free name for a second interface", async () => {
    const [one, other] = [start(), start()];
    expect((await one.ask({ do: "open-tun" })).name).toBe("starmesh0");
    expect((await other.ask({ do: "open-tun" })).name).toBe("starmesh1");
  });

  it("cleans up after a killed run and can start again the same way", async () => {
    const killed = start();
    await killed.ask({ do: "open-journal", folder: folder("killed") });
    const { name } = await killed.ask({ do: "open-tun" });
    for (const change of changes(name)) await killed.ask({ do: "apply", change });
    await killed.child.stop("SIGKILL");
    const next = start();
    await next.ask({ do: "open-journal", folder: folder("killed") });
    expect(await next.ask({ do: "undo" })).toEqual([]);
    expect((await next.ask({ do: "open-tun" })).name).toBe(name);
    for (const change of changes(name)) expect(await next.ask({ do: "apply", change })).toBeNull();
    expect(routesInto(name)).toHaveLength(1);
  });

  it("undoes what a killed run left on an interface that lives on, and nothing else", async () => {
    host.setUp("link add kept type bridge", "addr add 10.7.0.1/24 dev kept", "link set kept up");
    const killed = start();
    await killed.ask({ do: "open-journal", folder: folder("kept") });
    for (const change of changes("kept")) await killed.ask({ do: "apply", change });
    await killed.child.stop("SIGKILL");
    expect(routesInto("kept")).toHaveLength(2);
    const next = start();
    await next.ask({ do: "open-journal", folder: folder("kept") });
    expect(await next.ask({ do: "undo" })).toEqual([]);
    expect(routesInto("kept")).toMatchObject([{ dst: "10.7.0.0/24" }]);
    const [link] = JSON.parse(host.runNow("ip", "-j", "-4", "address", "show", "kept"));
    expect(link.addr_info).toMatchObject([{ local: "10.7.0.1" }]);
    host.setUp("link delete kept");
  });

  it("hears of changes without asking for them", async () => {
    const probe = start();
    const idle = await probe.ask({ do: "cpu" });
    const changed = probe.ask({ do: "watch" });
    await probe.child.says(/watching/);
    host.setUp("addr add 10.5.0.1/32 dev lo");
    expect(await changed).toBe("changed");
    host.setUp("addr delete 10.5.0.1/32 dev lo");
    expect((await probe.ask({ do: "cpu" })) - idle).toBeLessThan(0.1);
  });

  it("says in one line what is missing without rights, and still reads", async () => {
    const probe = start((command) => ["--mount", ...asUser(65_534, command)]);
    expect((await probe.ask({ do: "check-tun" })).error.code).toBe("no-privilege");
    const { error } = await probe.ask({ do: "open-tun" });
    expect(error.code).toBe("no-privilege");
    expect(error.message).not.toContain("\n");
    expect((await probe.ask({ do: "interfaces" })).length).toBeGreaterThan(1);
  });

  it("[E21] says in one line that there is no TUN device", async () => {
    const hidden = 'mount -t tmpfs none /dev/net && exec "$0" "$@"';
    const probe = start((command) => ["--mount", "sh", "-c", hidden, ...command]);
    const { error } = await probe.ask({ do: "check-tun" });
    expect(error.code).toBe("no-tun");
    expect(error.message).not.toContain("\n");
  });
});

function changes(device: string): readonly SystemChange[] {
  return [
    { kind: "address", device, address: "10.9.1.1", length: 32 },
    { kind: "route", device, prefix: "10.9.0.0/16", source: "10.9.1.1" },
  ];
}

function routesInto(device: string): readonly unknown[] {
  return JSON.parse(host.runNow("ip", "-j", "-4", "route", "show", "dev", device));
}

function folder(name: string): string {
  const path = join(lab.folder, name);
  mkdirSync(path, { recursive: true });
  return path;
}

/** A probe inside the host, one command at a time. */
function start(around: (command: readonly string[]) => readonly string[] = (command) => command) {
  const child = host.start("unshare", around([process.execPath, program]));
  children.push(child);
  let answers = 0;
  return {
    child,
    // biome-ignore lint/suspicious/noExplicitAny: answers differ by command, and each test says what it expects.
    async ask(command: ProbeCommand): Promise<any> {
      const number = answers++;
      child.write(`${JSON.stringify(command)}\n`);
      const line = await waitUntil(`an answer to ${command.do}; ${child.stderr}`, () => {
        const lines = child.stdout.split("\n");
        return lines.length > number + 1 ? { text: lines[number] ?? "" } : null;
      });
      return JSON.parse(line.text);
    },
  };
}
