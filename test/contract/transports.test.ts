/** The router's transports: switched and placed while it runs, told as they are, over real TCP and TLS. */
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMemoryStore } from "../../src-main/server/memory-store.ts";
import type { Router } from "../../src-main/server/router.ts";
import { createRouter } from "../../src-main/server/router.ts";
import { loadCertificate } from "../../src-main/transport/certificate.ts";
import { openControl } from "../../src-main/transport/control.ts";
import { openStreamLink } from "../../src-main/transport/stream-link.ts";
import { wayOut } from "../../src-main/transport/way-out.ts";
import { toBase64Url } from "../../src-shared/bytes.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { RouterWish } from "../../src-shared/router-settings.ts";
import { settleRouter } from "../../src-shared/router-settings.ts";
import type { RouterTransportStatus } from "../../src-shared/router-status.ts";
import type { Transport } from "../../src-shared/status.ts";
import { FoundedNetwork } from "../fakes/founded-network.ts";
import { FakeRealm } from "../fakes/router-realm.ts";
import { codeOf, notary, TestClient } from "./control-world.ts";

let folder: string;
let realm: FakeRealm;
const ends: (() => Promise<unknown> | unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "starmesh-transports-"));
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(folder, { recursive: true, force: true });
});

const base: RouterWish = { listen: "127.0.0.1:0" };

async function start(wish: RouterWish): Promise<Router> {
  const router = await createRouter({
    folder,
    settings: settleRouter({ ...base, ...wish }),
    notary,
    store: createMemoryStore(),
    openRealm: async (settings) => {
      realm = new FakeRealm(settings);
      return realm;
    },
    found: () => Promise.reject(new Error("no planes here")),
    isHere: () => false,
    now: Date.now,
    log: () => undefined,
  });
  ends.push(() => router.stop());
  await router.start();
  return router;
}

function stateOf(router: Router, transport: Transport): RouterTransportStatus["state"] | undefined {
  return router.state()?.transports.find((each) => each.transport === transport)?.state;
}

/** What a node is told that comes in by the router's own port. */
async function welcome(router: Router) {
  const { id } = new FoundedNetwork();
  const control = await openControl({
    addresses: [`127.0.0.1:${router.state()?.port ?? 0}`],
    pin: router.keys.pin,
    notary,
    greeting: { role: "host", network: id, token: toBase64Url(router.keys.token()) },
    listener: new TestClient(),
  });
  control.close();
  const { udp, links } = control.welcome;
  return { udp, links: Object.fromEntries(links.map(({ transport, ...where }) => [transport, where])) };
}

/** How an insider's wish for a link over TLS ends: a code, or `let-in`. */
async function link(
  router: Router,
  transport: "tls" | "wss",
  { port, path = "/link" }: { readonly port: number; readonly path?: string },
): Promise<string> {
  let letIn = false;
  const target = {
    transport,
    host: "127.0.0.1",
    port,
    address: null,
    secret: router.keys.pin,
    way: wayOut({ path }, {}),
  };
  const openStream = () => {
    letIn = true;
    throw new AppError("router-lost");
  };
  const code = await codeOf(openStreamLink(target, { openStream, tuneStream: () => undefined }));
  return letIn ? "let-in" : code;
}

function certificateAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const tls = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
      resolve(new X509Certificate(tls.getPeerCertificate(true).raw).fingerprint256);
      tls.destroy();
    });
    tls.on("error", reject);
  });
}

async function occupied() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { port, free: () => new Promise<void>((resolve) => server.close(() => resolve())) };
}

async function freePort(): Promise<number> {
  const { port, free } = await occupied();
  await free();
  return port;
}

describe("the router's transports", () => {
  it("[P09] are all on at once, UDP and TCP at one number, and each is switched off and on while the router runs", async () => {
    const router = await start({});
    const port = router.state()?.port ?? 0;
    expect(router.state()?.transports.map(({ state }) => state)).toEqual(Array(6).fill("listening"));
    expect(realm.settings.udp).toEqual({ host: "127.0.0.1", port });
    const { udp, links } = await welcome(router);
    expect(udp).toBe(true);
    expect(links).toMatchObject({ tls: { port: 0 }, wss: { port: 0, path: "/link" }, tcp: { port: 7745 } });
    for (const transport of ["tcp", "tls", "wss"] as const) {
      expect(
        await router.apply(settleRouter({ ...base, transports: { [transport]: { enable: false } } })),
      ).toBe(true);
      expect(stateOf(router, transport)).toBe("off");
      expect((await welcome(router)).links).not.toHaveProperty(transport);
      expect(realm.taken.has("tcp")).toBe(transport !== "tcp");
      if (transport !== "tcp") expect(await link(router, transport, { port })).toBe("link-refused");
    }
    expect(await router.apply(settleRouter(base))).toBe(true);
    expect(await welcome(router)).toEqual({ udp, links });
    // Another socket for datagrams is another realm: the role has to begin anew.
    expect(await router.apply(settleRouter({ ...base, transports: { udp: { enable: false } } }))).toBe(false);
  });

  it("[P09] without datagrams of any kind no UDP port is asked for", async () => {
    const off = { enable: false };
    const router = await start({ transports: { udp: off, kcp: off, quic: off } });
    expect(realm.settings.udp).toBeNull();
    expect(stateOf(router, "udp")).toBe("off");
    expect(await welcome(router)).toMatchObject({ udp: false });
    expect(Object.keys((await welcome(router)).links).sort()).toEqual(["tcp", "tls", "wss"]);
  });

  it("[P10] have a place of their own where one is given, and nodes are told the port", async () => {
    const [udpPort, wssPort] = [await freePort(), await freePort()];
    const router = await start({
      transports: {
        udp: { listen: `127.0.0.1:${udpPort}` },
        tcp: { listen: "127.0.0.1:7799" },
        wss: { listen: `127.0.0.1:${wssPort}`, path: "/chat" },
      },
    });
    expect(realm.settings.udp).toEqual({ host: "127.0.0.1", port: udpPort });
    expect(realm.taken.get("tcp")).toEqual({ host: "127.0.0.1", port: 7799 });
    expect((await welcome(router)).links).toMatchObject({
      udp: { port: udpPort },
      tcp: { port: 7799 },
      tls: { port: 0 },
      wss: { port: wssPort, path: "/chat" },
    });
    const port = router.state()?.port ?? 0;
    expect(await link(router, "wss", { port: wssPort, path: "/chat" })).toBe("let-in");
    expect(await link(router, "tls", { port })).toBe("let-in");
    expect(await link(router, "wss", { port, path: "/chat" })).toBe("link-refused");
    expect(await link(router, "tls", { port: wssPort })).toBe("link-refused");
    // Under another path there is an ordinary site, for insiders, too.
    for (const path of ["/link", "/", "/chat/", "/chat?a=1", "/Chat"])
      expect(await link(router, "wss", { port: wssPort, path }), path).toBe("link-refused");
    // Moved back to the router's port, the one it had is closed.
    expect(
      await router.apply(settleRouter({ ...base, transports: { udp: { listen: `127.0.0.1:${udpPort}` } } })),
    ).toBe(true);
    await expect(certificateAt(wssPort)).rejects.toThrow(/ECONNREFUSED/);
  });

  it("[P10] whose port another program has are told as such, and taken when it is free", async () => {
    const { port, free } = await occupied();
    const router = await start({ transports: { wss: { listen: `127.0.0.1:${port}` } } });
    expect(router.state()?.transports.find(({ transport }) => transport === "wss")).toMatchObject({
      enable: true,
      state: "busy",
      listen: `127.0.0.1:${port}`,
    });
    expect((await welcome(router)).links).not.toHaveProperty("wss");
    expect(stateOf(router, "tls")).toBe("listening");
    await free();
    await router.apply(settleRouter({ ...base, transports: { wss: { listen: `127.0.0.1:${port}` } } }));
    expect(stateOf(router, "wss")).toBe("listening");
    expect(await link(router, "wss", { port })).toBe("let-in");
  });

  it("[P11] show the certificate that is given for them, and another one at once when it changes", async () => {
    const made = async () => {
      const own = mkdtempSync(join(folder, "own-"));
      const pair = await loadCertificate({ folder: own }, Date.now());
      return {
        cert: join(own, "router-tls.crt"),
        key: join(own, "router-tls.key"),
        print: new X509Certificate(pair.cert).fingerprint256,
      };
    };
    const [one, two, three] = [await made(), await made(), await made()];
    const files = ({ cert, key }: { readonly cert: string; readonly key: string }) => ({ cert, key });
    const port = await freePort();
    const wss = { listen: `127.0.0.1:${port}` };
    const router = await start({ ...files(one), transports: { wss: { ...wss, ...files(two) } } });
    const own = router.state()?.port ?? 0;
    expect(await certificateAt(own)).toBe(one.print);
    expect(await certificateAt(port)).toBe(two.print);
    await router.apply(
      settleRouter({ ...base, ...files(one), transports: { wss: { ...wss, ...files(three) } } }),
    );
    expect(await certificateAt(port)).toBe(three.print);
    await router.apply(settleRouter({ ...base, ...files(one), transports: { wss, tls: files(two) } }));
    expect(await certificateAt(port)).toBe(one.print);
    expect(await certificateAt(own)).toBe(two.print);
    expect(new X509Certificate(realm.shown.get("quic") ?? "").fingerprint256).toBe(one.print);
    await router.apply(
      settleRouter({ ...base, ...files(one), transports: { wss, tls: files(two), quic: files(three) } }),
    );
    expect(new X509Certificate(realm.shown.get("quic") ?? "").fingerprint256).toBe(three.print);
    const kcpShown = () => realm.shown.get("kcp") ?? null;
    expect(new X509Certificate(kcpShown() ?? "").fingerprint256).toBe(one.print);
    await router.apply(settleRouter({ ...base, ...files(one), transports: { wss, kcp: files(two) } }));
    expect(new X509Certificate(kcpShown() ?? "").fingerprint256).toBe(two.print);
    const wrong = { cert: one.key, key: one.cert };
    await expect(
      router.apply(settleRouter({ ...base, transports: { wss: { ...wss, ...wrong } } })),
    ).rejects.toThrow(/not a PEM certificate/);
    expect(await certificateAt(port)).toBe(one.print);
  });

  it("[P11] a router's RSA key serves where TLS does; kcp, which takes none, makes a certificate of its own", async () => {
    const { generate } = await import("selfsigned");
    const made = await generate([{ name: "commonName", value: "router" }], { keyType: "rsa", keySize: 2048 });
    const files = { cert: join(folder, "rsa.pem"), key: join(folder, "rsa.key") };
    writeFileSync(files.cert, made.cert);
    writeFileSync(files.key, made.private);
    await start({ ...files });
    expect(realm.shown.get("quic")).toBe(made.cert);
    expect(realm.shown.get("kcp")).toBe(null);
  });

  it("[C08] UDP that is switched off is for links alone where they share its port, and for nobody where they do not", async () => {
    const off = { enable: false };
    const router = await start({ transports: { udp: off } });
    expect(realm.settings).toMatchObject({ plain: false, udp: { host: "127.0.0.1" } });
    expect([stateOf(router, "udp"), stateOf(router, "kcp"), stateOf(router, "quic")]).toEqual([
      "off",
      "listening",
      "listening",
    ]);
    expect(await welcome(router)).toMatchObject({ udp: false });
    expect(await router.apply(settleRouter({ ...base, transports: {} }))).toBe(false);
  });

  it("[P11] a start that fails on a certificate leaves no port behind", async () => {
    const port = await freePort();
    const listen = `127.0.0.1:${port}`;
    const none = { cert: join(folder, "none.pem"), key: join(folder, "none.key") };
    await expect(start({ listen, transports: { tls: none } })).rejects.toThrow(/cannot be read/);
    expect((await start({ listen })).state()?.port).toBe(port);
  });
});
