import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PeerStatus } from "../../src-shared/status.ts";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { ping } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

// Three nodes with public addresses that all hear each other; `nas` relays.
let lab: Lab;
let alpha: Install;
let bravo: Install;
let nas: Install;
let address: string;

beforeAll(async () => {
  lab = new Lab();
  const install = (name: string) => new Install(lab, lab.publicHost(name));
  const router = install("router");
  [alpha, bravo, nas] = ["alpha", "bravo", "nas"].map(install) as [Install, Install, Install];
  await router.start(["router"]);
  const link = await router.routerLink();
  await Promise.all([alpha, bravo, nas].map((node) => node.start()));
  const invite = inviteIn(await alpha.ok("network", "create", "home", "--router", link));
  await Promise.all([bravo, nas].map((node) => node.ok("join", invite)));
  await Promise.all([alpha, nas].map((node) => node.online("home")));
  ({ address } = await bravo.online("home"));
  await nas.ok("relay", "on");
});

afterAll(() => lab.close());

describe("the path that the user chooses", () => {
  it("[E18] [Z10] is Starmesh's own choice at first: direct, with a second path standing by", async () => {
    const peer = await reached(({ path }) => path?.kind === "direct" && path.standby !== null);
    expect(peer).toMatchObject({ pin: null, path: { hops: 1, standby: { kind: "relay" } } });
    expect(peer.verdict).toMatchObject({ code: "direct-best" });
  });

  it("[P23] [Z31] leads through a relay at both ends, and says that it was chosen", async () => {
    await waitUntil("nas is known to relay", async () => {
      const ended = await Promise.all([
        alpha.run("path", "bravo", "--via", "nas"),
        bravo.run("path", "alpha", "--via", "nas"),
      ]);
      return ended.every(({ code }) => code === 0);
    });
    const peer = await reached(({ path }) => path?.via[0] === "nas");
    await bravo.peer("alpha", ({ path }) => path?.via[0] === "nas");
    expect(peer).toMatchObject({
      pin: { via: "nas", direct: false },
      path: { kind: "relay", hops: 2, standby: { kind: "direct" } },
      verdict: { code: "relay-chosen" },
    });
    expect((await ping(alpha.host, address)).received).toBe(3);
    const text = await alpha.ok("path", "bravo");
    expect(text).toContain("via nas over udp, 2 hops");
    expect(text).toContain("Chosen by you: through nas (undo: starmesh");
  });

  it("[P23] [C08] is left while the relay is dead, with the reason, and taken again when it is back", async () => {
    await nas.end("SIGKILL");
    const peer = await reached(({ path }) => path?.kind === "direct");
    expect(peer.verdict).toMatchObject({
      code: "chosen-relay-dead-direct",
      text: "You chose nas, which does not answer; packets go straight to bravo until it does.",
      remedy: { code: "unpin", target: "here" },
    });
    await nas.start();
    await reached(({ path }) => path?.via[0] === "nas");
  });

  it("[P23] outlives a restart, and ends when it is undone", async () => {
    await alpha.end();
    await alpha.start();
    await reached(({ path, pin }) => path?.via[0] === "nas" && pin?.via === "nas");
    await alpha.ok("path", "bravo", "--auto");
    await reached(({ path, pin }) => path?.kind === "direct" && pin === null);
  });

  it("names the relays there are when it does not know the one wanted", async () => {
    const { code, stderr } = await alpha.run("path", "bravo", "--via", "nobody");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^No relay “nobody” is known in home\. There are: .*nas.*\.\n$/);
  });
});

/** Bravo as alpha sees it once it is so; packets flow meanwhile. */
async function reached(holds: (peer: PeerStatus) => boolean): Promise<PeerStatus> {
  return waitUntil("bravo is reached as wanted", async () => {
    await ping(alpha.host, address, { count: 1, waitSeconds: 0.3 });
    const peer = (await alpha.status()).peers.find(({ name }) => name === "bravo");
    return peer !== undefined && holds(peer) && peer;
  });
}
