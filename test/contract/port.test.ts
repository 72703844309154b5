/** The router's ports and files: pages, certificates, ports that are taken, keys that stay. */
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import type { Server } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openRouterKeys } from "../../src-main/server/identity.ts";
import { createMemoryStore } from "../../src-main/server/memory-store.ts";
import type { RealmSettings } from "../../src-main/server/realm.ts";
import type { Router } from "../../src-main/server/router.ts";
import { createRouter } from "../../src-main/server/router.ts";
import { loadCertificate } from "../../src-main/transport/certificate.ts";
import { parseRouterLink } from "../../src-shared/link.ts";
import type { RouterWish } from "../../src-shared/router-settings.ts";
import { settleRouter } from "../../src-shared/router-settings.ts";
import { FakeRealm } from "../fakes/router-realm.ts";
import { codeOf, notary } from "./control-world.ts";

const day = 86_400_000;
let folder: string;
const routers: Router[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "starmesh-port-"));
});
afterEach(async () => {
  for (const router of routers.splice(0)) await router.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(
  config: RouterWish = { listen: "127.0.0.1:0" },
  change: Partial<Parameters<typeof createRouter>[0]> = {},
): Promise<Router> {
  const router = await createRouter({
    folder,
    settings: settleRouter(config),
    notary,
    store: createMemoryStore(),
    openRealm: async (settings) => new FakeRealm(settings),
    found: () => Promise.reject(new Error("no planes here")),
    isHere: () => false,
    now: Date.now,
    log: () => undefined,
    ...change,
  });
  routers.push(router);
  await router.start();
  return router;
}

function portOf(router: Router): number {
  return router.state()?.port ?? 0;
}

function fetchPage(
  port: number,
  path: string,
  method = "GET",
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: "127.0.0.1", port, path, method, rejectUnauthorized: false, agent: false },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (text: string) => {
          body += text;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      },
    );
    asked.on("error", reject);
    asked.end();
  });
}

describe("the router's TCP port", () => {
  it("answers /healthz and a plain page that does not say what it is, and nothing else", async () => {
    const port = portOf(await start());
    expect(await fetchPage(port, "/healthz")).toEqual({ status: 200, body: '{"ok":true}\n' });
    const page = await fetchPage(port, "/");
    expect(page.status).toBe(200);
    expect(page.body).not.toMatch(/starmesh/i);
    expect((await fetchPage(port, "/control")).status).toBe(404);
    expect((await fetchPage(port, "/etc/passwd")).status).toBe(404);
    expect((await fetchPage(port, "/healthz", "POST")).status).toBe(404);
  });

  it("speaks TLS 1.3 with a certificate of its own, and no older one", async () => {
    const port = portOf(await start());
    const seen = await handshake(port, {});
    expect(seen.protocol).toBe("TLSv1.3");
    expect(seen.key).toBe("ec");
    await expect(handshake(port, { maxVersion: "TLSv1.2" })).rejects.toThrow();
  });

  it("serves the user's certificate where one is given, and says what is wrong with one that does not fit", async () => {
    const own = mkdtempSync(join(tmpdir(), "starmesh-own-"));
    const pair = await loadCertificate({ folder: own }, Date.now());
    const files = { cert: join(own, "router-tls.crt"), key: join(own, "router-tls.key") };
    const port = portOf(await start({ listen: "127.0.0.1:0", ...files }));
    expect((await handshake(port, {})).fingerprint).toBe(new X509Certificate(pair.cert).fingerprint256);
    await expect(start({ listen: "127.0.0.1:0", cert: files.key, key: files.cert })).rejects.toThrow(
      /not a PEM certificate/,
    );
    await expect(start({ listen: "127.0.0.1:0", cert: join(own, "none"), key: files.key })).rejects.toThrow(
      /cannot be read/,
    );
    rmSync(own, { recursive: true });
  });

  it("by hand is that one or none; without, the next free one, which is kept", async () => {
    const blocker = await occupy();
    const taken = (blocker.address() as { port: number }).port;
    expect(await codeOf(start({ listen: `127.0.0.1:${taken}` }))).toBe("port-in-use");
    const store = createMemoryStore();
    await store.setSetting("port", String(taken));
    const moved = await start({}, { store });
    expect(portOf(moved)).toBeGreaterThan(taken);
    expect(await store.setting("port")).toBe(String(portOf(moved)));
    blocker.close();
    await moved.stop();
    await moved.start();
    expect(portOf(moved)).toBeGreaterThan(taken);
  });

  it("is the same number for UDP: where that is taken, both move on", async () => {
    const asked: RealmSettings[] = [];
    const openRealm = async (settings: RealmSettings) => {
      asked.push(settings);
      if (asked.length < 3) throw Object.assign(new Error("busy"), { code: "EADDRINUSE" });
      return new FakeRealm(settings);
    };
    const router = await start({}, { openRealm });
    expect(asked).toHaveLength(3);
    expect(asked[2]?.port).toBe(portOf(router));
    expect(asked[2]?.udp?.port).toBe(portOf(router));
    const identity = Buffer.from(router.keys.identity, "base64");
    expect(asked[2]?.prologue).toBe(notary.hash(Buffer.concat([Buffer.from("router"), identity])));
    const failing = start(
      { listen: "127.0.0.1:0" },
      { openRealm: async () => Promise.reject(new Error("no data plane")) },
    );
    await expect(failing).rejects.toThrow(/no data plane/);
  });
});

describe("the router's link", () => {
  it("[E12] names the hosts given by hand", async () => {
    const router = await start({ listen: "127.0.0.1:0", public: ["vpn.example.org", "192.0.2.7:9000"] });
    const link = parseRouterLink(router.state()?.link ?? "");
    expect(link.addresses).toEqual([`vpn.example.org:${portOf(router)}`, "192.0.2.7:9000"]);
    expect(link.pin).toBe(router.keys.pin);
    expect(Buffer.from(link.token)).toEqual(Buffer.from(router.keys.token()));
    expect(router.state()?.lanOnly).toBe(false);
  });

  it("without any names the address listened on, and knows that it is private", async () => {
    const router = await start();
    expect(router.state()).toMatchObject({ addresses: [`127.0.0.1:${portOf(router)}`], lanOnly: true });
  });
});

describe("the router's files", () => {
  it("keep identity, session key and token over restarts, readable by the owner alone", async () => {
    const first = await openRouterKeys(folder);
    const again = await openRouterKeys(folder);
    for (const name of ["identity", "pin", "sessionKey", "sessionPrivateKey"] as const)
      expect(again[name]).toBe(first[name]);
    expect(again.isToken(first.token())).toBe(true);
    expect(statSync(join(folder, "router-keys.json")).mode & 0o777).toBe(0o600);
    const renewed = await first.renewToken();
    expect(first.isToken(renewed)).toBe(true);
    expect((await openRouterKeys(folder)).isToken(again.token())).toBe(false);
    const signature = first.sign(new Uint8Array([1]));
    expect(notary.verifyBytes(first.identity, new Uint8Array([1]), signature)).toBe(true);
  });

  it("that are damaged are named, never replaced", async () => {
    const path = join(folder, "router-keys.json");
    for (const text of ["{", '{"version":1}', '{"version":1,"identity":"AA==","session":"","token":""}']) {
      writeFileSync(path, text);
      expect(await codeOf(openRouterKeys(folder))).toBe("state-unreadable");
      expect(readFileSync(path, "utf8")).toBe(text);
    }
  });

  it("hold a TLS certificate that is renewed 30 days before it ends, and replaced when it does not serve", async () => {
    const now = Date.now();
    const first = await loadCertificate({ folder }, now);
    expect(await loadCertificate({ folder }, now + 300 * day)).toEqual(first);
    const renewed = await loadCertificate({ folder }, now + 340 * day);
    expect(renewed.cert).not.toBe(first.cert);
    expect(Date.parse(new X509Certificate(renewed.cert).validTo)).toBeGreaterThan(now + 600 * day);
    writeFileSync(join(folder, "router-tls.key"), "no key");
    const repaired = await loadCertificate({ folder }, now + 341 * day);
    expect(new X509Certificate(repaired.cert).publicKey.asymmetricKeyType).toBe("ec");
    expect(statSync(join(folder, "router-tls.key")).mode & 0o777).toBe(0o600);
  });
});

function handshake(port: number, options: { readonly maxVersion?: "TLSv1.2" }) {
  return new Promise<{
    readonly protocol: string | null;
    readonly key: string;
    readonly fingerprint: string;
  }>((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false, ...options }, () => {
      const certificate = socket.getPeerX509Certificate();
      resolve({
        protocol: socket.getProtocol(),
        key: certificate?.publicKey.asymmetricKeyType ?? "",
        fingerprint: certificate?.fingerprint256 ?? "",
      });
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

function occupy(): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen({ host: "127.0.0.1", port: 0 }, () => resolve(server));
  });
}
