import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Forwarding } from "../../../src-main/engine/forwarding.ts";
import { lanSideOf } from "../../../src-main/engine/lan-side.ts";
import { parseListed } from "../../../src-main/system/host-firewall.ts";
import type { Journal } from "../../../src-main/system/journal.ts";
import { openJournal } from "../../../src-main/system/journal.ts";
import type { Site } from "../../../src-main/system/passage.ts";
import { parsePrefix } from "../../../src-shared/address.ts";
import { AppError } from "../../../src-shared/errors.ts";
import { FakeSystem } from "../../fakes/system.ts";

let folder: string;
let system: FakeSystem;
let journal: Journal;
let forwarding: Forwarding;
let opens: boolean;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "starmesh-forwarding-"));
  system = new FakeSystem();
  system.plug("lo", prefix("127.0.0.0/8"));
  system.plug("eth0", prefix("192.168.1.0/24"));
  system.plug("starmesh0");
  for (const name of ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"]) system.settings.set(name, "0");
  system.settings.set("net/ipv6/conf/eth0/accept_ra", "1");
  journal = openJournal(folder, system);
  opens = true;
  forwarding = new Forwarding({
    system,
    journal,
    mark: "abc",
    opensFirewalls: () => opens,
    log: () => undefined,
    changed: () => undefined,
  });
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("[P32] forwarding", () => {
  it("is switched on with rules for what passes, and back with the last route", async () => {
    await forwarding.set("home", site("starmesh0", "192.168.1.0/24"));
    await forwarding.set("work", site("starmesh1", "10.4.0.0/16"));
    expect(system.settings.get("net/ipv4/ip_forward")).toBe("1");
    expect(system.settings.get("net/ipv6/conf/all/forwarding")).toBe("0");
    expect(rules()).toContain(`iifname "starmesh0" oifname != "starmesh0" ip daddr 192.168.1.0/24 accept`);
    expect(rules()).toContain(`iifname "starmesh1" oifname != "starmesh1" ip daddr 10.4.0.0/16 masquerade`);
    await forwarding.set("home", null);
    expect(rules()).not.toContain("starmesh0");
    expect(system.settings.get("net/ipv4/ip_forward")).toBe("1");
    await forwarding.set("work", site("starmesh1"));
    expect(system.tables.size).toBe(0);
    expect(system.settings.get("net/ipv4/ip_forward")).toBe("0");
  });

  it("lets nothing pass from a network without routes here, nor anything before the rules stand", async () => {
    await forwarding.set("guests", site("starmesh1"));
    await forwarding.set("home", site("starmesh0", "192.168.1.0/24"));
    expect(rules()).toContain(`iifname "starmesh1" reject with icmpx type admin-prohibited`);
    expect(rules()).not.toContain(`iifname "starmesh1" oifname`);
    expect(system.log).toEqual(["set-table starmesh_abc", "set net/ipv4/ip_forward=1"]);
  });

  it("of IPv6 leaves the machine its own router's advertisements", async () => {
    await forwarding.set("home", site("starmesh0", "2001:db8:1::/48"));
    expect(system.settings.get("net/ipv6/conf/eth0/accept_ra")).toBe("2");
    expect(system.settings.get("net/ipv6/conf/all/forwarding")).toBe("1");
    await forwarding.set("home", null);
    expect(system.settings.get("net/ipv6/conf/eth0/accept_ra")).toBe("1");
    expect(system.settings.get("net/ipv6/conf/all/forwarding")).toBe("0");
  });

  it("that the system refused is tried again at the next change", async () => {
    system.before = () => {
      throw new AppError("no-privilege");
    };
    await expect(forwarding.set("home", site("starmesh0", "192.168.1.0/24"))).rejects.toMatchObject({
      code: "no-privilege",
    });
    system.before = () => undefined;
    await forwarding.set("home", site("starmesh0", "192.168.1.0/24"));
    expect(system.settings.get("net/ipv4/ip_forward")).toBe("1");
  });

  it("[P30] takes only who is on a route's list", async () => {
    const route = {
      prefix: prefix("192.168.1.0/24"),
      snat: false,
      allow: [prefix("10.66.0.7/32"), prefix("fd00::/8")],
    };
    await forwarding.set("home", { device: "starmesh0", routes: [route], shared: [] });
    expect(rules()).toContain("ip daddr 192.168.1.0/24 ip saddr 10.66.0.7/32 accept");
    expect(rules()).not.toContain("ip daddr 192.168.1.0/24 accept");
    expect(rules()).not.toContain("fd00::/8");
    expect(rules()).not.toContain("masquerade");
  });

  it("[Z14] is on for a LAN that shares this machine's address, into which nothing may begin", async () => {
    const shared = [prefix("192.168.1.0/24")];
    await forwarding.set("home", { device: "starmesh0", routes: [], shared });
    expect(system.settings.get("net/ipv4/ip_forward")).toBe("1");
    expect(rules()).toContain(`iifname "starmesh0" reject`);
    expect(rules()).not.toContain("192.168.1.0/24");
    await forwarding.set("home", site("starmesh0"));
    expect(system.settings.get("net/ipv4/ip_forward")).toBe("0");
  });
});

describe("[P24 P32] rules of other programs that drop what passes", () => {
  const docker = "ip filter FORWARD";

  it("let through whatever has routes here, and nothing once there is none", async () => {
    system.chains.set(docker, []);
    await forwarding.set("guests", site("starmesh1"));
    expect(forwarding.firewalls()).toEqual([]);
    await forwarding.set("home", site("starmesh0", "192.168.1.0/24"));
    expect(system.chains.get(docker)).toEqual(["starmesh0"]);
    expect(forwarding.firewalls()).toEqual([{ name: docker, open: true }]);
    await forwarding.set("home", null);
    expect(system.chains.get(docker)).toEqual([]);
    expect(await journal.undo()).toEqual([]);
    expect(system.log.filter((change) => change.startsWith("close"))).toHaveLength(1);
  });

  it("are not touched while that is switched off, but named", async () => {
    opens = false;
    system.chains.set(docker, []);
    await forwarding.set("home", site("starmesh0", "192.168.1.0/24"));
    expect(forwarding.firewalls()).toEqual([{ name: docker, open: false }]);
    opens = true;
    await forwarding.look();
    expect(forwarding.firewalls()).toEqual([{ name: docker, open: true }]);
    opens = false;
    await forwarding.look();
    expect(system.chains.get(docker)).toEqual([]);
  });

  it("are gone from a killed run's at the next start", async () => {
    system.chains.set(docker, []);
    await forwarding.set("home", site("starmesh0", "192.168.1.0/24"));
    expect(await openJournal(folder, system).undo()).toEqual([]);
    expect(system.chains.get(docker)).toEqual([]);
  });

  it("that cannot be changed leave the routes as they are", async () => {
    system.chains.set(docker, []);
    system.before = (change) => {
      if (change.startsWith("open-firewalls")) throw new AppError("no-privilege");
    };
    await forwarding.set("home", site("starmesh0", "192.168.1.0/24"));
    expect(system.settings.get("net/ipv4/ip_forward")).toBe("1");
    expect(forwarding.firewalls()).toEqual([{ name: docker, open: false }]);
  });
});

describe("what nft lists", () => {
  it("is chains and rules; nothing else counts and nothing breaks it", () => {
    const text = JSON.stringify({
      nftables: [
        { metainfo: { version: "1.0.6" } },
        { chain: { family: "ip", table: "filter", name: "FORWARD", hook: "forward", policy: "drop" } },
        { chain: { family: "ip", table: "filter; flush ruleset", name: "FORWARD" } },
        { rule: { family: "ip", table: "filter", chain: "FORWARD", handle: 3, expr: [{ drop: null }] } },
      ],
    });
    expect(parseListed(text)).toMatchObject({ chains: [{ policy: "drop" }], rules: [{ handle: 3 }] });
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (any) => parseListed(any).rules.length >= 0),
      { seed: 7 },
    );
  });
});

describe("the LAN side of a gateway", () => {
  it.each<[string, string]>([
    ["192.168.1.0/24", "connected"],
    ["192.168.0.0/16", "connected"],
    ["192.168.9.0/24", "none"],
  ])("%s is %s", (text, side) => {
    expect(lanSideOf(prefix(text), system)).toBe(side);
  });

  it("is never what our own interfaces reach", () => {
    system.plug("starmesh1", prefix("192.168.9.0/24"));
    expect(lanSideOf(prefix("192.168.9.0/24"), system)).toBe("none");
    system.unplug("eth0");
    expect(lanSideOf(prefix("192.168.1.0/24"), system)).toBe("none");
  });
});

function rules(): string {
  return system.tables.get("starmesh_abc") ?? "";
}

function site(device: string, ...prefixes: readonly string[]): Site {
  const routes = prefixes.map((text) => ({ prefix: prefix(text), snat: true, allow: [] }));
  return { device, routes, shared: [] };
}

function prefix(text: string) {
  const parsed = parsePrefix(text);
  if (parsed === null) throw new Error(text);
  return parsed;
}
