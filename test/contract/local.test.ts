/** The local socket and the panel: who gets in, who does not, and that nothing sent to them ends them. */
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request as httpRequest } from "node:http";
import type { Server, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { attach, localHost } from "../../src-main/server/attach.ts";
import type { LocalServer } from "../../src-main/server/local.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { FakeEngine } from "../fakes/engine.ts";
import { createFakeEngine } from "../fakes/engine.ts";
import type { Local } from "./pipes.ts";
import { keptInMemory, logIn, openLocal } from "./pipes.ts";

let engine: FakeEngine;
beforeAll(() => {
  engine = createFakeEngine({ peers: 2 });
});
afterAll(() => engine.stop());

describe("the local socket", () => {
  it("is its owner's alone", async () => {
    const local = await open();
    expect(statSync(local.socketPath).mode & 0o777).toBe(0o600);
    await local.close();
  });

  it.skipIf(process.getuid?.() !== 0)("belongs to sudo's caller", async () => {
    const local = await open({ socketOwner: { uid: 1234, gid: 4321 } });
    expect(statSync(local.socketPath)).toMatchObject({ uid: 1234, gid: 4321 });
    await local.close();
  });

  it("takes the place of the one that a killed engine left", async () => {
    const folder = mkdtempSync(join(tmpdir(), "starmesh-left-"));
    const socketPath = join(folder, "starmesh.sock");
    const left = createServer().listen(socketPath);
    await once(left, "listening");
    const local = await open({ socketPath });
    const attached = await attach(socketPath);
    expect((await attached?.client.call("status.read", {}))?.node.name).not.toBe("");
    attached?.client.close();
    await local.close();
    left.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("does not remove a file that is no socket", async () => {
    const folder = mkdtempSync(join(tmpdir(), "starmesh-file-"));
    const socketPath = join(folder, "starmesh.sock");
    writeFileSync(socketPath, "precious");
    await expect(open({ socketPath })).rejects.toThrow();
    expect(statSync(socketPath).size).toBe(8);
    rmSync(folder, { recursive: true, force: true });
  });

  it("answers nobody when no engine runs", async () => {
    expect(await attach(join(tmpdir(), "starmesh-nowhere.sock"))).toBeNull();
    const local = await open();
    await local.server.close();
    expect(await attach(local.socketPath)).toBeNull();
    await local.close();
  });

  it.skipIf(process.seteuid === undefined || process.getuid?.() !== 0)(
    "refuses other users, and says so",
    async () => {
      const local = await open();
      process.seteuid?.(65_534);
      try {
        await expect(attach(local.socketPath)).rejects.toMatchObject({ code: "not-yours" });
      } finally {
        process.seteuid?.(0);
      }
      await local.close();
    },
  );

  it("closes with open streams, and tells the other end", async () => {
    const local = await open();
    const attached = await attach(local.socketPath);
    const values = attached?.client.stream("status.watch", {})[Symbol.asyncIterator]();
    await values?.next();
    await local.server.close();
    await attached?.closed;
    await expect(
      (async () => {
        while (!(await values?.next())?.done);
      })(),
    ).rejects.toMatchObject({ code: "not-running" });
    await local.close();
  });

  it("gives browsers that reach it through a forwarded port no more than the panel does", async () => {
    const local = await open();
    const forwarded = await forward(local.socketPath);
    const origin = `http://127.0.0.1:${forwarded.port}`;
    expect(await upgradeStatus(forwarded.port, { Host: `127.0.0.1:${forwarded.port}`, Origin: origin })).toBe(
      401,
    );
    expect(await upgradeStatus(forwarded.port, { Host: localHost, Origin: origin })).toBe(403);
    expect(await upgradeStatus(forwarded.port, { Host: localHost, Cookie: "a=b" })).toBe(403);
    const link = local.server.panelLink().url.replace(/^http:\/\/[^/]+/, origin);
    const { cookie, response } = await logIn(local.server, link);
    expect(response.status).toBe(204);
    const headers = { Host: `127.0.0.1:${forwarded.port}`, Origin: origin, Cookie: cookie };
    expect(await upgradeStatus(forwarded.port, headers)).toBe(101);
    expect((await fetch(`${origin}/`)).status).toBe(200);
    forwarded.close();
    await local.close();
  });
});

describe("the panel's log-in", () => {
  let local: Local;
  let now: number;
  let kept: ReturnType<typeof keptInMemory>;
  beforeEach(async () => {
    now = Date.parse("2026-11-20T12:00:00Z");
    kept = keptInMemory();
    local = await open({ now: () => now, kept });
  });
  afterEach(() => local.close());

  it("turns a link into a cookie, once", async () => {
    const link = local.server.panelLink();
    expect(link.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=[0-9a-f]{32}$/);
    expect(link.expires).toBe("2026-11-20T12:10:00.000Z");
    const { response, cookie, origin } = await logIn(local.server, link.url);
    expect(response.status).toBe(204);
    expect(response.headers.get("set-cookie")).toMatch(
      /^starmesh-[0-9a-f]{8}=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/; Max-Age=2592000$/,
    );
    expect(await socketStatus(origin, cookie)).toBe(101);
    expect((await fetch(`${origin}/login`, { headers: { Cookie: cookie } })).status).toBe(204);

    const again = await logIn(local.server, link.url);
    expect(again.response.status).toBe(401);
    expect(await again.response.json()).toMatchObject({ code: "panel-link-spent" });
    expect(again.cookie).toBe("");
  });

  it("lets nobody in without the cookie", async () => {
    const { origin, cookie } = await logIn(local.server);
    const name = cookie.split("=")[0];
    for (const other of [
      undefined,
      "",
      "a=b",
      `${name}=`,
      `${name}=${"x".repeat(43)}`,
      `x${cookie}`,
      `${cookie}x`,
    ]) {
      expect(await socketStatus(origin, other)).toBe(401);
      const answer = await fetch(`${origin}/login`, {
        headers: other === undefined ? {} : { Cookie: other },
      });
      expect(answer.status).toBe(401);
      expect(await answer.json()).toMatchObject({ code: "panel-unauthorized" });
    }
    expect(await socketStatus(origin, `${name}=wrong; other=1; ${cookie}`)).toBe(101);
  });

  it("keeps a link 10 minutes and a log-in 30 days", async () => {
    const { url } = local.server.panelLink();
    now += 10 * 60_000;
    expect((await logIn(local.server, url)).response.status).toBe(401);
    const { origin, cookie } = await logIn(local.server);
    now += 30 * 86_400_000 - 1;
    expect(await socketStatus(origin, cookie)).toBe(101);
    now += 1;
    expect(await socketStatus(origin, cookie)).toBe(401);
  });

  it("keeps log-ins over a restart, on disk only as hashes", async () => {
    const { cookie } = await logIn(local.server);
    expect(JSON.stringify(kept.state)).not.toContain(cookie.split("=")[1]);
    expect(kept.state?.logins).toHaveLength(1);
    const second = await open({ now: () => now, kept });
    expect(await socketStatus(new URL(second.server.panel ?? "").origin, cookie)).toBe(101);
    await second.close();
  });

  it("ends all log-ins, links and open panels when they are revoked", async () => {
    const { origin, cookie } = await logIn(local.server);
    const link = local.server.panelLink().url;
    const socket = new WebSocket(`${origin.replace("http", "ws")}/api`, {
      origin,
      headers: { Cookie: cookie },
    });
    await once(socket, "open");
    const closed = once(socket, "close");
    local.server.revokePanel();
    await closed;
    expect(await socketStatus(origin, cookie)).toBe(401);
    expect((await logIn(local.server, link)).response.status).toBe(401);
    expect(kept.state?.logins).toEqual([]);
  });

  it("takes 20 wrong tokens a minute", async () => {
    const wrong = `${local.server.panel}#token=${"0".repeat(32)}`;
    for (let tries = 0; tries < 20; tries++)
      expect((await logIn(local.server, wrong)).response.status).toBe(401);
    const refused = await logIn(local.server);
    expect(refused.response.status).toBe(429);
    expect(refused.response.headers.get("retry-after")).toBe("60");
    expect(await refused.response.json()).toMatchObject({ code: "too-many-tries" });
    now += 60_000;
    expect((await logIn(local.server)).response.status).toBe(204);
  });

  it("takes log-ins only as JSON from its own page", async () => {
    const { origin, hash } = new URL(local.server.panelLink().url);
    const token = hash.slice("#token=".length);
    const post = (headers: Record<string, string>, body: string) =>
      fetch(`${origin}/login`, { method: "POST", headers, body });
    const json = { "Content-Type": "application/json" };
    const body = JSON.stringify({ token });
    expect((await post(json, body)).status).toBe(400);
    expect((await post({ ...json, Origin: "http://evil.example" }, body)).status).toBe(403);
    expect((await post({ Origin: origin, "Content-Type": "text/plain" }, body)).status).toBe(400);
    for (const text of [
      "",
      "{",
      "null",
      "[]",
      '{"token":7}',
      `{"token":"${"0".repeat(2000)}"}`,
      "x".repeat(100_000),
    ]) {
      expect((await post({ ...json, Origin: origin }, text)).status).toBe(400);
    }
    expect((await post({ ...json, Origin: origin }, body)).status).toBe(204);
    expect((await fetch(`${origin}/login`, { method: "DELETE" })).status).toBe(405);
  });
});

describe("the panel's border", () => {
  let local: Local;
  let port: number;
  beforeAll(async () => {
    local = await open();
    port = Number(new URL(local.server.panel ?? "").port);
  });
  afterAll(() => local.close());

  it("answers to names of this machine only", async () => {
    for (const host of [
      "127.0.0.1",
      "localhost",
      "[::1]",
      "127.0.0.1:1",
      "localhost:65535",
      `[::1]:${port}`,
    ]) {
      expect((await get(port, "/", { Host: host })).statusCode).toBe(200);
    }
    const others = [
      "evil.example",
      "127.0.0.1.evil.example",
      "localhost.evil",
      "127.0.0.2",
      "a@localhost",
      "localhost:",
      localHost,
    ];
    for (const host of others) {
      expect((await get(port, "/", { Host: host })).statusCode).toBe(403);
      expect(await upgradeStatus(port, { Host: host, Origin: `http://${host}` })).toBe(403);
    }
  });

  it("answers to no other origin", async () => {
    const { cookie } = await logIn(local.server);
    const host = `127.0.0.1:${port}`;
    for (const origin of [
      "http://evil.example",
      "null",
      `https://${host}`,
      "http://127.0.0.1:1",
      "http://localhost",
    ]) {
      expect((await get(port, "/", { Host: host, Origin: origin })).statusCode).toBe(403);
      expect(await upgradeStatus(port, { Host: host, Origin: origin, Cookie: cookie })).toBe(403);
    }
    expect(await upgradeStatus(port, { Host: host, Cookie: cookie })).toBe(403);
    expect(await upgradeStatus(port, { Host: host, Origin: `http://${host}`, Cookie: cookie })).toBe(101);
    expect(
      await upgradeStatus(port, { Host: host, Origin: `http://${host}`, Cookie: cookie }, "/other"),
    ).toBe(404);
  });

  it("forbids scripts of others, frames and guesses of types, on every answer", async () => {
    for (const path of ["/", "/login", "/api", "/healthz", "/missing.js", "/%00"]) {
      const { headers } = await get(port, path);
      const policy = String(headers["content-security-policy"]);
      expect(policy).toContain("default-src 'none'; script-src 'self'; ");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).toContain(`connect-src 'self' ws://127.0.0.1:${port};`);
      expect(headers).toMatchObject({
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
      });
    }
  });

  it("says that it is well without a cookie, and that it is not built", async () => {
    expect(await text(await get(port, "/healthz"))).toBe("ok\n");
    expect(await text(await get(port, "/"))).toContain("npm run build");
  });

  it("serves files of its folder and nothing else", async () => {
    const pages = join(local.folder, "pages");
    mkdirSync(join(pages, "assets"), { recursive: true });
    writeFileSync(join(pages, "index.html"), "<!doctype html>start");
    writeFileSync(join(pages, "assets", "main-1a2b.js"), "run()");
    writeFileSync(join(local.folder, "secret.txt"), "secret");
    writeFileSync(join(pages, ".hidden.txt"), "secret");

    const script = await get(port, "/assets/main-1a2b.js");
    expect(script.headers).toMatchObject({ "content-type": "text/javascript; charset=utf-8" });
    expect(script.headers["cache-control"]).toContain("immutable");
    expect(await text(script)).toBe("run()");
    const start = await get(port, "/networks/home-lab?x=1");
    expect(start.headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-cache",
    });
    expect(await text(start)).toBe("<!doctype html>start");
    expect((await get(port, "/", {}, "HEAD")).statusCode).toBe(200);
    expect((await get(port, "/", {}, "POST")).statusCode).toBe(405);

    const outside = fc.constantFrom(
      "..",
      "%2e%2e",
      ".",
      "",
      "%00",
      "\\",
      "%5c",
      "secret.txt",
      ".hidden.txt",
      "assets",
      "~",
      "c:",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(outside, { maxLength: 6 }), async (parts) => {
        const answer = await get(port, `/${parts.join("/")}`);
        expect(await text(answer)).not.toContain("secret");
      }),
      { numRuns: 100 },
    );
    chmodSync(pages, 0o700);
  });

  it("outlives random bytes, long requests and callers that fall silent", async () => {
    const targets: (() => Socket)[] = [() => connect(port, "127.0.0.1"), () => connect(local.socketPath)];
    const strange = fc.oneof(
      fc.uint8Array({ maxLength: 4000 }),
      fc
        .string({ unit: "binary" })
        .map((line) => Buffer.from(`GET /${line} HTTP/1.1\r\nHost: localhost\r\n\r\n`)),
      fc
        .string({ unit: "binary" })
        .map((line) => Buffer.from(`POST /login HTTP/1.1\r\nHost: ${line}\r\n\r\n`)),
      fc.constantFrom(
        Buffer.from(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(100_000)}\r\n\r\n`),
        Buffer.from(`GET /${"x".repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`),
        Buffer.from("POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n{"),
        Buffer.from(
          `GET /api HTTP/1.1\r\nHost: ${localHost}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
        ),
        Buffer.from(
          `GET /api HTTP/1.1\r\nHost: ${localHost}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
            `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}\r\n\r\n` +
            "\u0081\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff",
          "latin1",
        ),
      ),
    );
    await fc.assert(
      fc.asyncProperty(strange, fc.constantFrom(...targets), async (bytes, target) => {
        const socket = target();
        socket.on("error", () => undefined);
        await once(socket, "connect");
        socket.end(bytes);
        socket.resume();
        await new Promise<void>((resolve) => socket.once("close", () => resolve()));
      }),
      { numRuns: 100 },
    );
    const silent = Array.from({ length: 100 }, (_, at) => (targets[at % 2] ?? (() => connect(port)))());
    for (const socket of silent) socket.on("error", () => undefined);
    expect(await text(await get(port, "/healthz"))).toBe("ok\n");
    const attached = await attach(local.socketPath);
    expect((await attached?.client.call("networks.list", {}))?.length).toBeGreaterThan(0);
    attached?.client.close();
    for (const socket of silent) socket.destroy();
  });
});

describe("the panel's port", () => {
  let busy: Server[] = [];
  afterEach(() => {
    for (const server of busy) server.close();
    busy = [];
  });

  it("moves to the next free one when the default is busy, and stays there", async () => {
    await occupy(7780);
    const kept = keptInMemory();
    const first = await open({ panel: undefined, kept });
    const moved = portOf(first.server);
    expect(moved).toBeGreaterThan(7780);
    await first.close();
    for (const server of busy.splice(0)) {
      server.close();
      await once(server, "close");
    }
    const second = await open({ panel: undefined, kept });
    expect(portOf(second.server)).toBe(moved);
    await second.close();
  });

  it("fails with port-in-use when it was given by hand", async () => {
    const taken = await occupy(0);
    await expect(open({ panel: `127.0.0.1:${taken}` })).rejects.toMatchObject({
      code: "port-in-use",
      data: { port: taken },
    });
    await expect(open({ panel: String(taken) })).rejects.toMatchObject({ code: "port-in-use" });
  });

  it("opens on loopback only", async () => {
    for (const panel of ["0.0.0.0:7790", "[::]:7790", "192.0.2.1", "router.example:7790"]) {
      await expect(open({ panel })).rejects.toMatchObject({ code: "usage" });
    }
    await expect(open({ panel: "127.0.0.1:70000" })).rejects.toMatchObject({ code: "usage" });
    await fc.assert(
      fc.asyncProperty(fc.string(), async (panel) => {
        const isPort = /^:?\d+$/.test(panel);
        fc.pre(!isPort && !/^(127|localhost|\[?::1)/.test(panel));
        await expect(open({ panel })).rejects.toMatchObject({ code: "usage" });
      }),
      { numRuns: 30 },
    );
    const local = await open({ panel: "localhost:0" });
    expect(local.server.panel).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    await local.close();
  });

  it("is none when the panel is off", async () => {
    const local = await open({ panel: false });
    expect(local.server.panel).toBeNull();
    expect(() => local.server.panelLink()).toThrow(AppError);
    await local.close();
  });

  async function occupy(port: number): Promise<number> {
    const server = createServer().listen(port, "127.0.0.1");
    busy.push(server);
    // Somebody else having it serves as well.
    await Promise.race([once(server, "listening"), once(server, "error").then(() => busy.pop())]);
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : port;
  }
});

function open(options: Partial<Parameters<typeof openLocal>[0]> = {}): Promise<Local> {
  return openLocal({ handlers: engine.handlers, ...options });
}

const portOf = (server: LocalServer) => Number(new URL(server.panel ?? "").port);

function get(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      host: "127.0.0.1",
      port,
      path: encodeURI(path).replaceAll("%25", "%"),
      headers,
      method,
      agent: false,
    });
    request.on("response", resolve).on("error", reject).end();
  });
}

async function text(message: IncomingMessage): Promise<string> {
  let whole = "";
  for await (const part of message) whole += String(part);
  return whole;
}

function socketStatus(origin: string, cookie: string | undefined): Promise<number> {
  const { host, port } = new URL(origin);
  return upgradeStatus(Number(port), {
    Host: host,
    Origin: origin,
    ...(cookie === undefined ? {} : { Cookie: cookie }),
  });
}

/** The status that answers a WebSocket's upgrade; 101 when it is let in. */
function upgradeStatus(port: number, headers: Record<string, string>, path = "/api"): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      host: "127.0.0.1",
      port,
      path,
      agent: false,
      headers: {
        ...headers,
        Connection: "Upgrade",
        Upgrade: "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": Buffer.alloc(16).toString("base64"),
      },
    });
    request.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve(response.statusCode ?? 0);
    });
    request.on("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on("error", reject).end();
  });
}

/** A loopback port that leads to the socket, as `ssh -L` makes one. */
async function forward(socketPath: string): Promise<{ readonly port: number; close(): void }> {
  const server = createServer((outer) => {
    const inner = connect(socketPath);
    outer.pipe(inner).pipe(outer);
    outer.on("error", () => inner.destroy());
    inner.on("error", () => outer.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    close: () => server.close(),
  };
}
