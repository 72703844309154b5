import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { proxyOfEnvironment, wayOut } from "../../../src-main/transport/way-out.ts";
import { parseProxy, showProxy } from "../../../src-shared/proxy.ts";

describe("a proxy by its text", () => {
  it.each([
    ["http://proxy.example:3128", { kind: "http", host: "proxy.example", port: 3128, login: null }],
    ["proxy.example:3128", { kind: "http", host: "proxy.example", port: 3128, login: null }],
    ["HTTPS://proxy.example/", { kind: "https", host: "proxy.example", port: 443, login: null }],
    ["socks5://[2001:db8::1]", { kind: "socks5", host: "2001:db8::1", port: 1080, login: null }],
    [
      "socks5h://anna:p%40ss%3A@10.0.0.1:9",
      { kind: "socks5", host: "10.0.0.1", port: 9, login: { user: "anna", password: "p@ss:" } },
    ],
    ["http://anna@p", { kind: "http", host: "p", port: 80, login: { user: "anna", password: "" } }],
  ])("[P16] %s", (text, proxy) => {
    expect(parseProxy(text)).toEqual(proxy);
  });

  it.each([
    "",
    "ftp://p:1",
    "http://",
    "p:0",
    "p:65536",
    "http://a b:1",
    "http://%zz@p:1",
    "http://p:1/path",
    "p:1:2",
  ])("“%s” is none", (text) => {
    expect(parseProxy(text)).toBeNull();
  });

  it("anything is refused or taken, and what is shown has no password and means the same place", () => {
    const parts = fc.constantFrom(
      "http://",
      "socks5://",
      "a:b@",
      "user@",
      "proxy",
      "[::1]",
      ":",
      "80",
      "%41",
      "/",
      " ",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(parts).map((each) => each.join("")),
        ),
        (text) => {
          const proxy = parseProxy(text);
          if (proxy === null) return;
          expect(parseProxy(showProxy(proxy))).toEqual({ ...proxy, login: null });
        },
      ),
    );
  });
});

describe("the way out", () => {
  const company = {
    HTTPS_PROXY: "http://proxy:3128",
    NO_PROXY: "intern.example,.corp, 10.1.2.3,[2001:db8::7]",
  };
  const hostOf = (host: string, environment: NodeJS.ProcessEnv) =>
    proxyOfEnvironment(host, environment)?.host ?? null;

  it.each([
    ["router.example", "proxy"],
    ["192.0.2.1", "proxy"],
    ["intern.example", null],
    ["a.intern.example", null],
    ["notintern.example", "proxy"],
    ["db.corp", null],
    ["DB.CORP.", null],
    ["10.1.2.3", null],
    ["10.1.2.30", "proxy"],
    ["2001:db8::7", null],
  ])("[P16] to %s leads through %s by the environment", (host, proxy) => {
    expect(hostOf(host, company)).toBe(proxy);
  });

  it("takes the names of the variables in either case, HTTPS_PROXY before ALL_PROXY", () => {
    expect(hostOf("r", { all_proxy: "socks5://s" })).toBe("s");
    expect(hostOf("r", { ALL_PROXY: "socks5://s", https_proxy: "http://h" })).toBe("h");
    expect(hostOf("r", { ALL_PROXY: "socks5://s", NO_PROXY: "*" })).toBeNull();
    expect(hostOf("r", { HTTPS_PROXY: "" })).toBeNull();
    expect(hostOf("r", { HTTPS_PROXY: "no proxy at all" })).toBeNull();
  });

  it("by hand counts before the environment, and this machine is reached straight", () => {
    const own = parseProxy("socks5://own");
    expect(wayOut({ proxy: own }, company).proxyTo("intern.example")).toEqual(own);
    expect(wayOut({ proxy: "direct" }, company).proxyTo("router.example")).toBeNull();
    expect(wayOut({}, company).proxyTo("router.example")?.host).toBe("proxy");
    for (const host of ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
      expect(wayOut({ proxy: own }, company).proxyTo(host)).toBeNull();
    expect(wayOut({ serverName: "cdn.example", path: "/chat" }, {})).toMatchObject({
      serverName: "cdn.example",
      path: "/chat",
    });
  });

  it("is found for any host in any environment", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (host, proxy, except) => {
        proxyOfEnvironment(host, { HTTPS_PROXY: proxy, NO_PROXY: except });
      }),
    );
  });
});
