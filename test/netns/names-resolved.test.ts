import { chmodSync, existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { lookUp, ResolvedHost, resolvedProgram, startNameServer } from "./name-servers.ts";
import { Unprivileged } from "./unprivileged.ts";
import { waitUntil } from "./wait.ts";

let lab: Lab;
let host: ResolvedHost;
let laptop: Install;
let nas: Install;
let nasAddress: string;

// It is not installed for the tests: its package takes the machine's own look-ups over.
describe.skipIf(!existsSync(resolvedProgram))("names on a machine with systemd-resolved", () => {
  beforeAll(async () => {
    lab = new Lab();
    chmodSync(lab.folder, 0o711);
    const router = new Install(lab, lab.publicHost("router"));
    const upstream = lab.publicHost("upstream");
    await startNameServer(upstream, { "www.example.org": "198.51.100.7" });
    host = await ResolvedHost.start(lab.publicHost("laptop"), upstream.address);
    laptop = new Install(lab, host);
    nas = new Install(lab, lab.publicHost("nas"));
    await router.start(["router"]);
    const link = await router.routerLink();
    await Promise.all([laptop.start(), nas.start()]);
    const invite = inviteIn(await nas.ok("network", "create", "home", "--router", link));
    await laptop.ok("join", invite);
    ({ address: nasAddress } = await nas.online("home"));
    await laptop.online("home");
  });

  afterAll(() => lab.close());

  it("[Z38] of members are asked of us, and all others of whom they were", async () => {
    await waitUntil("nas is known", async () => (await lookUp(host, "nas.home.mesh")) === nasAddress);
    expect(await lookUp(host, "www.example.org")).toBe("198.51.100.7");
    expect(await laptop.ok("name", "list")).toContain("systemd-resolved asks 10.");
    const { stdout } = await host.run("resolvectl", ["domain", "starmesh0"]);
    expect(stdout).toContain("~home.mesh");
    expect((await host.run("cat", ["/etc/resolv.conf"])).stdout).not.toContain("Starmesh");
  });

  it("[Z38] of a killed engine are gone at once, and ordinary ones stay", async () => {
    await laptop.end("SIGKILL");
    expect(await lookUp(host, "www.example.org")).toBe("198.51.100.7");
    expect(await lookUp(host, "nas.home.mesh")).toBeNull();
    await laptop.start();
    await waitUntil("nas is known", async () => (await lookUp(host, "nas.home.mesh")) === nasAddress);
    await laptop.end();
    expect(await lookUp(host, "www.example.org")).toBe("198.51.100.7");
  });

  it("[Z33 Z38] of members are asked of an engine without rights, too, when its helper says so", async () => {
    const user = new Unprivileged(lab, host, "user");
    await user.startHelper();
    await user.startAsUser();
    await user.ok("join", inviteIn(await nas.ok("invite", "home", "--once")));
    await user.online("home");
    await waitUntil("nas is known", async () => (await lookUp(host, "nas.home.mesh")) === nasAddress);
    expect((await user.status()).node.rights.kind).toBe("helper");
    expect((await host.run("resolvectl", ["domain", "starmesh0"])).stdout).toContain("~home.mesh");
    await user.end("SIGKILL");
    await waitUntil("nobody is asked any more", async () => (await lookUp(host, "nas.home.mesh")) === null);
    expect(await lookUp(host, "www.example.org")).toBe("198.51.100.7");
  });
});
