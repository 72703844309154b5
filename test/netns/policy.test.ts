import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PolicyStatus } from "../../src-shared/policy-status.ts";
import type { Child, Host } from "./host.ts";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { ping } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

// An administrator, a file server and a guest, all public; the server listens on two ports.
let lab: Lab;
let admin: Install;
let nas: Install;
let guest: Install;
let server: string;
let desk: string;

beforeAll(async () => {
  lab = new Lab();
  const router = new Install(lab, lab.publicHost("router"));
  [admin, nas, guest] = ["admin", "nas", "guest"].map((name) => new Install(lab, lab.publicHost(name))) as [
    Install,
    Install,
    Install,
  ];
  await router.start(["router"]);
  await Promise.all([admin, nas, guest].map((install) => install.start()));
  const invite = inviteIn(await admin.ok("network", "create", "home", "--router", await router.routerLink()));
  for (const install of [nas, guest]) await install.ok("join", invite);
  ({ address: server } = await nas.online("home"));
  ({ address: desk } = await admin.online("home"));
  for (const port of [22, 80]) await listen(nas.host, port);
  await listen(admin.host, 22);
  for (const port of [22, 80]) expect(await opens(guest.host, server, port)).toBe("open");
});

afterAll(() => lab.close());

describe("a policy", () => {
  it("[W04] lets in the port that it allows; another is refused at once, with a reset", async () => {
    await set({ default: "none", rules: [{ from: "guest", to: "nas", ports: ["tcp:80", "icmp"] }] });
    expect(await opens(guest.host, server, 80)).toBe("open");
    expect(await opens(guest.host, server, 22)).toBe("ECONNREFUSED");
    expect((await ping(guest.host, server)).received).toBe(3);
    expect(await nas.ok("policy", "check", "guest", "nas", "22")).toContain(
      "guest does not reach nas by 22: default: none",
    );
  });

  it("[W04] by default none leaves nobody a way in, and answers to what a member began come back", async () => {
    await set({ default: "none", rules: [{ from: "nas", to: "admin" }] });
    for (const port of [22, 80]) expect(await opens(guest.host, server, port)).toBe("ECONNREFUSED");
    expect(await opens(nas.host, desk, 22)).toBe("open");
    expect((await ping(nas.host, desk)).received).toBe(3);
    expect((await ping(admin.host, server, { count: 1, waitSeconds: 1 })).received).toBe(0);
  });

  it("[W04] ends a connection that a later policy does not allow", async () => {
    await set({ default: "all" });
    const client = connect(guest.host, server, 22);
    await client.says(/open/);
    client.write("there?\n");
    await client.says(/echo/);
    await set({ default: "none" });
    client.write("still there?\n");
    await client.says(/ECONNRESET/);
  });

  it("[Z24] is changed by nobody but an administrator", async () => {
    const refused = await guest.run("policy", "default", "all");
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("These can: admin.") });
    expect(await opens(guest.host, server, 80)).toBe("ECONNREFUSED");
  });

  it("is on trial where it could cut its author off; confirmed it stays", async () => {
    await set({ default: "all" });
    expect(await opens(admin.host, server, 22)).toBe("open");
    await admin.peer("nas", ({ state }) => state === "connected");
    const tried = await admin.ok("policy", "default", "none");
    expect(tried).toContain("On trial until ");
    await waitUntil("nas is told", async () => (await policyOf(nas)).trialUntil !== null);
    expect(await opens(guest.host, server, 80)).toBe("ECONNREFUSED");
    await admin.ok("policy", "confirm");
    await waitUntil("nas knows that it stays", async () => (await policyOf(nas)).trialUntil === null);
    expect(await opens(guest.host, server, 80)).toBe("ECONNREFUSED");
    expect(await policyOf(guest)).toMatchObject({ policy: { default: "none" }, rolledBack: false });
  });

  it("[Z25] cannot open a member that refuses all inbound; what it begins itself works", async () => {
    await set({ default: "all" });
    await nas.ok("set", "--inbound", "off");
    expect(await opens(guest.host, server, 80)).toBe("ECONNREFUSED");
    expect((await ping(guest.host, server, { count: 1, waitSeconds: 1 })).received).toBe(0);
    expect(await opens(nas.host, desk, 22)).toBe("open");
    await nas.end();
    await nas.start();
    await nas.online("home");
    // Packets may get lost until both ends have found each other again; none may come in.
    const answered = await waitUntil("the guest is answered", async () => {
      const answer = await opens(guest.host, server, 80);
      return answer === "silent" ? null : answer;
    });
    expect(answered).toBe("ECONNREFUSED");
    await nas.ok("set", "--inbound", "on");
    expect(await opens(guest.host, server, 80)).toBe("open");
  });
});

/** Sets a policy for good and waits until all have it. */
async function set(policy: object): Promise<void> {
  const file = "policy.json";
  admin.host.runNow("sh", "-c", `cat > ${lab.folder}/${file} <<'END'\n${JSON.stringify(policy)}\nEND`);
  await admin.ok("policy", "set", `${lab.folder}/${file}`, "--keep");
  const { version } = await policyOf(admin);
  for (const install of [nas, guest])
    await waitUntil(`${install.name} has it`, async () => (await policyOf(install)).version >= version);
}

async function policyOf(install: Install): Promise<PolicyStatus> {
  return JSON.parse(await install.ok("policy", "show", "--json"));
}

/** Takes connections to a port for as long as the laboratory is there, and sends back what comes. */
async function listen(host: Host, port: number): Promise<void> {
  const script = `require("net").createServer((s) => s.on("error", () => 0).pipe(s)).listen(${port}, "0.0.0.0", () => console.log("listens"))`;
  await host.start(process.execPath, ["-e", script]).says(/listens/);
}

/** A connection that stays open and says what becomes of it; `talk` has it send something. */
function connect(from: Host, address: string, port: number): Child {
  const script = `
    const s = require("net").connect(${port}, "${address}", () => console.log("open"));
    s.on("data", () => console.log("echo")).on("error", (e) => console.log(e.code)).on("close", () => process.exit());
    process.stdin.on("data", (data) => s.write(data));`;
  return from.start(process.execPath, ["-e", script]);
}

/** What becomes of a connection. */
async function opens(from: Host, address: string, port: number): Promise<string> {
  const script = `
    const s = require("net").connect(${port}, "${address}");
    s.setTimeout(5000, () => s.destroy(Object.assign(new Error(), { code: "silent" })));
    s.on("connect", () => (console.log("open"), s.destroy())).on("error", (e) => console.log(e.code));`;
  return (await from.run(process.execPath, ["-e", script])).stdout.trim();
}
