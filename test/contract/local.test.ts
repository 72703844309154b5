/** The local socket: whose it is, what becomes of it, and who gets no more than a page. */
import { once } from "node:events";
import { mkdtempSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { attach, localHost } from "../../src-main/server/attach.ts";
import { socketChannel } from "../../src-main/server/socket-channel.ts";
import type { Caller } from "../../src-shared/api/channel.ts";
import { createClient } from "../../src-shared/api/client.ts";
import type { FakeEngine } from "../fakes/engine.ts";
import { createFakeEngine } from "../fakes/engine.ts";
import { forward, upgradeStatus } from "./callers.ts";
import type { Local } from "./pipes.ts";
import { logIn, openLocal } from "./pipes.ts";

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

  it("[Z26] says which connection a process calls by, for as long as it stands; the panel says nothing", async () => {
    const callers: (Caller | undefined)[] = [];
    const handlers: FakeEngine["handlers"] = {
      ...engine.handlers,
      "exit.release": async (_, caller) => {
        callers.push(caller);
        return {};
      },
    };
    const local = await openLocal({ handlers });
    const attached = await attach(local.socketPath);
    await attached?.client.call("exit.release", {});
    const connection = callers[0]?.connection() ?? -1;
    expect(readlinkSync(`/proc/self/fd/${connection}`)).toMatch(/^socket:/);
    attached?.client.close();
    await attached?.closed;
    await expect.poll(() => callers[0]?.connection(), { timeout: 30_000 }).toBeNull();
    const { origin, cookie } = await logIn(local.server);
    const options = { origin, headers: { Cookie: cookie } };
    const socket = new WebSocket(`${origin.replace("http", "ws")}/api`, options);
    const channel = socketChannel(socket);
    await once(socket, "open");
    const panel = createClient(channel);
    await panel.call("exit.release", {});
    expect(callers.map((caller) => caller?.connection())).toEqual([null, null]);
    panel.close();
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

function open(options: Partial<Parameters<typeof openLocal>[0]> = {}): Promise<Local> {
  return openLocal({ handlers: engine.handlers, ...options });
}
