import { beforeEach, describe, expect, it } from "vitest";
import type { ExitNetwork } from "../../../src-main/engine/exit.ts";
import { Exit } from "../../../src-main/engine/exit.ts";
import type { ForeignNames } from "../../../src-main/engine/name-service.ts";
import type { RouteView } from "../../../src-main/mesh/route-table.ts";
import type { SystemChange } from "../../../src-main/system/journal.ts";
import type { ExitChoice } from "../../../src-shared/exit.ts";
import { exitChoice } from "../../../src-shared/exit.ts";
import { identityOf, sessionOf, TestNetwork } from "../../fakes/entries.ts";
import { FakeSystem } from "../../fakes/system.ts";

const { id } = new TestNetwork();
const office = identityOf("office");

let network: ExitNetwork;
let made: string[];
let followed: (ForeignNames | null)[];
let system: FakeSystem;
let exit: Exit;

beforeEach(() => {
  made = [];
  followed = [];
  system = new FakeSystem();
  system.plug("eth0");
  network = {
    id,
    name: "work",
    choice: null,
    up: true,
    device: "starmesh0",
    routes: [routeTo("0.0.0.0/0", "carried")],
    nameOf: () => "office",
    keyOf: () => sessionOf("office"),
    forward: () => async () => null,
  };
  exit = new Exit({
    system,
    journal: {
      apply: async (change) => void made.push(`apply ${describeChange(change)}`),
      revert: async (change) => void made.push(`revert ${describeChange(change)}`),
    },
    names: { follow: async (foreign) => void followed.push(foreign) },
    networks: () => [network],
    mark: "1a2b",
    log: () => undefined,
  });
});

describe("the way to the internet", () => {
  it("[Z29] that nobody chose changes nothing, but takes back what a killed run left", async () => {
    await exit.settle();
    await exit.settle();
    expect(made).toEqual(["revert exit"]);
    expect(exit.status()).toMatchObject({
      state: "off",
      chosen: null,
      offers: [{ network: "work", member: "office", ipv4: true, ipv6: false }],
    });
  });

  it("[Z05] convenient: is the ordinary one while the member does not answer", async () => {
    choose({});
    await exit.settle();
    expect(exit.status().state).toBe("active");
    expect(followed.at(-1)?.network).toBe(id);
    lose();
    await exit.settle();
    expect(exit.status().state).toBe("ordinary");
    expect(made).toEqual(["apply exit starmesh0", "revert exit"]);
    expect(followed.at(-1)).toBeNull();
  });

  it("[Z05] strict: is closed while the member does not answer, and before the network is up", async () => {
    choose({ killSwitch: "strict" });
    network = { ...network, device: null, routes: [] };
    await exit.settle();
    expect(exit.status().state).toBe("blocked");
    network = { ...network, device: "starmesh0", routes: [routeTo("0.0.0.0/0", "carried")] };
    await exit.settle();
    lose();
    await exit.settle();
    expect(exit.status().state).toBe("blocked");
    expect(made).toEqual(["apply exit nowhere strict", "apply exit starmesh0 strict"]);
    choose(null);
    await exit.settle();
    expect(made.at(-1)).toBe("revert exit");
    expect(followed.at(-1)).toBeNull();
  });

  it("[Z26] of some prefixes alone leaves names where they are", async () => {
    choose({ only: ["198.51.100.0/24"] });
    await exit.settle();
    expect(exit.status().state).toBe("active");
    expect(followed.at(-1) ?? null).toBeNull();
  });

  it("loosens a filter that would take answers to our sockets for forged ones, and tightens it again", async () => {
    system.settings.set("net/ipv4/conf/all/rp_filter", "1");
    system.settings.set("net/ipv4/conf/eth0/rp_filter", "0");
    choose({});
    await exit.settle();
    choose(null);
    await exit.settle();
    const setting = "setting net/ipv4/conf/eth0/rp_filter=2";
    expect(made).toEqual([`apply ${setting}`, "apply exit starmesh0", "revert exit", `revert ${setting}`]);
  });

  it("[Z26] lets a process go past it by a group of this engine's own, written down first", async () => {
    system.log.length = 0;
    await exit.release({ connection: () => 7 });
    expect(made).toEqual(["apply outside starmesh_1a2b"]);
    expect(system.log).toEqual(["enter-outside starmesh_1a2b"]);
  });

  it("[Z26] names what goes past it while a member is chosen, and sends it back", async () => {
    choose({});
    expect((await exit.read()).outside).toEqual([{ process: 4711, program: "curl" }]);
    system.log.length = 0;
    await exit.recall(4711);
    expect(system.log).toEqual(["leave-outside starmesh_1a2b 4711"]);
    network = { ...network, choice: null };
    expect((await exit.read()).outside).toEqual([]);
  });

  it("says what went wrong, and tries again when something is different", async () => {
    choose({});
    const failing = new Exit({
      system,
      journal: {
        apply: async () => Promise.reject(new Error("no rules here")),
        revert: async () => undefined,
      },
      names: { follow: async () => undefined },
      networks: () => [network],
      mark: "1a2b",
      log: () => undefined,
    });
    await failing.settle();
    expect(failing.status()).toMatchObject({ state: "failed", reason: "no rules here" });
  });
});

function choose(change: Partial<ExitChoice> | null): void {
  const choice = change === null ? null : exitChoice.parse({ identity: office, ...change });
  network = { ...network, choice };
}

function lose(): void {
  network = { ...network, routes: [routeTo("0.0.0.0/0", "unreachable")] };
}

function routeTo(prefix: string, state: RouteView["state"]): RouteView {
  return {
    prefix,
    state,
    carrier: office,
    reason: state === "carried" ? "only" : "lost",
    central: false,
    gateways: [
      {
        identity: office,
        name: "office",
        inside: prefix,
        priority: 100,
        health: state === "carried" ? "stands" : "lost",
        rttMillis: null,
        counts: "yes",
      },
    ],
  };
}

function describeChange(change: SystemChange): string {
  if (change.kind === "setting") return `setting ${change.name}=${change.value}`;
  if (change.kind === "outside") return `outside ${change.name}`;
  if (change.kind !== "exit") return change.kind;
  if (change.mark !== 0 && change.interface === null && !change.strict) return "exit";
  return `exit ${change.interface ?? "nowhere"}${change.strict ? " strict" : ""}`;
}
