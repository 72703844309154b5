/** Port planes and the router's file with real processes: who meets whom at which port, and what a thousand ports cost. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { socketOf } from "../../src-main/engine/folder.ts";
import { attach } from "../../src-main/server/attach.ts";
import { letPassOnly } from "./firewall.ts";
import type { Host } from "./host.ts";
import { Install } from "./install.ts";
import { Lab } from "./lab.ts";
import { ping } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.close());

function node(name: string): Install {
  return new Install(lab, lab.publicHost(name));
}

describe("port planes", () => {
  it("[E10 E11 E13 E16] whoever joins at one port meets, at two ports nobody sees another, and busy ports are left out and listed", async () => {
    const router = node("router");
    const [address = ""] = router.host.addresses;
    const blocker = router.host.start(process.execPath, ["-e", blockTcpAndUdp]);
    await blocker.says(/busy/);
    const engine = await router.start(["router", "--panel", "off", "--bind", "8000", "--nums", "6"]);
    const [, port, token = ""] = await engine.says(/starmesh join \S+:(\d+) --secret (\S+)/);
    expect(port).toBe("8000");
    expect(engine.stdout).toContain("8000–8005: 4 networks");
    expect(engine.stdout).toContain("left out: 8001, 8003");
    expect(token).toMatch(/^(\w{4}-){4}\w{4}$/);
    expect((await router.status()).router.planes).toMatchObject({ open: 4, busy: [8001, 8003], used: [] });
    // The ports are its own from the start on, over TCP and UDP.
    const listening = router.host.runNow("ss", "-Hlntu").split("\n");
    for (const kind of ["tcp", "udp"])
      expect(
        listening.filter((line) => line.startsWith(kind) && /:800[0245]\s/.test(line)).length,
      ).toBeGreaterThan(3);

    const [one, two, other] = [node("one"), node("two"), node("other")];
    await Promise.all([one.start(), two.start(), other.start()]);
    await one.ok("join", `${address}:8000`, "--secret", token);
    await two.ok("join", `${address}:8000`, "--secret", token);
    await other.ok("join", `${address}:8005`, "--secret", token);
    const stranger = await other.run("join", `${address}:8002`, "--secret", "not-the-token");
    expect(stranger).toMatchObject({ code: 1 });
    expect(stranger.stderr).toContain("Wrong secret for port-8002.");

    const { address: of } = await two.online("port-8000");
    await one.online("port-8000");
    await other.online("port-8005");
    await waitUntil("they reach each other", async () => (await ping(one.host, of)).received > 0);
    await one.peer("two", (peer) => peer.state === "connected");
    expect((await one.status()).peers.map(({ name }) => name)).toEqual(["two"]);
    expect((await other.status()).peers).toEqual([]);
    const used = await waitUntil("all are online", async () => {
      const { planes } = (await router.status()).router;
      return planes?.used.every(({ members, online }) => members === online) ? planes.used : null;
    });
    expect(used).toMatchObject([
      { port: 8000, members: 2 },
      { port: 8005, members: 1 },
    ]);
    const printed = await router.ok("status");
    expect(printed).toContain("left out: 8001, 8003");
    expect(printed).toContain("joined: 8000 (2 members, 2 online), 8005 (1 member, 1 online)");
    // Its session with the router is at the port it joined at.
    await one.relayed();
    expect(router.host.runNow("ss", "-Hnlu", "sport = 8000")).toContain(":8000");

    // A restart without a word about them has them as before.
    await router.end();
    await router.start(["router", "--panel", "off"]);
    await one.online("port-8000");
    expect((await router.status()).router.planes).toMatchObject({ open: 4, token });
  });

  it("[E16 P16] a node whose firewall lets that one TCP port out meets the others there all the same", async () => {
    const router = node("router");
    const [address = ""] = router.host.addresses;
    await router.start([
      "router",
      "--panel",
      "off",
      "--bind",
      "8000",
      "--nums",
      "2",
      "--token",
      "correct-horse",
    ]);
    const nat = lab.nat("nat", "port-restricted", 1);
    letPassOnly(nat, "tcp dport 8001", "tcp sport 8001");
    const [inside, outside] = [new Install(lab, lab.lanHost("inside", nat, 2)), node("outside")];
    await Promise.all([inside.start(), outside.start()]);
    for (const each of [inside, outside]) {
      await each.ok("join", `${address}:8001`, "--secret", "correct-horse");
      await each.online("port-8001");
    }
    const { address: of } = await outside.online("port-8001");
    await waitUntil("they reach each other", async () => (await ping(inside.host, of)).received > 0);
    const { path } = await inside.peer("outside", (peer) => peer.path !== null);
    expect(["tls", "wss"]).toContain(path?.transport);
    expect(path?.remote).toContain(":8001");
  });

  it("[E10 E11] a thousand ports open at once and take little memory", async () => {
    const router = node("router");
    const [address = ""] = router.host.addresses;
    await router.start(["router", "--panel", "off"]);
    const attached = await attach(socketOf(router.folder));
    if (attached === null) throw new Error("the router does not answer");
    const { pid } = (await router.status()).node;
    const [before, begin] = [memoryOf(pid), performance.now()];
    const wish = { bind: 8000, nums: 1000, token: "correct-horse" };
    const { planes } = await attached.client.call("router.start", { planes: wish });
    const seconds = (performance.now() - begin) / 1000;
    expect(planes).toMatchObject({ open: 1000, busy: [] });
    const kilobytes = (memoryOf(pid) - before) / 1000 / 1000;
    const one = node("one");
    await one.start();
    await one.ok("join", `${address}:8999`, "--secret", "correct-horse");
    await one.online("port-8999");
    process.stdout.write(
      `1,000 planes: open after ${seconds.toFixed(2)} s, ${kilobytes.toFixed(1)} kB each\n`,
    );
    expect(kilobytes).toBeLessThan(40);
    attached.client.close();
  });
});

describe("the router's file", () => {
  it("[P09 P10] UDP 443 and TCP 443 at once; what it switches off is not listened on", async () => {
    const router = node("router");
    const file = join(lab.folder, "router.yaml");
    writeFileSync(file, "listen: 0.0.0.0:443\n");
    await router.start(["router", "--panel", "off", "--config", file]);
    expect(portsOf(router.host)).toEqual(expect.arrayContaining(["tcp 443", "udp 443"]));
    const states = (await router.status()).router.transports;
    expect(states.map(({ transport, state }) => `${transport} ${state}`)).toEqual(
      ["udp", "tcp", "kcp", "tls", "wss", "quic"].map((each) => `${each} listening`),
    );
    const created = await router.ok("network", "create", "home", "--no-join");
    const invite = /starmesh:\/\/join\S+/.exec(created)?.[0] ?? "";
    const one = node("one");
    await one.start();
    await one.ok("join", invite);
    await one.online("home");
    await one.relayed();
    const attached = await attach(socketOf(router.folder));
    for (const enable of [false, true]) {
      const changed = await attached?.client.call("router.start", { transports: { kcp: { enable } } });
      expect(
        changed?.transports.filter(({ state }) => state !== "listening").map(({ transport }) => transport),
      ).toEqual(enable ? [] : ["kcp"]);
      await one.relayed();
    }
    attached?.client.close();
    await router.end();

    const off = ["udp", "kcp", "quic", "tcp"].map((name) => `  ${name}: {enable: false}\n`).join("");
    writeFileSync(file, `listen: 0.0.0.0:443\ntransports:\n${off}`);
    await router.start(["router", "--panel", "off", "--config", file]);
    const ports = portsOf(router.host);
    expect(ports).toContain("tcp 443");
    expect(ports.filter((each) => each.startsWith("udp"))).not.toContain("udp 443");
    expect(ports.filter((each) => each.startsWith("tcp"))).toEqual(["tcp 443"]);
    await one.online("home");
    // Over TLS on the one port that is left.
    await one.relayed();
  });

  it("[P10] each transport has a place of its own, and what is switched meanwhile leaves the others alone", async () => {
    const router = node("router");
    const [address = ""] = router.host.addresses;
    const file = join(lab.folder, "router.yaml");
    const places = { udp: 9001, tcp: 9002, kcp: 9003, wss: 9004, quic: 9005 };
    const lines = Object.entries(places).map(([name, port]) => `  ${name}: {listen: "${address}:${port}"}\n`);
    writeFileSync(file, `listen: ${address}:9000\ntransports:\n${lines.join("")}`);
    await router.start(["router", "--panel", "off", "--config", file]);
    const states = (await router.status()).router.transports;
    for (const [name, port] of Object.entries(places)) {
      expect(states.find(({ transport }) => transport === name)).toMatchObject({
        state: "listening",
        listen: `${address}:${port}`,
      });
    }
    expect(portsOf(router.host)).toEqual(
      expect.arrayContaining(["tcp 9000", "udp 9001", "tcp 9002", "udp 9003", "tcp 9004", "udp 9005"]),
    );
    expect(portsOf(router.host)).not.toContain("udp 9000");
    // At that address, and at no other.
    expect(router.host.runNow("ss", "-Hlnu", "sport = 9001")).toContain(`${address}:9001`);
    expect(router.host.runNow("ss", "-Hlnu", "sport = 9001")).not.toMatch(/(0\.0\.0\.0|\*|\[::\]):9001/);
    const created = await router.ok("network", "create", "home", "--no-join");
    const one = node("one");
    await one.start();
    await one.ok("join", /starmesh:\/\/join\S+/.exec(created)?.[0] ?? "");
    await one.online("home");
    await one.relayed();

    const attached = await attach(socketOf(router.folder));
    if (attached === null) throw new Error("the router does not answer");
    const off = { enable: false };
    const { transports } = await attached.client.call("router.start", {
      transports: { wss: off, kcp: off, tcp: off },
    });
    expect(transports.filter(({ state }) => state === "off").map(({ transport }) => transport)).toEqual(
      expect.arrayContaining(["tcp", "kcp", "wss"]),
    );
    const ports = portsOf(router.host);
    for (const gone of ["tcp 9002", "udp 9003", "tcp 9004"]) expect(ports).not.toContain(gone);
    expect((await one.status()).networks[0]?.state).toBe("online");
    const moved = attached.client.call("router.start", { listen: `${address}:9999` });
    await expect(moved).rejects.toThrow(`“listen” is set by the file ${file}`);
    expect(readFileSync(file, "utf8")).toContain("9002");
    attached.client.close();
  });

  it("[P10] a mistake is named with its place, and nothing starts", async () => {
    const router = node("router");
    const file = join(lab.folder, "router.yaml");
    writeFileSync(file, "listen: 0.0.0.0:443\ntransports:\n  udp:\n    enable: maybe\n");
    const ended = await router.run("router", "--config", file);
    expect(ended).toMatchObject({
      code: 2,
      stderr: `${file}:4:13: “transports.udp.enable”: write true or false.\n`,
    });
  });
});

/** Resident memory of a process without files that others share, in bytes. */
function memoryOf(pid: number): number {
  const [, kilobytes] =
    /^Anonymous:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8")) ?? [];
  return Number(kilobytes) * 1024;
}

/** What listens beyond this machine: `tcp 443`. */
function portsOf(host: Host): readonly string[] {
  const lines = host.runNow("ss", "-Hlntu").split("\n");
  const found = lines.flatMap((line) => {
    const [kind, , , , local = ""] = line.split(/\s+/);
    const port = local.slice(local.lastIndexOf(":") + 1);
    return kind === undefined || local.startsWith("127.") || local.startsWith("[::1]") || port === ""
      ? []
      : [`${kind} ${port}`];
  });
  return [...new Set(found)];
}

/** Another program that has one port over TCP and one over UDP. */
const blockTcpAndUdp = `
  require("node:net").createServer().listen(8001, () => {
    const socket = require("node:dgram").createSocket("udp4");
    socket.bind(8003, () => console.log("busy"));
  });
`;
