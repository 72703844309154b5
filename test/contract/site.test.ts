/** The HTTPS site and its door: what strangers see, and what insiders reach, also by a proxy and past somebody between. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Server, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { createServer as createTlsServer } from "node:tls";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { TlsPair } from "../../src-main/transport/certificate.ts";
import { loadCertificate } from "../../src-main/transport/certificate.ts";
import { dialTls } from "../../src-main/transport/dial.ts";
import { cookieIn, knock, whoKnocks } from "../../src-main/transport/door.ts";
import { connectThrough } from "../../src-main/transport/proxy.ts";
import type { Site } from "../../src-main/transport/site.ts";
import { openSite, plainPages } from "../../src-main/transport/site.ts";
import type { Streams } from "../../src-main/transport/stream-link.ts";
import { openStreamLink, streamDoors } from "../../src-main/transport/stream-link.ts";
import { wayOut } from "../../src-main/transport/way-out.ts";
import type { ProxyServer } from "../../src-shared/proxy.ts";
import { codeOf } from "./control-world.ts";
import { End, TcpCable } from "./links-world.ts";

const secret = createHash("sha256").update("the pin").digest("base64");
const folder = mkdtempSync(join(tmpdir(), "starmesh-site-"));
const signal = new AbortController().signal;
let tls: TlsPair;
let end: End;
let site: Site;
/** Endpoints of links that were let in. */
const entered: string[] = [];
const tidy: (() => Promise<void> | void)[] = [];

beforeAll(async () => {
  tls = await loadCertificate({ folder }, Date.now());
  end = new End(1);
  const streams: Streams = {
    ...end.streams,
    openStream: (remote) => {
      entered.push(remote);
      return end.streams.openStream(remote);
    },
  };
  site = await openSite({
    host: "127.0.0.1",
    port: 0,
    tls,
    pages: plainPages,
    secrets: () => ["some network", secret],
    doors: () => ({ tls: streamDoors(() => streams).tls }),
    refused: () => undefined,
  });
});

afterEach(async () => {
  entered.length = 0;
  for (const task of tidy.splice(0)) await task();
});

afterAll(async () => {
  await site.close();
  end.stop();
  rmSync(folder, { recursive: true });
});

const target = (change: object = {}) => ({
  transport: "tls" as const,
  host: "127.0.0.1",
  port: site.port,
  address: null,
  secret,
  way: wayOut({}, {}),
  ...change,
});

/** Asks the site by HTTP as it stands; answers everything that it says. `cookie` may depend on the connection. */
async function ask(head: string, cookie: (tls: TLSSocket) => string = () => ""): Promise<string> {
  const dialled = await dialTls(
    { host: "127.0.0.1", port: site.port },
    { way: wayOut({}, {}), protocols: ["h2", "http/1.1"] },
    signal,
  );
  return new Promise((resolve) => {
    let text = "";
    dialled.tls.on("data", (bytes: Buffer) => {
      text += bytes.toString("latin1");
      if (text.startsWith("HTTP/1.1 101")) dialled.tls.destroy();
    });
    dialled.tls.on("close", () => resolve(text));
    dialled.tls.write(head.replace("COOKIE", cookie(dialled.tls)));
  });
}

const upgrade = (path = "/") =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nCookie: COOKIE\r\n\r\n`;
const get = (path: string) =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: COOKIE\r\n\r\n`;
/** Without what changes from answer to answer. */
const plain = (text: string) => text.replace(/^Date: .*\r\n/m, "");

describe("a stranger", () => {
  it("[P16] [C02] sees an ordinary site, whatever it asks for and whatever cookie it brings", async () => {
    const page = plain(await ask(get("/")));
    expect(page).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(page).not.toMatch(/starmesh|websocket/i);
    const missing = plain(await ask(get("/nothing")));
    expect(missing).toMatch(/^HTTP\/1\.1 404 /);
    const guesses = [
      () => "",
      () => `sid=${randomBytes(32).toString("base64url")}`,
      (own: TLSSocket) => knock("another pin", "tls", own),
      // A door that is shut here opens to nobody.
      (own: TLSSocket) => knock(secret, "control", own),
      (own: TLSSocket) => knock(secret, "wss", own),
    ];
    for (const guess of guesses) {
      expect(plain(await ask(upgrade("/"), guess))).toBe(page);
      expect(plain(await ask(upgrade("/nothing"), guess))).toBe(missing);
    }
    expect(entered).toEqual([]);
  });

  it("[P16] gets the usual answer to garbage", async () => {
    expect(await ask("\x00\x01\x02\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(await ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
  });

  it("gains nothing by a cookie that it heard on another connection", async () => {
    let heard = "";
    expect(await ask(upgrade(), (own) => (heard = knock(secret, "tls", own)))).toMatch(/^HTTP\/1\.1 101 /);
    expect(await ask(upgrade(), () => heard)).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe("an insider", () => {
  it("[P07] [P16] is let in by the pin or by a name, at any path", async () => {
    for (const [known, path] of [
      [secret, "/"],
      ["some network", "/any/where?else=1"],
    ] as const)
      expect(await ask(upgrade(path), (own) => knock(known, "tls", own))).toMatch(/^HTTP\/1\.1 101 /);
    expect(entered).toHaveLength(2);
  });

  it("is told when an ordinary site is there, or the place belongs to others", async () => {
    expect(await codeOf(openStreamLink(target({ secret: "another" }), end.streams))).toBe("link-refused");
    expect(await codeOf(openStreamLink(target({ transport: "wss" }), end.streams))).toBe("link-refused");
  });

  it("[C02] notices somebody between, who sees neither its secret nor one packet", async () => {
    const seen: Buffer[] = [];
    // It ends TLS with a certificate of its own, as a company's firewall does, and passes on what comes.
    const between = async (near: TLSSocket) => {
      near.on("error", () => undefined);
      near.pause();
      const far = await dialTls(
        { host: "127.0.0.1", port: site.port },
        { way: wayOut({}, {}), protocols: ["http/1.1"] },
        signal,
      );
      near.on("data", (bytes) => seen.push(bytes));
      near.pipe(far.tls).pipe(near);
    };
    const middle = createTlsServer(tls, (near) => void between(near));
    const port = await listen(middle);
    tidy.push(() => void middle.close());
    expect(await codeOf(openStreamLink(target({ port }), end.streams))).toBe("link-refused");
    expect(entered).toEqual([]);
    const text = Buffer.concat(seen).toString("latin1");
    expect(text).toMatch(/^GET \/ HTTP\/1\.1\r\n/);
    expect(text).not.toContain(secret);
  });

  it("[C02] believes nobody who lets everybody in", async () => {
    const accept = ({ headers }: IncomingMessage) =>
      createHash("sha1")
        .update(`${headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest("base64");
    const impostor = createHttpsServer(tls);
    impostor.on("upgrade", (request: IncomingMessage, socket: Socket) => {
      socket.on("error", () => undefined);
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept(request)}\r\nSet-Cookie: ${request.headers.cookie}\r\n\r\n`,
      );
    });
    const port = await listen(impostor);
    tidy.push(() => {
      impostor.closeAllConnections();
      impostor.close();
    });
    for (const transport of ["tls", "wss"] as const)
      expect(await codeOf(openStreamLink(target({ port, transport }), end.streams))).toBe("link-refused");
    expect(entered).toEqual([]);
  });

  it("gives up within its time where nobody answers, and at once when told to", async () => {
    const silent = createServer(() => undefined);
    const port = await listen(silent);
    tidy.push(() => void silent.close());
    const controller = new AbortController();
    const opening = openStreamLink(target({ port }), end.streams, controller.signal);
    controller.abort(new Error("not wanted any more"));
    await expect(opening).rejects.toThrow("not wanted any more");
  });
});

describe("the cookie", () => {
  it("is found among others, and nothing else is taken for it", () => {
    const value = fc
      .uint8Array({ minLength: 32, maxLength: 32 })
      .map((bytes) => Buffer.from(bytes).toString("base64url"));
    const other = fc.string().map((text) => text.replace(/;/g, ""));
    fc.assert(
      fc.property(fc.array(other), value, (others, right) => {
        fc.pre(!others.some((each) => each.trim().startsWith("sid=")));
        const short = others.map((each) => each.slice(0, 50)).slice(0, 20);
        expect(cookieIn([...short, `sid=${right}`].join("; "))).toBe(right);
        expect(cookieIn(short.join("; "))).toBeNull();
      }),
    );
  });

  it("of any text opens nothing", async () => {
    const { tls: own } = await dialTls(
      { host: "127.0.0.1", port: site.port },
      { way: wayOut({}, {}), protocols: ["http/1.1"] },
      signal,
    );
    tidy.push(() => void own.destroy());
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String().map((text) => `sid=${text}`),
        ),
        (text) => {
          expect(whoKnocks(text, [secret], own)).toBeNull();
        },
      ),
    );
  });
});

describe("through a proxy", () => {
  const asked: { readonly target: string; readonly login: string | undefined }[] = [];
  let proxy: ReturnType<typeof createHttpServer>;
  let port: number;
  beforeAll(async () => {
    proxy = createHttpServer();
    proxy.on("connect", (request: IncomingMessage, near: Socket, head: Buffer) => {
      const login = request.headers["proxy-authorization"];
      asked.push({ target: request.url ?? "", login });
      near.on("error", () => undefined);
      if (login !== `Basic ${Buffer.from("anna:päss").toString("base64")}`) {
        near.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
        return;
      }
      const far = connect(site.port, "127.0.0.1", () => {
        near.write("HTTP/1.1 200 Connection established\r\n\r\n");
        far.write(head);
        near.pipe(far).pipe(near);
      });
      far.on("error", () => near.destroy());
    });
    port = await listen(proxy);
  });
  afterAll(() => void proxy.close());

  const server = (change: Partial<ProxyServer> = {}): ProxyServer => ({
    kind: "http",
    host: "127.0.0.1",
    port,
    login: { user: "anna", password: "päss" },
    ...change,
  });
  const through = (used: ProxyServer, host = "router.invalid") =>
    target({ host, way: wayOut({ proxy: used }, {}) });

  it("[P16] [C03] a link reaches a host whose name means nothing here, and has an address all the same", async () => {
    const link = await openStreamLink(through(server()), end.streams);
    expect(asked.at(-1)?.target).toBe(`router.invalid:${site.port}`);
    expect(link.endpoint).toMatch(new RegExp(`^tls/\\[100::.*\\]:${site.port}$`));
    expect(entered.some((endpoint) => endpoint.startsWith("tls/127.0.0.1:"))).toBe(true);
    link.close();
    expect(await link.closed).toBe("closed");
  });

  it("whose password is another, or that is not there, is named", async () => {
    const wrong = server({ login: { user: "anna", password: "other" } });
    expect(await codeOf(openStreamLink(through(wrong), end.streams))).toBe("proxy-refused");
    expect(await codeOf(openStreamLink(through(server({ port: 1 })), end.streams))).toBe("proxy-unreachable");
    const socks = server({ kind: "socks5" });
    expect(await codeOf(openStreamLink(through(socks), end.streams))).toMatch(/^proxy-/);
  });

  it("is given up at once when told to", async () => {
    const silent = createServer(() => undefined);
    const controller = new AbortController();
    const used = server({ port: await listen(silent) });
    tidy.push(() => void silent.close());
    const opening = connectThrough(used, { host: "a.invalid", port: 1 }, controller.signal);
    controller.abort(new Error("enough"));
    await expect(opening).rejects.toThrow("enough");
  });
});

it("[P07] a link that is cut says so at both ends", async () => {
  const cable = await TcpCable.to(site.port);
  tidy.push(() => cable.close());
  const link = await openStreamLink(target({ port: cable.port }), end.streams);
  cable.cut();
  expect(await link.closed).not.toBe("closed");
});

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const bound = server.address();
      resolve(typeof bound === "object" && bound !== null ? bound.port : 0);
    });
  });
}
