/** The panel's log-in: who gets in, for how long, and who does not. */
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { FakeEngine } from "../fakes/engine.ts";
import { createFakeEngine } from "../fakes/engine.ts";
import { socketStatus } from "./callers.ts";
import type { Local } from "./pipes.ts";
import { keptInMemory, logIn, openLocal } from "./pipes.ts";

let engine: FakeEngine;
beforeAll(() => {
  engine = createFakeEngine({ peers: 2 });
});
afterAll(() => engine.stop());

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

function open(options: Partial<Parameters<typeof openLocal>[0]> = {}): Promise<Local> {
  return openLocal({ handlers: engine.handlers, ...options });
}
