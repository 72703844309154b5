/** The panel's border and its port: what is answered to whom, and that nothing sent to it ends it. */
import { once } from "node:events";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import type { Server, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { attach, localHost } from "../../src-main/server/attach.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { FakeEngine } from "../fakes/engine.ts";
import { createFakeEngine } from "../fakes/engine.ts";
import { get, portOf, text, upgradeStatus } from "./callers.ts";
import type { Local } from "./pipes.ts";
import { keptInMemory, logIn, openLocal } from "./pipes.ts";

let engine: FakeEngine;
beforeAll(() => {
  engine = createFakeEngine({ peers: 2 });
});
afterAll(() => engine.stop());

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
