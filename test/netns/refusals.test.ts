import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Ended } from "./host.ts";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { ping } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

// Each wrong input gets one line that says what is wrong, and everything that ran goes on.
let lab: Lab;
let router: Install;
let member: Install;
let guest: Install;
let invite: string;
let address: string;

beforeAll(async () => {
  lab = new Lab();
  [router, member, guest] = ["router", "member", "guest"].map(
    (name) => new Install(lab, lab.publicHost(name)),
  ) as [Install, Install, Install];
  await router.start(["router"]);
  invite = inviteIn(await router.ok("network", "create", "home", "--no-join"));
  await Promise.all([member.start(), guest.start()]);
  await member.ok("join", invite);
  ({ address } = await member.online("home"));
});

afterAll(() => lab.close());

describe("bad input", () => {
  it("[E13] a garbled invite", async () => {
    const middle = Math.floor(invite.length / 2);
    const other = invite[middle] === "A" ? "B" : "A";
    refused(
      await guest.run("join", invite.slice(0, middle) + other + invite.slice(middle + 1)),
      /not a whole Starmesh link/,
    );
    refused(await guest.run("join", invite.slice(0, -20)), /not a whole Starmesh link/);
    refused(await guest.run("join", "starmesh://join/1/"), /not a whole Starmesh link/);
  });

  it("[E13] an invite that is used up", async () => {
    const once = inviteIn(await router.ok("invite", "home", "--once"));
    const first = new Install(lab, lab.publicHost("first"));
    await first.start();
    await first.ok("join", once);
    refused(await guest.run("join", once), /used up/);
    await first.ok("stop");
  });

  it("[E13] an invite that has expired", async () => {
    const late = new Install(lab, lab.publicHost("late"));
    const ahead =
      "globalThis.Date=class extends Date{constructor(...a){a.length?super(...a):super(Date.now())}static now(){return super.now()+2592e5}}";
    await late.start(["up", "--foreground"], {
      env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(ahead)}` },
    });
    refused(await late.run("join", invite), /expired/);
    await late.ok("stop");
  });

  it("[C07] an address that is taken, or outside the range", async () => {
    refused(await guest.run("join", invite, "--ip", address), new RegExp(address.replaceAll(".", "\\.")));
    refused(await guest.run("join", invite, "--ip", "8.8.8.8"), /8\.8\.8\.8/);
    expect((await guest.status()).networks).toEqual([]);
  });

  it("a port in use", async () => {
    const second = new Install(lab, router.host, "second");
    refused(await second.run("router", "--listen", "0.0.0.0:7743"), /7743 is in use/);
  });

  it("an engine that runs already", async () => {
    refused(await member.run("up", "--foreground"), /already runs/);
  });

  it("[E21] no privilege: everything but packets works, and it says so", async () => {
    const plain = new Install(lab, lab.publicHost("plain"));
    mkdirSync(plain.folder, { recursive: true });
    chownSync(plain.folder, nobody, nobody);
    chmodSync(lab.folder, 0o755);
    const engine = await plain.start(["up", "--foreground"], { user: nobody });
    await engine.says(/No right to create a network interface.*starmesh rights/);
    await plain.ok("join", invite);
    expect(await plain.online("home")).toMatchObject({ interface: null });
    expect((await plain.status()).node.limited).toMatch(/No right to create a network interface/);
    await member.peer("plain", () => true);
    await plain.ok("stop");
  });

  it("a router that does not answer", async () => {
    const open = guest.host.refuseUdp();
    await router.end();
    const begun = performance.now();
    refused(await guest.run("join", invite), /No router answers at .*203\.0\.113\./);
    expect(performance.now() - begun).toBeLessThan(60_000);
    open();
    await router.start(["router"]);
    await member.online("home");
  });

  it("a wrong name, a wrong option, nothing at all", async () => {
    refused(await member.run("path", "nobody"), /No member “nobody”/);
    refused(await member.run("leave", "elsewhere"), /no network “elsewhere”/);
    for (const args of [
      ["frobnicate"],
      ["join"],
      ["join", invite, "--nonsense"],
      ["network", "create", "x", "--cidr", "abc"],
    ]) {
      const ended = await member.run(...args);
      expect({ args, code: ended.code }).toEqual({ args, code: args.includes("--cidr") ? 1 : 2 });
      expect(ended.stderr).not.toContain("    at ");
    }
  });

  it("[C08] random bytes to all ports of router and node", async () => {
    const listening = (install: Install) => install.host.runNow("ss", "-Hlntu");
    const [before, nodeBefore] = [listening(router), listening(member)];
    for (const target of [router, member]) {
      const { node, router: role } = await target.status();
      const ports = new Set(
        [node.port, role.listen?.split(":").at(-1)].map(Number).filter((port) => port > 0),
      );
      expect(ports.size).toBeGreaterThan(0);
      for (const port of ports) {
        const ended = await guest.host.run(process.execPath, [
          "-e",
          noise,
          target.host.address,
          String(port),
        ]);
        expect(ended).toMatchObject({ code: 0, stderr: "" });
      }
    }
    const counted = await waitUntil("refusals are counted", async () => {
      const { refused: counts } = await router.status();
      const sum = Object.values(counts).reduce((total, count) => total + count, 0);
      return sum > 100 ? counts : null;
    });
    expect(Object.keys(counted).length).toBeGreaterThan(0);
    expect([listening(router), listening(member)]).toEqual([before, nodeBefore]);
    // Everything still works: a newcomer gets in and reaches the others.
    await guest.ok("join", invite);
    await waitUntil(
      "guest reaches member",
      async () => (await ping(guest.host, address, { count: 1 })).received === 1,
    );
  });
});

/** Sends random datagrams of all lengths and first bytes, and random streams, to a port. */
const noise = `
  const { createSocket } = require("node:dgram"), { connect } = require("node:net"), { randomBytes } = require("node:crypto");
  const [host, port] = process.argv.slice(1);
  const socket = createSocket("udp4");
  const datagrams = Array.from({ length: 400 }, (_, at) => {
    const bytes = randomBytes([0, 1, 8, 20, 32, 60, 92, 148, 600, 1400][at % 10]);
    if (bytes.length > 4 && at % 3 > 0) bytes.set([at % 8, 0, 0, 0]);
    if (bytes.length >= 20 && at % 5 === 0) bytes.set([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]);
    return bytes;
  });
  const send = (bytes) => new Promise((resolve) => socket.send(bytes, port, host, resolve));
  const stream = (bytes) => new Promise((resolve) => {
    const tcp = connect({ host, port, timeout: 1000 }, () => tcp.end(bytes));
    for (const event of ["close", "error", "timeout"]) tcp.on(event, () => { tcp.destroy(); resolve(); });
    tcp.resume();
  });
  (async () => {
    for (const bytes of datagrams) await send(bytes);
    const openings = ["GET / HTTP/1.1\\r\\n\\r\\n", "\\x16\\x03\\x01\\x02\\x00\\x01", ""];
    await Promise.all(openings.flatMap((text) => [1, 500, 70000].map((size) => stream(Buffer.concat([Buffer.from(text, "latin1"), randomBytes(size)])))));
    socket.close();
  })();
`;

const nobody = 65_534;

/** Exit status 1 and a single line that matches. */
function refused({ code, stdout, stderr }: Ended, line: RegExp): void {
  expect({ code, stdout, lines: stderr.trim().split("\n") }).toMatchObject({
    code: 1,
    lines: [expect.stringMatching(line)],
  });
}
