/** The command line, reading: what each command prints of a fake engine over the real socket. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { diary } from "../../src-shared/diary.ts";
import { memberStatus, netcheck, networkStatus, peerStatus, status } from "../../src-shared/status.ts";
import type { CommandLine } from "./command-line.ts";
import { buildCommandLine, inProcess } from "./command-line.ts";

let line: CommandLine;
/** A state folder on which an engine with two networks runs. */
let running: string;
beforeAll(async () => {
  line = await buildCommandLine();
  running = await line.running();
});
afterAll(() => line.close());

const here = (...args: string[]) => inProcess(["--state", running, ...args]);

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
