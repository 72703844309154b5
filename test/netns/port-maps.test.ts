import { afterAll, beforeAll, expect, it } from "vitest";
import type { PortMapStatus } from "../../src-shared/port-map.ts";
import type { Host } from "./host.ts";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { waitUntil } from "./wait.ts";

// A gateway that is in the network, a member, and somebody outside who knows neither.
let lab: Lab;
let gateway: Install;
let member: Install;
let outsider: Host;
let address: string;

beforeAll(async () => {
  lab = new Lab();
  gateway = new Install(lab, lab.publicHost("gateway"));
  member = new Install(lab, lab.lanHost("member", lab.nat("home", "port-restricted", 1), 10));
  outsider = lab.publicHost("outsider");
  await gateway.start(["router"]);
  await member.start();
  const invite = inviteIn(await gateway.ok("network", "create", "web"));
  await member.ok("join", invite);
  await gateway.online("web");
  ({ address } = await member.online("web"));
});

afterAll(() => lab.close());

it("[Z13] [P04] who is outside the network reaches a member's port by one of the gateway, over TCP and UDP, also after a restart", async () => {
  const echo = `
    require("node:net").createServer((socket) => socket.pipe(socket)).listen(8000, ${JSON.stringify(address)});
    const socket = require("node:dgram").createSocket("udp4");
    socket.on("message", (text, from) => socket.send("heard " + text, from.port, from.address));
    socket.bind(8000, ${JSON.stringify(address)}, () => console.log("listens"));`;
  await member.host.start(process.execPath, ["-e", echo]).says(/listens/);
  for (const protocol of ["tcp", "udp"]) {
    const added = await gateway.ok("portmap", "add", protocol, "9000", `${address}:8000`);
    expect(added).toContain(`${protocol} 0.0.0.0:9000 → ${address}:8000`);
  }
  const taken = await gateway.run("portmap", "add", "tcp", "9000", `${address}:8001`);
  expect([taken.code, taken.stderr]).toEqual([1, expect.stringContaining("Port 9000 is in use")]);

  const expectAnswers = async () => {
    expect(await ask("tcp", "over TCP")).toBe("over TCP");
    expect(await ask("udp", "over UDP")).toBe("heard over UDP");
  };
  await expectAnswers();
  await gateway.end();
  await gateway.start(["router"]);
  await gateway.online("web");
  // Until its session with the member stands, a connection is reset.
  await waitUntil("the port leads there again", async () => (await ask("tcp", "anybody")) === "anybody");
  await expectAnswers();

  const kept: readonly PortMapStatus[] = JSON.parse(await gateway.ok("portmap", "list", "--json"));
  expect(kept.map(({ id, problem }) => [id, problem])).toEqual([
    [1, null],
    [2, null],
  ]);
  for (const { id } of kept) await gateway.ok("portmap", "remove", String(id));
  expect(await gateway.ok("portmap")).toContain("No port");
  expect(await ask("tcp", "nobody")).toBe("ECONNREFUSED");
});

/** What somebody outside is answered at the gateway's port 9000, or why not. */
async function ask(protocol: "tcp" | "udp", text: string): Promise<string> {
  const [at, question] = [JSON.stringify(gateway.host.address), JSON.stringify(text)];
  const tcp = `
    const socket = require("node:net").connect(9000, ${at}, () => socket.end(${question}));
    socket.on("error", ({ code }) => process.stdout.write(code)).pipe(process.stdout);`;
  const udp = `
    const socket = require("node:dgram").createSocket("udp4");
    socket.on("message", (answer) => { process.stdout.write(answer); process.exit(); });
    setInterval(() => socket.send(${question}, 9000, ${at}), 100);`;
  return (await outsider.run(process.execPath, ["-e", protocol === "tcp" ? tcp : udp])).stdout;
}
