import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SystemChange } from "../../src-main/system/journal.ts";
import { openJournal } from "../../src-main/system/journal.ts";
import { parsePrefix } from "../../src-shared/address.ts";
import { AppError } from "../../src-shared/errors.ts";
import { FakeSystem } from "../fakes/system.ts";

const link: SystemChange = { kind: "link", device: "starmesh0" };
const address: SystemChange = { kind: "address", device: "starmesh0", address: "10.9.1.1", length: 16 };
const route: SystemChange = { kind: "route", device: "starmesh0", prefix: "10.9.0.0/16", source: "10.9.1.1" };

let folder: string;
let system: FakeSystem;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "starmesh-journal-"));
  system = new FakeSystem();
  system.plug("lo", prefix("127.0.0.0/8"));
  system.plug("eth0", prefix("192.168.1.0/24"));
  system.plug("starmesh0");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("journal", () => {
  it("[C20] undoes a rule for names that outlasted a restart of the machine, and no interface of another life", async () => {
    const rule: SystemChange = {
      kind: "dnsDomains",
      name: "starmesh0",
      server: "10.9.255.254",
      domains: ["home.mesh"],
      everything: false,
    };
    const before = openJournal(folder, system);
    await before.apply(address);
    await before.apply(rule);
    system.life = "boot-2 net-1";
    system.log.length = 0;
    expect(await openJournal(folder, system).undo()).toEqual([]);
    expect(system.log).toEqual(["remove-dns domains 10.9.255.254"]);
  });

  it("[E07] takes back what let packets in, after a restart of the machine as well", async () => {
    const admitted = new Set<string>();
    system.admission = {
      admit: async ({ name }) => void admitted.add(name),
      dismiss: async (name) => void admitted.delete(name),
    };
    const before = openJournal(folder, system);
    await before.apply({ kind: "admission", name: "starmesh0 10.9.1.1", address: "10.9.1.1" });
    await before.apply({ kind: "admission", name: "starmesh_12345678", address: null });
    expect([...admitted]).toEqual(["starmesh0 10.9.1.1", "starmesh_12345678"]);
    system.life = "boot-2 net-1";
    const next = openJournal(folder, system);
    expect(next.isEmpty()).toBe(false);
    expect(await next.undo()).toEqual([]);
    expect(next.isEmpty()).toBe(true);
    expect([...admitted]).toEqual([]);
  });

  it("writes each change down before it is made, and undoes them last first", async () => {
    const journal = openJournal(folder, system);
    const written: number[] = [];
    system.before = () => written.push(entries().length);
    for (const change of [link, address, route]) await journal.apply(change);
    expect(written).toEqual([2, 3]);
    system.before = () => undefined;
    expect(await journal.undo()).toEqual([]);
    expect(system.log).toEqual([
      "add-address starmesh0 10.9.1.1/16",
      "add-route starmesh0 10.9.0.0/16",
      "remove-route starmesh0 10.9.0.0/16",
      "remove-address starmesh0 10.9.1.1/16",
      "remove-link starmesh0",
    ]);
    expect(entries()).toEqual([]);
  });

  it("undoes at the next start what a killed run left, once", async () => {
    const killed = openJournal(folder, system);
    await killed.apply(address);
    await killed.apply(route);
    system.log.length = 0;
    const next = openJournal(folder, system);
    await next.undo();
    await next.undo();
    expect(system.log).toEqual([
      "remove-route starmesh0 10.9.0.0/16",
      "remove-address starmesh0 10.9.1.1/16",
    ]);
  });

  it("undoes a change that was written down but never made", async () => {
    const file = { version: 1, lifetime: system.life, entries: [{ change: route, index: 3 }] };
    writeFileSync(join(folder, "journal.json"), JSON.stringify(file));
    expect(await openJournal(folder, system).undo()).toEqual([]);
    expect(entries()).toEqual([]);
  });

  it("touches no interface that merely took the name of ours", async () => {
    await openJournal(folder, system).apply(address);
    system.unplug("starmesh0");
    system.plug("starmesh0");
    system.log.length = 0;
    await openJournal(folder, system).undo();
    expect(system.log).toEqual([]);
    expect(entries()).toEqual([]);
  });

  it("forgets what a restart of the machine has undone already", async () => {
    await openJournal(folder, system).apply(address);
    system.life = "boot-2 net-1";
    system.log.length = 0;
    await openJournal(folder, system).undo();
    expect(system.log).toEqual([]);
  });

  it("takes back what the system refused to make", async () => {
    const journal = openJournal(folder, system);
    system.before = () => {
      throw new AppError("no-privilege");
    };
    await expect(journal.apply(route)).rejects.toMatchObject({ code: "no-privilege" });
    expect(entries()).toEqual([]);
  });

  it("undoes the changes of one interface alone", async () => {
    system.plug("starmesh1");
    const journal = openJournal(folder, system);
    await journal.apply(address);
    await journal.apply({ ...address, device: "starmesh1", address: "10.8.1.1" });
    await journal.undo("starmesh0");
    expect(entries()).toHaveLength(1);
    expect(system.log.at(-1)).toBe("remove-address starmesh0 10.9.1.1/16");
  });

  it("keeps what could not be undone and tries it again", async () => {
    const journal = openJournal(folder, system);
    await journal.apply(address);
    await journal.apply(route);
    system.before = (change) => {
      if (change.startsWith("remove-route")) throw new AppError("no-privilege");
    };
    expect(await journal.undo()).toMatchObject([{ change: route, error: { code: "no-privilege" } }]);
    expect(entries()).toHaveLength(1);
    system.before = () => undefined;
    expect(await openJournal(folder, system).undo()).toEqual([]);
    expect(entries()).toEqual([]);
  });

  it("[Z29] never touches the default route", async () => {
    const journal = openJournal(folder, system);
    await expect(journal.apply({ ...route, prefix: "0.0.0.0/0" })).rejects.toMatchObject({
      code: "system-refused",
    });
    await expect(journal.apply({ ...route, prefix: "::/0" })).rejects.toMatchObject({
      code: "system-refused",
    });
    expect(system.log).toEqual([]);
  });

  it.each(["192.168.1.0/24", "192.168.0.0/16", "192.168.1.128/25"])(
    "[E15] refuses a route %s over the directly connected 192.168.1.0/24",
    async (wanted) => {
      const journal = openJournal(folder, system);
      await expect(journal.apply({ ...route, prefix: wanted })).rejects.toMatchObject({
        code: "range-overlaps",
        data: { local: "192.168.1.0/24", interface: "eth0" },
      });
      expect(system.log).toEqual([]);
    },
  );

  describe("[P32] what belongs to no interface", () => {
    const forwarding: SystemChange = { kind: "setting", name: "net/ipv4/ip_forward", value: "1" };
    const table = (prefix: string): SystemChange => ({
      kind: "passage",
      name: "starmesh_routes",
      sites: [{ device: "starmesh0", routes: [{ prefix, snat: false, allow: [] }] }],
    });

    it("is put back as it was, also after a kill", async () => {
      system.settings.set("net/ipv4/ip_forward", "0");
      await openJournal(folder, system).apply(forwarding);
      expect(system.settings.get("net/ipv4/ip_forward")).toBe("1");
      await openJournal(folder, system).undo();
      expect(system.settings.get("net/ipv4/ip_forward")).toBe("0");
      expect(entries()).toEqual([]);
    });

    it("is left alone where it was so already, or where somebody else has changed it since", async () => {
      system.settings.set("net/ipv4/ip_forward", "1");
      const journal = openJournal(folder, system);
      await journal.apply(forwarding);
      await journal.undo();
      expect(system.settings.get("net/ipv4/ip_forward")).toBe("1");
      system.settings.set("net/ipv4/ip_forward", "0");
      await journal.apply(forwarding);
      system.settings.set("net/ipv4/ip_forward", "2");
      await journal.undo();
      expect(system.settings.get("net/ipv4/ip_forward")).toBe("2");
    });

    it("is replaced as a whole, written down once, and removed", async () => {
      const journal = openJournal(folder, system);
      await journal.apply(table("10.1.0.0/16"));
      await journal.apply(table("10.2.0.0/16"));
      expect(system.tables.get("starmesh_routes")).toContain("10.2.0.0/16 accept");
      expect(system.tables.get("starmesh_routes")).not.toContain("10.1.0.0/16");
      expect(entries()).toHaveLength(1);
      await openJournal(folder, system).undo();
      expect(system.tables.size).toBe(0);
    });

    it("stays when the changes of one interface alone are undone", async () => {
      system.settings.set("net/ipv4/ip_forward", "0");
      const journal = openJournal(folder, system);
      await journal.apply(forwarding);
      await journal.undo("starmesh0");
      expect(system.settings.get("net/ipv4/ip_forward")).toBe("1");
    });

    it("is taken back by itself", async () => {
      const journal = openJournal(folder, system);
      await journal.apply(route);
      await journal.apply(table("chain one {}"));
      await journal.revert(route);
      await journal.revert(route);
      expect(system.log.filter((line) => line.startsWith("remove"))).toEqual([
        "remove-route starmesh0 10.9.0.0/16",
      ]);
      expect(entries()).toHaveLength(1);
    });

    it.each(["net/ipv4/../../kernel/panic", "kernel/panic", "/net/ipv4/ip_forward"])(
      "refuses a journal that names the setting %s",
      (name) => {
        const change = { kind: "setting", name, value: "1", before: "0" };
        const file = { version: 1, lifetime: system.life, entries: [{ change, index: null }] };
        writeFileSync(join(folder, "journal.json"), JSON.stringify(file));
        expect(() => openJournal(folder, system)).toThrow(
          expect.objectContaining({ code: "state-unreadable" }),
        );
      },
    );
  });

  it("keeps changes that are asked for at the same time in order", async () => {
    const journal = openJournal(folder, system);
    await Promise.all([journal.apply(address), journal.apply(route), journal.undo()]);
    expect(entries()).toEqual([]);
    expect(system.log).toHaveLength(4);
  });

  it.each(["{", "{}", '{"version":2,"lifetime":"","entries":[]}'])("refuses a damaged file: %s", (text) => {
    writeFileSync(join(folder, "journal.json"), text);
    expect(() => openJournal(folder, system)).toThrow(expect.objectContaining({ code: "state-unreadable" }));
  });
});

function entries(): readonly unknown[] {
  return JSON.parse(readFileSync(join(folder, "journal.json"), "utf8")).entries;
}

function prefix(text: string) {
  const parsed = parsePrefix(text);
  if (parsed === null) throw new Error(text);
  return parsed;
}
