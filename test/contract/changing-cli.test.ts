/** The command line, changing: what each command does to a fake engine, and says of it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { AppError } from "../../src-shared/errors.ts";
import { peerStatus } from "../../src-shared/status.ts";
import type { CommandLine } from "./command-line.ts";
import { buildCommandLine } from "./command-line.ts";

let line: CommandLine;
/** A state folder on which an engine with two networks runs. */
let running: string;
beforeAll(async () => {
  line = await buildCommandLine();
  running = await line.running();
});
afterAll(() => line.close());

const on = (state: string, ...args: string[]) => line.run(["--state", state, ...args]);
const here = (...args: string[]) => on(running, ...args);

describe("commands that change", () => {
  it("[C05 C15] network create prints the invite alone on a line, and starts Starmesh for it", async () => {
    const state = line.state("fresh");
    const created = await on(state, "network", "create", "garden");
    expect(created.code).toBe(0);
    expect(created.stdout).toMatch(/^starmesh:\/\/join\/1\/[\w-]+\n$/);
    expect(created.stderr).toMatch(/^Created garden \(10\.[\d.]+\/16\); this machine is 10\.[\d.]+\.\n/);
    expect(created.stderr).toMatch(/It works 50 times, until \d{4}-/);
    expect(JSON.parse((await on(state, "status", "--json")).stdout)).toMatchObject({ router: { on: true } });

    const joiner = line.state("joiner");
    const joined = await on(joiner, "join", created.stdout.trim());
    expect(joined).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Joined \S+ as \S+, 10\.[\d.]+\.\n$/),
    });
    expect(joined.stderr).toBe(`See who is there: starmesh --state ${joiner} peers\n`);
  });

  it("[C04 C15] network create --secret prints the line to join with", async () => {
    const state = line.state("secret");
    const made = await on(state, "network", "create", "party", "--secret");
    expect(made.stdout).toMatch(/^starmesh join party --secret \S{12,} --router \S+\n$/);
    const given = await line.run(["--state", state, "network", "create", "den", "--secret", "-"], {
      input: "correct horse\n",
    });
    expect(given.stdout).toContain("correct horse");
    const words = made.stdout.trim().split(" ").slice(1);
    const joined = await on(line.state("guest"), ...words);
    expect(joined).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Joined party as /) });
  });

  it("invite prints the invite alone, with its terms beside it", async () => {
    const once = await here("invite", "home-lab", "--once", "--expires", "30m");
    expect(once.stdout).toMatch(/^starmesh:\/\/join\/1\/[\w-]+\n$/);
    expect(once.stderr).toContain("It works once, until ");
    expect((await here("invite", "home-lab", "--count", "7")).stderr).toContain("It works 7 times, until ");
    const drawn = await here("invite", "home-lab", "--qr");
    expect(drawn.stdout).toMatch(/^starmesh:\/\/join\/1\/[\w-]+\n$/);
    expect(drawn.stderr.split("\n").filter((each) => /^[ ▀▄█]{40,}$/.test(each)).length).toBeGreaterThan(20);
  });

  it("member approve, admin and remove", async () => {
    expect(await here("member", "approve", "ines")).toMatchObject({
      code: 0,
      stdout: "ines may take part now.\n",
    });
    expect(await here("member", "admin", "ines", "--network", "studio")).toMatchObject({
      code: 0,
      stdout: "ines is an administrator now.\n",
    });
    expect(await here("member", "remove", "render-2")).toMatchObject({
      code: 0,
      stdout: "render-2 was removed.\n",
    });
    expect((await here("members", "studio")).stdout).not.toContain("render-2");
  });

  it("down and up", async () => {
    expect((await here("down", "studio")).stdout).toBe("Disconnected: studio\n");
    expect((await here("networks")).stdout).toMatch(/^studio .* off /m);
    expect(await here("up")).toMatchObject({ code: 0, stdout: expect.stringContaining("studio") });
  });

  it("leave, without a name only where there is one network", async () => {
    const state = line.state("leaver");
    await on(state, "network", "create", "one");
    await on(state, "network", "create", "two");
    const unsure = await on(state, "leave");
    expect(unsure).toMatchObject({
      code: 2,
      stderr: "This machine is in several networks: one, two. Name the one to leave.\n",
    });
    expect((await on(state, "leave", "one")).stdout).toBe("Left one.\n");
    expect((await on(state, "leave")).stdout).toBe("Left two.\n");
    expect(await on(state, "leave")).toMatchObject({ code: 2, stderr: "This machine is in no network.\n" });
  });

  it("[Z28] wg add prints the profile alone", async () => {
    const added = await here(
      "wg",
      "add",
      "phone",
      "--endpoint",
      "vpn.example.org",
      "--network",
      "home-lab",
      "--qr",
    );
    expect(added.code).toBe(0);
    expect(added.stdout).toMatch(/^\[Interface\]\nPrivateKey = \S+\n(.+\n)+\n\[Peer\]\n(.+\n)+$/);
    expect(added.stdout).not.toMatch(/[▀▄█]/);
    expect(added.stderr).toMatch(/[▀▄█]{10,}/);
    expect(added.stderr).toMatch(/phone is 10\.[\d.]+\. This profile is shown once/);
  });

  it("network key export and import", async () => {
    const state = line.state("keys");
    await on(state, "network", "create", "vault");
    const exported = await on(state, "network", "key", "export", "vault");
    expect(exported.stdout).toMatch(/^\S+\n$/);
    const imported = await line.run(["--state", state, "network", "key", "import", "-"], {
      input: exported.stdout,
    });
    expect(imported).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^This machine is an administrator of \S+ now\.\n$/),
    });
    expect((await on(state, "network", "delete", "vault")).stdout).toBe("Deleted vault.\n");
  });

  it("ping counts what comes back, and Ctrl-C ends it with a summary", async () => {
    const peers = z.array(peerStatus).parse(JSON.parse((await here("peers", "--json")).stdout));
    const { name = "", address = "" } = peers.find(({ state }) => state === "connected") ?? {};
    const counted = await here("ping", address, "-c", "2");
    expect(counted.code).toBe(0);
    expect(counted.stdout).toMatch(
      new RegExp(
        `^Pinging ${name} \\(${address}\\)\n(.* seq=\\d+.*\n){2}\n--- ${name}: 2 sent, \\d received, \\d+ % lost, \\d\\.\\d s ---\n`,
      ),
    );
    expect(counted.stdout).toMatch(/seq=\d time=[\d.]+ ms (direct|via) /);
    expect(counted.stdout).toMatch(/round trip min\/avg\/max\/mdev = [\d.]+\/[\d.]+\/[\d.]+\/[\d.]+ ms\n$/);

    const endless = line.start(["--state", running, "ping", address]);
    await endless.says(/seq=1 /);
    endless.process.kill("SIGINT");
    expect(await endless.ended).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/\n--- .*1 sent, 1 received/),
    });

    const silent = peers.find(({ state }) => state === "offline" || state === "unreachable");
    const lost = await here("ping", silent?.address ?? "", "-c", "1");
    expect(lost.code).toBe(1);
    expect(lost.stdout).toMatch(/100 % lost/);
    expect(lost.stderr).toBe(`${new AppError("peer-unreachable", { name: silent?.name ?? "" }).message}\n`);
  });
});
