import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundle } from "./bundle.mjs";
import type { GroupHeard, GroupSend } from "./group-probe.ts";
import type { Child } from "./host.ts";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { ping } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

describe("broadcasts and multicasts", () => {
  let lab: Lab;
  let program: string;
  const installs: Install[] = [];
  const addresses = new Map<Install, string>();

  beforeAll(async () => {
    program = await bundle("test/netns/group-probe.ts");
    lab = new Lab();
    let invite = "";
    for (const name of ["ann", "bob", "cy"]) {
      const install = new Install(lab, lab.publicHost(name));
      installs.push(install);
      await install.start();
      if (invite === "") invite = inviteIn(await install.ok("network", "create", "home", "--cidr", range));
      else await install.ok("join", invite);
      addresses.set(install, (await install.online("home")).address);
    }
    // Sessions stand between all of them: nobody is called for what is for all.
    for (const from of installs)
      for (const to of installs.filter((each) => each !== from))
        await waitUntil(
          `${from.name} reaches ${to.name}`,
          async () => (await ping(from.host, addresses.get(to) ?? "", { count: 1 })).received === 1,
        );
  });

  afterAll(() => lab.close());

  const probe = async (install: Install, port: number, ...groups: readonly string[]): Promise<Probe> => {
    const child = install.host.start(process.execPath, [
      program,
      addresses.get(install) ?? "",
      `${port}`,
      ...groups,
    ]);
    await child.says(/ready/);
    return new Probe(child);
  };

  it("[C26] [Z35] reach every member that takes them, as mDNS and games send them, once an administrator says so", async () => {
    const [ann, bob, cy] = installs;
    if (ann === undefined || bob === undefined || cy === undefined) throw new Error("three were made");
    const mdns = [
      await probe(ann, 5353, "224.0.0.251"),
      await probe(bob, 5353, "224.0.0.251"),
      await probe(cy, 5353, "224.0.0.251"),
    ] as const;
    const games = [await probe(ann, 6112), await probe(bob, 6112), await probe(cy, 6112)] as const;
    const from = addresses.get(ann) ?? "";

    mdns[0].send({ to: "224.0.0.251", text: "nobody chose this" });
    expect(await bob.run("network", "broadcast", "home", "on")).toMatchObject({ code: 1 });
    const printed = await ann.ok("network", "broadcast", "home", "on", "--ports", "5353,6112");
    expect(printed).toContain("UDP port 5353, 6112 pass");
    await cy.ok("network", "broadcast", "home", "refuse");
    await waitUntil("bob takes part", async () => {
      const { networks } = await bob.status();
      return networks.some(({ broadcast }) => broadcast.on && broadcast.take);
    });

    mdns[0].send({ to: "224.0.0.251", text: "who has a printer?" });
    expect(await mdns[1].next()).toEqual({ from, text: "who has a printer?" });
    mdns[1].send({ to: "224.0.0.251", text: "I have" });
    expect(await mdns[0].next()).toEqual({ from: addresses.get(bob), text: "I have" });
    games[0].send({ to: "10.77.255.255", text: "a game at ann's" });
    expect(await games[1].next()).toEqual({ from, text: "a game at ann's" });

    await ann.ok("network", "broadcast", "home", "off");
    await waitUntil("bob hears of it", async () =>
      (await bob.status()).networks.every(({ broadcast }) => !broadcast.on),
    );
    games[0].send({ to: "10.77.255.255", text: "too late" });
    games[1].send({ to: from, text: "for ann alone" });
    expect(await games[0].next()).toEqual({ from: addresses.get(bob), text: "for ann alone" });
    // Who refuses heard nothing, and what came from one was sent on by nobody.
    expect([mdns[2].heard(), games[2].heard()]).toEqual([[], []]);
    expect([mdns[1].heard().length, games[1].heard().length]).toEqual([1, 1]);
  });
});

class Probe {
  readonly #child: Child;
  #read = 0;

  constructor(child: Child) {
    this.#child = child;
  }

  send(what: GroupSend): void {
    this.#child.write(`${JSON.stringify(what)}\n`);
  }

  heard(): readonly GroupHeard[] {
    const [, ...lines] = this.#child.stdout.split("\n").slice(0, -1);
    return lines.map((line): GroupHeard => JSON.parse(line));
  }

  /** The first that was heard since the last. */
  async next(): Promise<GroupHeard> {
    const heard = await waitUntil("something is heard", () => this.heard()[this.#read]);
    this.#read++;
    return heard;
  }
}

const range = "10.77.0.0/16";
