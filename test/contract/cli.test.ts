/** The command line against a fake engine over the real socket: what each command prints and ends with. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { runCommandLine } from "../../src-main/commands/program.ts";
import { createTerminal } from "../../src-main/commands/terminal.ts";
import type { Machine } from "../../src-main/engine/folder.ts";
import { readHolder } from "../../src-main/engine/lock.ts";
import type { Handlers } from "../../src-shared/api/contract.ts";
import { diary } from "../../src-shared/diary.ts";
import type { ErrorCode } from "../../src-shared/errors.ts";
import { AppError, errorKinds } from "../../src-shared/errors.ts";
import { memberStatus, netcheck, networkStatus, peerStatus, status } from "../../src-shared/status.ts";
import type { FakeEngine } from "../fakes/engine.ts";
import { createFakeEngine } from "../fakes/engine.ts";
import { sampleError } from "../fakes/failure.ts";
import type { CommandLine } from "./command-line.ts";
import { buildCommandLine } from "./command-line.ts";
import type { Local } from "./pipes.ts";
import { openLocal } from "./pipes.ts";

let line: CommandLine;
/** A state folder on which an engine with two networks runs. */
let running: string;
beforeAll(async () => {
  line = await buildCommandLine();
  running = line.state("running");
  expect(await line.run(["--state", running, "up"], { fake: "running" })).toMatchObject({ code: 0 });
}, 30_000);
afterAll(() => line.close(), 30_000);

const on = (state: string, ...args: string[]) => line.run(["--state", state, ...args]);
const here = (...args: string[]) => on(running, ...args);

describe("set", () => {
  it("[E17 C18 C19] shows what is set and which interfaces there are, and changes what is given", async () => {
    const shown = await here("set");
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(/Interface +all\nUDP port +7743 \(auto\)/);
    expect(shown.stdout).toMatch(/eth0 +192\.168\.1\.5/);
    const changed = await here(
      ...["set", "--bind", "eth0", "--port", "7800", "--mtu", "1300", "--port-mapping", "off"],
      ...["--stun", "stun:stun.example.org", "--declare", "vpn.example.org", "--json"],
    );
    expect(JSON.parse(changed.stdout).settings).toEqual({
      port: 7800,
      bind: "eth0",
      declared: ["vpn.example.org"],
      stunServers: ["stun.example.org:3478"],
      portMapping: false,
      lanDiscovery: true,
      transport: null,
      proxy: null,
      tlsName: null,
      tlsPath: null,
      dns: true,
      inbound: true,
      hostFirewall: true,
      mtu: 1300,
    });
    const way = ["--transport", "tls", "--proxy", "socks5://ann:secret@proxy.example.org:1080"];
    const confined = await here("set", ...way, "--tls-name", "www.example.org", "--tls-path", "/news");
    expect(confined.stdout).toContain("tls only");
    expect(confined.stdout).toContain("socks5://proxy.example.org:1080");
    expect(confined.stdout).not.toContain("secret");
    const wrong = await here("set", "--transport", "carrier-pigeon");
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("--transport")]);
    expect((await here("set", "--transport", "auto", "--proxy", "auto")).stdout).toContain("best (auto)");
    expect(
      (await here("set", "--bind", "all", "--port", "auto", "--stun", "none", "--declare", "none")).code,
    ).toBe(0);
  });

  it("[E17] names the interfaces that there are when one is not", async () => {
    const { code, stderr } = await here("set", "--bind", "eth7");
    expect({ code, stderr: stderr.trim() }).toEqual({
      code: 1,
      stderr:
        "This machine has no interface or address “eth7”. These are there: eth0, wlan0. See: starmesh set",
    });
  });

  it.each([
    [["--port", "x"], "--port: write a number, or auto."],
    [["--bind", "a b"], "--bind: write an interface like eth0, or an address of this machine."],
    [["--stun", "a b"], "--stun: write stun:HOST or stun:HOST:PORT."],
    [["--port-mapping", "yes"], "--port-mapping: write on or off."],
  ])("says what is wrong with %s", async (words, line) => {
    const { code, stderr } = await here("set", ...words);
    expect({ code, stderr: stderr.trim() }).toEqual({ code: 2, stderr: line });
  });
});

describe("commands that read", () => {
  it("status: this machine, its networks, its router", async () => {
    const { code, stdout, stderr } = await here("status");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(
      /^aurora {2}Starmesh 0\.1\.0, running for \d+ h \(process \d+\)\nUDP port {2}7743, seen from outside as 203\.0\.113\.24:7743\n/,
    );
    expect(stdout).toMatch(/\nRouter {4}.*hosts .*home-lab \(\d+ members, \d+ online\)/);
    expect(stdout).toMatch(/\nNETWORK +ADDRESS +STATE +MEMBERS +INTERFACE +ROUTER/);
    expect(stdout).toMatch(/\nhome-lab +10\.31\.\d+\.\d+ +online +/);
    expect(stdout).toMatch(/\n\d+ peers: .*\d+ connected.*See: starmesh --state \S+ peers\n/);
    expect(stdout).toContain("Refused input: mac1-invalid 3");
  });

  it("peers: one row each, with how it is reached", async () => {
    const peers = z.array(peerStatus).parse(await json("peers"));
    const { stdout } = await here("peers");
    const [heading = "", ...rows] = stdout.trimEnd().split("\n");
    expect(heading).toMatch(
      /^PEER +NETWORK +ADDRESS +STATE +LATENCY +LOSS +RECEIVED +SENT +HANDSHAKE +PATH$/,
    );
    expect(rows).toHaveLength(peers.length);
    peers.forEach((peer, at) => {
      expect(rows[at]).toMatch(
        new RegExp(`^${peer.name} +${peer.network} +${peer.address.replaceAll(".", "\\.")} +${peer.state}`),
      );
    });
    expect(rows.join("\n")).toMatch(/ direct \S+:\d+$/m);
    expect(rows.join("\n")).toMatch(/ via \S+/m);
  });

  it("networks, network list and network show", async () => {
    const { stdout } = await here("networks");
    expect(stdout).toMatch(/^NETWORK +ADDRESS +RANGE +STATE +MEMBERS.*\nhome-lab .*\nstudio .*\n$/);
    expect((await here("network", "list")).stdout).toBe(stdout);
    const shown = (await here("network", "show", "home-lab")).stdout;
    expect(shown).toMatch(
      /^NETWORK .*\nhome-lab .*\n\nId .*\nThis machine may admit and remove members\.\n\d+ members\nMEMBER +ADDRESS +STATE +KIND/,
    );
    expect(shown).toMatch(/this machine$/m);
  });

  it("members: with who waits and who may admit", async () => {
    const { stdout } = await here("members", "studio");
    expect(stdout).toMatch(/^MEMBER +ADDRESS +STATE +KIND +RIGHTS +CERTIFICATE UNTIL\n/);
    expect(stdout).toMatch(/^ines +\S+ +waits +node/m);
    expect(stdout).toMatch(/^render-1 .*admin/m);
  });

  it("[Z31] path: the way and its hops, the verdict and what would help, the candidates and the decisions", async () => {
    const peers = z.array(peerStatus).parse(await json("peers"));
    const relayed = peers.find(({ path }) => path?.kind === "relay");
    const { stdout } = await here("path", relayed?.name ?? "", "--network", relayed?.network ?? "");
    expect(stdout).toMatch(
      /^\S+ \(\S+\) in \S+: \w+\n {2}via \S+.* over udp, 2 hops\n {2}latency .*, jitter .*, loss .* % \(.* % there, .* % back\), MTU \d+\n {2}Why: \S/,
    );
    expect(stdout).toContain(`Why: ${relayed?.verdict?.text}`);
    for (const { text } of relayed?.verdict?.evidence ?? []) expect(stdout).toContain(`    - ${text}`);
    expect(stdout).toMatch(/\n {2}What would help: \S.* \(\S+ ms quicker\)\n/);
    expect(stdout).toMatch(/\n\nCANDIDATE +KIND +STATE +/);
    expect(stdout).toMatch(/\n\nDecisions, the newest first:\n {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}\S/);
  });

  it("[P23] path: chooses a relay, shows the choice and how to undo it, and undoes it", async () => {
    const peers = z.array(peerStatus).parse(await json("peers"));
    const peer = peers.find(({ path }) => path?.kind === "direct");
    const name = peer?.name ?? "";
    const chosen = await here("path", name, "--via", "nas", "--spread", "off");
    expect(chosen.stdout).toMatch(
      /\n {2}Chosen by you: through nas, packets not shared among paths \(undo: starmesh .*path \S+ --auto\)\n/,
    );
    expect((await here("path", name, "--direct")).stdout).toContain(
      "Chosen by you: only directly, packets not",
    );
    expect((await here("path", name, "--auto")).stdout).not.toContain("Chosen by you");
    expect((await here("path", name, "--spread", "on")).stdout).toContain(
      "Chosen by you: packets shared among paths",
    );
    const both = await here("path", name, "--via", "nas", "--direct");
    expect([both.code, both.stderr]).toEqual([2, expect.stringMatching(/--via .*--direct/)]);
    await here("path", name, "--auto");
  });

  it("netcheck: what the connection allows", async () => {
    const { stdout } = await here("netcheck");
    expect(stdout).toMatch(
      /^UDP port +7743\nPackets \(TUN\) +can flow\nAES in hardware +yes\n\nINTERFACE +ADDRESSES\neth0 /,
    );
    expect(stdout).toMatch(
      /\nROUTER +CONTROL +UDP +SEEN AS\n198\.51\.100\.7:7743 +21\.4 ms +19\.8 ms +203\.0\.113\.24:7743\n\n/,
    );
    expect(stdout).toMatch(/\n +FOUND\nok +UDP passes\.\nok +The NAT keeps one outer port/);
  });

  it("diary: how fast one was, and what was decided about it or everybody", async () => {
    const { stdout } = await here("diary", "atlas", "--since", "3d");
    expect(stdout).toMatch(
      /^Latency {2}[▁▂▃▄▅▆▇█ ]{60,72}\n {9}median \S+ ms, lowest \S+ ms, highest \S+ ms, loss \S+ %\n/,
    );
    expect(stdout).toMatch(/\nTraffic {2}received \S+ \w+, sent \S+ \w+\n\nTIME +WHAT\n/);
    expect(stdout).toMatch(/\n\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}relayed through nas/);
    const all = await here("diary");
    expect(all.stdout).toMatch(/^TIME +NETWORK +PEER +WHAT\n/);
    expect(all.stdout).toMatch(/ home-lab +grandma-pc +/);
    expect(all.stdout).toMatch(/ studio +render-1 +/);
    diary.parse(await json("diary", "atlas"));
    expect(await here("diary", "nobody")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^No member “nobody”.*\n$/),
    });
    expect(await here("diary", "--since", "soon")).toMatchObject({ code: 2 });
  });

  it("[C17] early: shows whether ways are kept open, and switches it", async () => {
    expect((await here("early")).stdout).toContain("studio: ways are opened with the first packet.");
    const on = await here("early", "on", "studio");
    expect(on).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("studio: the ways to the 16 machines"),
    });
    expect(await json("early")).toContainEqual({ network: "studio", on: true });
    expect(await json("early")).toContainEqual({ network: "home-lab", on: false });
    expect((await here("early", "off")).stdout).not.toContain("kept open");
    expect(await here("early", "maybe")).toMatchObject({ code: 2 });
    expect((await here("early", "--help")).stdout).toContain("starmesh early on home");
  });

  it("[C30] network start and order: what becomes of a network at the start, and where it is listed", async () => {
    expect((await here("network", "start", "studio")).stdout).toContain("if it was when it ended");
    expect((await here("network", "start", "studio", "up")).stdout).toContain("whenever Starmesh starts");
    expect(await json("network", "start", "studio")).toEqual({ network: "studio", start: "up" });
    expect(await here("network", "start", "studio", "maybe")).toMatchObject({ code: 2 });
    expect(await here("network", "order", "studio")).toMatchObject({ code: 0, stdout: "studio\nhome-lab\n" });
    expect(await here("network", "order", "home-lab")).toMatchObject({ stdout: "home-lab\nstudio\n" });
    expect(await here("network", "order", "nowhere")).toMatchObject({ code: 1 });
  });

  it("[C02] network mask: shows whether a network is masked, and switches it", async () => {
    expect((await here("network", "mask", "home-lab")).stdout).toContain(
      "home-lab: plain UDP is not masked.",
    );
    expect((await here("network", "mask", "home-lab", "on")).stdout).toContain("mask what they send");
    expect(await json("network", "mask", "home-lab")).toEqual({ network: "home-lab", on: true });
    expect((await here("network", "mask", "home-lab", "off")).stdout).toContain("is not masked");
    expect(await here("network", "mask", "home-lab", "maybe")).toMatchObject({ code: 2 });
    expect((await here("network", "mask", "--help")).stdout).toContain("starmesh network mask home on");
  });

  it("[C12] [C16] relay: shows whether this machine relays, switches it, and takes 0 for never", async () => {
    const line = (text: string) => ({ code: 0, stdout: expect.stringContaining(text) });
    expect(await here("relay")).toEqual({
      code: 0,
      stderr: "",
      stdout:
        "home-lab: this machine relays for other members at a cost of 1 ms.\nstudio: this machine relays for nobody.\n",
    });
    expect(await here("relay", "on", "studio", "--cost", "40")).toMatchObject(line("at a cost of 40 ms"));
    expect(await here("relay", "on", "studio", "--cost", "0")).toMatchObject(line("relays for nobody"));
    expect(await here("relay", "off", "home-lab")).toMatchObject(line("relays for nobody"));
    expect(await here("relay", "on")).toMatchObject(line("studio: this machine relays"));
    expect(await json("relay")).toContainEqual(
      expect.objectContaining({ network: "studio", on: true, cost: 40 }),
    );
    for (const wrong of [
      ["maybe"],
      ["on", "studio", "--cost", "1001"],
      ["on", "--quota", "much"],
      ["--cost", "5"],
    ])
      expect(await here("relay", ...wrong)).toMatchObject({ code: 2 });
    expect(await here("relay", "on", "nowhere")).toMatchObject({ code: 1 });
  });

  it("all of them as JSON of the contract's shape", async () => {
    status.parse(await json("status"));
    z.array(networkStatus)
      .min(2)
      .parse(await json("networks"));
    z.array(networkStatus)
      .min(2)
      .parse(await json("network", "list"));
    z.object({ network: networkStatus, members: z.array(memberStatus).min(1) }).parse(
      await json("network", "show", "studio"),
    );
    z.array(memberStatus)
      .min(1)
      .parse(await json("members", "studio"));
    netcheck.parse(await json("netcheck"));
    const [peer] = z
      .array(peerStatus)
      .min(1)
      .parse(await json("peers"));
    z.object({ peer: peerStatus, candidates: z.array(z.unknown()), decisions: z.array(z.unknown()) }).parse(
      await json("path", peer?.address ?? ""),
    );
  });

  it("the panel's link alone on standard output, and its end", async () => {
    const { code, stdout, stderr } = await here("panel");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=[0-9a-f]{32}\n$/);
    expect(stderr).toMatch(/opens once, until/);
    expect((await here("panel", "--revoke")).stdout).toBe("All log-ins of the panel have ended.\n");
  });

  async function json(...args: string[]): Promise<unknown> {
    const { code, stdout, stderr } = await here(...args, "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return JSON.parse(stdout);
  }
});

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

describe("what a command asks of the engine", () => {
  let local: Local;
  let engine: FakeEngine;
  const asked: (readonly [name: string, input: unknown])[] = [];
  beforeAll(async () => {
    engine = createFakeEngine({ peers: 3 });
    const handlers = Object.fromEntries(
      Object.entries(engine.handlers).map(([name, handler]) => [
        name,
        (input: never, signal: never) => {
          asked.push([name, input]);
          return (handler as (input: never, signal: never) => unknown)(input, signal);
        },
      ]),
    );
    local = await openLocal({ handlers: handlers as Handlers, panel: false });
  });
  afterAll(async () => {
    await local.close();
    engine.stop();
  });

  const created = { name: "lab", approve: false, mask: false, join: true };
  const target = { target: "attic", secret: "correct-horse", router: "r.example", force: false };
  it.each<readonly [string, string, unknown]>([
    ["network create lab", "networks.create", created],
    [
      "network create lab2 --cidr 10.99.0.0/16 --approve --mask --no-join --name boss",
      "networks.create",
      {
        ...created,
        name: "lab2",
        cidr: "10.99.0.0/16",
        approve: true,
        mask: true,
        join: false,
        nodeName: "boss",
      },
    ],
    [
      "network create lab3 --router starmesh://router/1/x",
      "networks.create",
      { ...created, name: "lab3", routerLink: "starmesh://router/1/x" },
    ],
    ["network create lab4 --secret", "networks.create", { ...created, name: "lab4", secret: "" }],
    [
      "network create lab5 --secret correct-horse",
      "networks.create",
      { ...created, name: "lab5", secret: "correct-horse" },
    ],
    [
      "network create lab6 --secret -",
      "networks.create",
      { ...created, name: "lab6", secret: "from standard input" },
    ],
    ["network show home-lab", "networks.show", { network: "home-lab" }],
    ["network delete nope", "networks.delete", { network: "nope" }],
    ["network key export home-lab", "networks.exportKey", { network: "home-lab" }],
    ["network key import abc", "networks.importKey", { key: "abc" }],
    ["network key import -", "networks.importKey", { key: "from standard input" }],
    ["join starmesh://join/1/x", "networks.join", { target: "starmesh://join/1/x", force: false }],
    ["join attic --secret correct-horse --router r.example", "networks.join", target],
    [
      "join attic --secret - --router r.example --name me --ip 10.40.0.9 --force",
      "networks.join",
      { ...target, secret: "from standard input", nodeName: "me", address: "10.40.0.9", force: true },
    ],
    ["invite home-lab", "invites.create", { network: "home-lab", count: 50, expiresSeconds: 86_400 }],
    [
      "invite home-lab --once --expires 7d",
      "invites.create",
      { network: "home-lab", count: 1, expiresSeconds: 604_800 },
    ],
    [
      "invite home-lab --count 3",
      "invites.create",
      { network: "home-lab", count: 3, expiresSeconds: 86_400 },
    ],
    ["members studio", "members.list", { network: "studio" }],
    ["member approve ines", "members.approve", { member: "ines" }],
    ["member remove ines --network studio", "members.remove", { member: "ines", network: "studio" }],
    ["member admin x", "members.admin", { member: "x" }],
    ["leave nope", "networks.leave", { network: "nope" }],
    ["up", "networks.up", { networks: [] }],
    ["up home-lab studio", "networks.up", { networks: ["home-lab", "studio"] }],
    ["down", "networks.down", { networks: [] }],
    ["down studio", "networks.down", { networks: ["studio"] }],
    ["path nas --network studio", "peers.path", { peer: "nas", network: "studio" }],
    ["path nope --direct", "peers.pin", { peer: "nope", via: null, direct: true }],
    [
      "path nope --via nas --spread on",
      "peers.pin",
      { peer: "nope", via: "nas", direct: false, spread: "on" },
    ],
    [
      "path nope --auto",
      "peers.pin",
      { peer: "nope", via: null, direct: false, transport: null, spread: "auto" },
    ],
    [
      "path nope --via nas --transport tls",
      "peers.pin",
      { peer: "nope", via: "nas", direct: false, transport: "tls" },
    ],
    ["ping nope -c 3 --network studio", "peers.ping", { peer: "nope", count: 3, network: "studio" }],
    ["wg add phone", "wireguard.add", { name: "phone", allowed: "network" }],
    [
      "wg add phone --network studio --endpoint a.example:1",
      "wireguard.add",
      { name: "phone", allowed: "network", network: "studio", endpoint: "a.example:1" },
    ],
    ["wg add phone --allowed all", "wireguard.add", { name: "phone", allowed: "all" }],
    [
      "network broadcast nope on --ports 5353,6112 --rate 20",
      "networks.broadcast",
      { network: "nope", on: true, ports: [5353, 6112], perSecond: 20 },
    ],
    ["network broadcast nope off", "networks.broadcast", { network: "nope", on: false }],
    ["network broadcast nope refuse", "networks.broadcast", { network: "nope", take: false }],
    ["wg list --network studio", "wireguard.list", { network: "studio" }],
    ["wg revoke nope", "wireguard.revoke", { name: "nope" }],
    ["member gateway nope on", "members.gateway", { member: "nope", on: true }],
    ["member gateway nope off", "members.gateway", { member: "nope", on: false }],
    ["netcheck", "netcheck.run", {}],
    ["router check", "router.check", {}],
    ["panel", "panel.link", {}],
    ["panel --revoke", "panel.revoke", {}],
  ])("%s", async (words, name, input) => {
    asked.length = 0;
    await inProcess(["--state", local.folder, ...words.split(" ")]);
    expect(asked).toContainEqual([name, input]);
  });
});

describe("the engine in the background", () => {
  it("[P27 E23] is started by up, outlives the command and ends with stop", async () => {
    const state = line.state("background");
    const up = await on(state, "up");
    expect(up).toMatchObject({ code: 0, stdout: "Starmesh runs; this machine is in no network yet.\n" });
    expect(up.stderr).toContain(`Make one: starmesh --state ${state} network create NAME\n`);
    const holder = readHolder(state);
    expect(holder).not.toBeNull();
    expect(statSync(state).mode & 0o777).toBe(0o700);
    expect(await on(state, "up")).toMatchObject({ code: 0 });
    expect(readHolder(state)).toEqual(holder);
    expect(await on(state, "stop")).toMatchObject({ code: 0, stdout: "Stopped.\n" });
    expect(readHolder(state)).toBeNull();
    expect(await on(state, "stop")).toMatchObject({
      code: 0,
      stdout: "",
      stderr: "Starmesh does not run here: nothing to stop.\n",
    });
    expect(await on(state, "up")).toMatchObject({ code: 0 });
  });

  it("is started once by commands that come at the same time", async () => {
    const state = line.state("together");
    const both = await Promise.all([on(state, "up"), on(state, "up"), on(state, "up")]);
    expect(both.map(({ code, stderr }) => ({ code, failed: /already/.test(stderr) }))).toEqual(
      both.map(() => ({ code: 0, failed: false })),
    );
  });

  it("starts again after it was killed", async () => {
    const state = line.state("killed");
    await on(state, "up");
    process.kill(readHolder(state)?.pid ?? 0, "SIGKILL");
    expect(await on(state, "status")).toMatchObject({
      code: 1,
      stderr: `${new AppError("not-running").message}\n`,
    });
    expect(await on(state, "up")).toMatchObject({ code: 0 });
    expect(await on(state, "status")).toMatchObject({ code: 0 });
  });

  it("says in its own line why it does not start", async () => {
    const failed = await line.run(["--state", line.state("fails"), "up"], { fake: "fails" });
    expect(failed).toMatchObject({
      code: 1,
      stderr: `${new AppError("port-in-use", { port: 7743 }).message}\n`,
    });
    const broken = await line.run(["--state", line.state("breaks"), "network", "create", "x"], {
      fake: "breaks",
    });
    expect(broken.code).toBe(1);
    expect(broken.stderr).toMatch(/^Something went wrong inside Starmesh: .*logs has more\.\n$/);
  });

  it("says where packets cannot flow", async () => {
    const limited = await line.run(["--state", line.state("limited"), "up"], { fake: "limited" });
    expect(limited.code).toBe(0);
    expect(limited.stderr.split("\n")[0]).toBe(new AppError("no-privilege").message);
  });

  it("does not start in a folder that is none", async () => {
    const state = line.state("file");
    mkdirSync(join(state, ".."), { recursive: true });
    writeFileSync(state, "");
    const failed = await on(state, "up");
    expect(failed).toMatchObject({
      code: 1,
      stderr: `The state folder ${state} cannot be written: it is not a folder. Choose another with --state.\n`,
    });
  });

  it("is found by a path that is too long for a socket", async () => {
    const state = line.state(`long/${"x".repeat(120)}`);
    expect(await on(state, "up")).toMatchObject({ code: 0 });
    expect(existsSync(join(state, "starmesh.sock"))).toBe(false);
    expect(await on(state, "status")).toMatchObject({ code: 0 });
  });
});

describe("the engine in the foreground", () => {
  it("[Z28] router prints its link, its panel and its networks, and ends on Ctrl-C", async () => {
    const state = line.state("router");
    const args = [
      "router",
      "--listen",
      "0.0.0.0:9999",
      "--public",
      "a.example",
      "--public",
      "b.example",
      "--panel",
      "127.0.0.1:0",
      "--new-token",
      "--config",
      "r.json",
      "--debug",
    ];
    const router = line.start(["--state", state, ...args]);
    const said = await router.says(/Stop it with Ctrl-C\.\n/);
    expect(said).toMatch(/^Router {4}\S+\n {10}starmesh:\/\/router\/1\/[\w-]+\n/);
    expect(said).toMatch(/\nPanel {5}http:\/\/127\.0\.0\.1:\d+\/#token=[0-9a-f]{32}\n/);
    expect(said).toMatch(/\nNetworks {2}none yet\. Make one: starmesh --state \S+ network create NAME\n/);
    expect(JSON.parse(readFileSync(join(state, "options.json"), "utf8"))).toMatchObject({
      state,
      foreground: true,
      router: {
        wish: { listen: "0.0.0.0:9999", public: ["a.example", "b.example"] },
        newToken: true,
        config: "r.json",
      },
      panel: "127.0.0.1:0",
      debug: true,
    });

    const second = await on(state, "up", "--foreground");
    expect(second).toMatchObject({
      code: 1,
      stdout: "",
      stderr: `${new AppError("already-running", { pid: router.process.pid ?? 0 }).message}\n`,
    });
    expect(await on(state, "router")).toMatchObject({ code: 1, stderr: second.stderr });
    router.process.kill("SIGINT");
    expect(await router.ended).toMatchObject({ code: 0 });
  });

  it("[P09 P10 P11 E11] router takes transports, certificates and a range of ports", async () => {
    const state = line.state("ports");
    const words =
      "router --panel off --cert a.pem --key b.pem --store sqlite:r.db --transport udp=off --transport tcp=0.0.0.0:8443 --transport wss=on --bind 8000 --nums 1000 --token correct-horse";
    const router = line.start(["--state", state, ...words.split(" ")]);
    await router.says(/Stop it with Ctrl-C\.\n/);
    expect(JSON.parse(readFileSync(join(state, "options.json"), "utf8")).router).toEqual({
      wish: {
        cert: "a.pem",
        key: "b.pem",
        store: "sqlite:r.db",
        transports: {
          udp: { enable: false },
          tcp: { enable: true, listen: "0.0.0.0:8443" },
          wss: { enable: true },
        },
        planes: { bind: 8000, nums: 1000, token: "correct-horse" },
      },
    });
    router.process.kill("SIGINT");
    expect(await router.ended).toMatchObject({ code: 0 });
  });

  it.each([
    ["--transport ftp=on", "--transport: write NAME=on, NAME=off or NAME=ADDRESS:PORT with one of udp, tcp"],
    ["--transport udp", "--transport: write NAME=on, NAME=off or NAME=ADDRESS:PORT with one of udp, tcp"],
    ["--transport udp=443", "--transport: write ADDRESS:PORT, for example 0.0.0.0:443 or [::]:443."],
    ["--listen 443", "--listen: write ADDRESS:PORT, for example 0.0.0.0:443 or [::]:443."],
    ["--public no/host", "--public: write HOST or HOST:PORT, for example vpn.example.org."],
    ["--bind x", "--bind: write a port, 1 to 65535."],
    ["--bind 8000 --nums 0", "--nums: write how many ports, 1 to 4096."],
    ["--bind 8000 --token short", "--token: write a token of 8 characters or more."],
    ["--nums 3", "--nums and --token go with --bind, the first port."],
  ])("[P10 E11] router %s says what to write", async (words, message) => {
    const failed = await on(line.state("none"), "router", ...words.split(" "));
    expect(failed).toMatchObject({ code: 2, stdout: "" });
    expect(failed.stderr).toContain(message);
  });

  it("up --foreground --panel off opens none, and ends with stop", async () => {
    const state = line.state("plain");
    const up = line.start(["up", "--foreground", "--panel", "off", "--state", state, "home-lab"], {
      fake: "limited",
    });
    const said = await up.says(/Stop it with Ctrl-C\.\n/);
    expect(said).toContain(new AppError("no-privilege").message);
    expect(said).not.toMatch(/Panel|Router/);
    expect(JSON.parse(readFileSync(join(state, "options.json"), "utf8"))).toMatchObject({
      panel: false,
      networks: ["home-lab"],
      debug: false,
    });
    expect(await on(state, "stop")).toMatchObject({ code: 0 });
    expect(await up.ended).toMatchObject({ code: 0 });
  });

  it("ends with the engine's line and status when that does not start", async () => {
    const failed = await line.run(["--state", line.state("no"), "up", "--foreground"], { fake: "fails" });
    expect(failed).toMatchObject({
      code: 1,
      stdout: "",
      stderr: `${new AppError("port-in-use", { port: 7743 }).message}\n`,
    });
  });
});

describe("the engine that is meant without --state", () => {
  it.skipIf(existsSync("/var/lib/starmesh/starmesh.sock"))("is the user's own", async () => {
    const home = line.state("home");
    const folder = join(home, ".local/share/starmesh");
    mkdirSync(folder, { recursive: true });
    const engine = createFakeEngine();
    const local = await openLocal({
      handlers: engine.handlers,
      panel: false,
      socketPath: join(folder, "starmesh.sock"),
    });
    const machine = { platform: "linux", environment: {}, home, uid: 4321 } as const;
    expect(await inProcess(["networks", "--json"], machine)).toMatchObject({ code: 0 });
    await local.close();
    engine.stop();
    expect(await inProcess(["networks"], machine)).toMatchObject({ code: 1 });
  });

  it.skipIf(!canPlaySystem())(
    "is a system engine that runs, for whom sudo started it, and nobody else",
    async () => {
      // A machine of its own, as far as /var/lib, processes and users go; it ends with its first process.
      const script = `
      set -e
      mount -t tmpfs none /var/lib
      cli="$0 $1"
      SUDO_UID=4321 SUDO_GID=4321 $cli up
      stat -c '%a %u' /var/lib/starmesh /var/lib/starmesh/starmesh.sock
      setpriv --reuid 4321 --regid 4321 --clear-groups $cli networks
      setpriv --reuid 4322 --regid 4322 --clear-groups $cli networks || echo "status $?"
      $cli stop`;
      const child = spawn(
        "unshare",
        ["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, process.execPath, line.program],
        { env: { PATH: process.env["PATH"], HOME: "/nonexistent", STARMESH_FAKE: "running" } },
      );
      let said = "";
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += String(text)));
      await once(child, "close");
      const lines = said.split("\n");
      expect(lines).toContain("711 0");
      expect(lines).toContain("600 4321");
      expect(lines.filter((each) => /^home-lab /.test(each))).toHaveLength(1);
      expect(lines).toContain(new AppError("not-yours", { folder: "/var/lib/starmesh" }).message);
      expect(lines).toContain("status 1");
      expect(lines).toContain("Stopped.");
    },
  );
});

describe("what went wrong", () => {
  it("is one line of the error's own words, status 1, whatever the error", async () => {
    for (const code of Object.keys(errorKinds) as ErrorCode[]) {
      const said = await inProcess(["--state", running, "network", "show", `fail:${code}`]);
      const status = code === "usage" ? 2 : 1;
      expect(said).toEqual({ code: status, stdout: "", stderr: `${sampleError(code).message}\n` });
    }
  });

  it("is not running: one line, status 1, for every command that needs an engine", async () => {
    const state = line.state("nowhere");
    for (const args of [
      ["status"],
      ["peers", "--json"],
      ["down"],
      ["leave"],
      ["invite", "x"],
      ["ping", "x"],
      ["panel"],
    ]) {
      expect(await on(state, ...args)).toEqual({
        code: 1,
        stdout: "",
        stderr: `${new AppError("not-running").message}\n`,
      });
    }
    expect(existsSync(state)).toBe(false);
  });

  it.each<readonly [readonly string[], string]>([
    [["statsu"], "Unknown command “statsu”. Did you mean: status? See: starmesh --help"],
    [["frobnicate"], "Unknown command “frobnicate”. See: starmesh --help"],
    [["status", "--jsno"], "Unknown option “--jsno”. Did you mean: --json? See: starmesh status --help"],
    [["join"], "Missing required argument “INVITE|NAME|HOST:PORT”. See: starmesh join --help"],
    [
      ["network", "craete", "x"],
      "Unknown command “craete”. Did you mean: create? See: starmesh network --help",
    ],
    [["network", "create"], "Missing required argument “NAME”. See: starmesh network create --help"],
    [
      ["path", "a", "b"],
      "Too many arguments for “path”. Expected 1 argument but got 2. See: starmesh path --help",
    ],
    [["ping", "x", "-c", "0"], "“0” is no count: write a whole number from 1."],
    [
      ["invite", "x", "--expires", "soon"],
      "“soon” is no time: write for example 30m, 24h or 7d (a minute to a year).",
    ],
    [["invite", "x", "--once", "--count", "2"], "Give --once or --count, not both."],
    [["up", "--panel", "off"], "--panel and --debug go with --foreground."],
    [
      ["join", "home"],
      "“home” is no invite. Join by name with: starmesh --state DIR join NAME --secret SECRET --router HOST",
    ],
    [["--state"], "Option “--state <DIR>” argument missing. See: starmesh --help"],
  ])("is wrong usage: %j", async (args, said) => {
    const state = line.state("usage");
    const ended = await inProcess(args.includes("--state") ? args : ["--state", state, ...args]);
    expect(ended).toEqual({ code: 2, stdout: "", stderr: `${said.replace("DIR join", `${state} join`)}\n` });
    expect(existsSync(state)).toBe(false);
  });

  it("is told by the engine: bad names and numbers are wrong usage, too", async () => {
    const ended = await here("path", "x".repeat(200));
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(/^peer: .*\n$/);
  });
});

describe("help", () => {
  it("[C15] teaches the first steps, and each command has its own", async () => {
    const { code, stdout, stderr } = await line.run(["--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("starmesh network create home    make a network; it prints an invite");
    expect(await line.run([])).toEqual({ code: 0, stdout, stderr: "" });
    const commands = [...stdout.matchAll(/^ {2}([a-z-]+)(?: |$)/gm)].map((match) => match[1] ?? "");
    expect(commands).toEqual(
      expect.arrayContaining([
        "router",
        "network",
        "invite",
        "members",
        "member",
        "join",
        "leave",
        "networks",
        "up",
        "down",
        "stop",
        "status",
        "peers",
        "path",
        "ping",
        "netcheck",
        "diary",
        "bugreport",
        "relay",
        "route",
        "exit-node",
        "name",
        "portmap",
        "wg",
        "panel",
        "service",
      ]),
    );
    // Commands of later issues are absent until they work.
    for (const later of ["expose", "apps", "connect", "proxy", "send", "import"]) {
      expect(commands).not.toContain(later);
    }
    for (const command of [
      "join",
      "router",
      "invite",
      "up",
      "network create",
      "wg add",
      "relay",
      "name add",
      "exit-node",
    ]) {
      const own = await inProcess([...command.split(" "), "--help"]);
      expect(own.code).toBe(0);
      expect(own.stdout).toContain("Examples:");
      expect(own.stdout).toContain("--state <DIR>");
    }
  });

  it("goes to standard error, status 2, where a command is not whole", async () => {
    const group = await line.run(["network"]);
    expect(group.code).toBe(2);
    expect(group.stderr).toContain("Usage: starmesh network");
    expect(await line.run(["--version"])).toEqual({ code: 0, stdout: "0.1.0\n", stderr: "" });
  });
});

describe("pipes", () => {
  it("hold no colours and no progress", async () => {
    for (const args of [["status"], ["peers"], ["netcheck"], ["up"]]) {
      const { stdout, stderr } = await here(...args);
      expect(stdout + stderr).not.toContain("\u001b");
    }
  });

  it("may be closed by the reader: | head is no failure", async () => {
    const words = [process.execPath, line.program, "--state", running];
    const child = spawn("sh", ["-c", '"$0" "$@" status --json | head -n 1', ...words]);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += String(text)));
    await once(child, "close");
    expect(output).toBe("{\n");

    const endless = line.start(["--state", running, "ping", "10.31.0.3"]);
    await endless.says(/seq=1 /);
    endless.process.stdout?.destroy();
    expect(await endless.ended).toMatchObject({ code: 0, stderr: "" });
  });
});

/** The same command line without a process of its own, where many are run and only their words matter. */
async function inProcess(
  words: readonly string[],
  machine: Machine = {
    platform: process.platform,
    environment: {},
    home: "/nonexistent",
    uid: process.getuid?.() ?? null,
  },
): Promise<{ code: number; stdout: string; stderr: string }> {
  const said = { stdout: "", stderr: "" };
  const terminal = createTerminal({
    output: { write: (text) => (said.stdout += text) },
    errors: { write: (text) => (said.stderr += text) },
    environment: {},
  });
  const code = await runCommandLine(words, {
    terminal,
    machine,
    version: "0.1.0",
    daemonFile: "/nonexistent",
    commandLineFile: "/nonexistent",
    openService: () => {
      throw new Error("no service is asked for here");
    },
    runAsService: () => Promise.reject(new Error("no service is to be started here")),
    takeBack: async () => false,
    runDaemon: () => Promise.reject(new Error("no engine is to be started here")),
    readLine: async () => "from standard input",
  });
  return { code, ...said };
}

/** Whether this is root with the tools for a machine of its own, whose users can read the built program. */
function canPlaySystem(): boolean {
  if (process.getuid?.() !== 0) return false;
  const tried = spawnSync("unshare", [
    "--mount",
    "setpriv",
    "--reuid",
    "4321",
    "--clear-groups",
    "test",
    "-r",
    thisFile,
  ]);
  return tried.status === 0;
}

const thisFile = fileURLToPath(import.meta.url);
