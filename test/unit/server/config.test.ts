import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseRouterFile, readRouterFile } from "../../../src-main/server/config.ts";
import { fixedBy, layWish, namesOf } from "../../../src-main/server/wish.ts";
import { AppError } from "../../../src-shared/errors.ts";
import type { RouterWish } from "../../../src-shared/router-settings.ts";
import { routerMistake, routerWish, settleRouter, splitListen } from "../../../src-shared/router-settings.ts";
import { transports } from "../../../src-shared/status.ts";

function messageOf(text: string): string {
  try {
    parseRouterFile(text, "router.yaml");
  } catch (error) {
    if (error instanceof AppError && error.code === "usage") return error.message;
    throw error;
  }
  return "";
}

describe("the router's file", () => {
  it("[P09] [P10] [P11] [E12] sets where and by what the router is reached, in YAML and in JSON alike", () => {
    const yaml = [
      "listen: 0.0.0.0:443",
      "public: [vpn.example.org]",
      "cert: a.pem",
      "key: b.pem",
      "transports:",
      "  udp: { enable: false }",
      "  tcp: { listen: '[::]:8443' }",
      "  wss: { listen: 192.0.2.7:444, cert: c.pem, key: d.pem, path: /chat }",
      "planes: { bind: 8000, nums: 1000, token: correct-horse }",
    ].join("\n");
    const wish = parseRouterFile(yaml, "x");
    expect(parseRouterFile(JSON.stringify(wish, null, "\t"), "x")).toEqual(wish);
    expect(settleRouter(wish)).toEqual({
      listen: "0.0.0.0:443",
      public: ["vpn.example.org"],
      files: { cert: "a.pem", key: "b.pem" },
      store: null,
      transports: {
        udp: { enable: false, listen: null },
        tcp: { enable: true, listen: "[::]:8443" },
        kcp: { enable: true, listen: null, files: null },
        quic: { enable: true, listen: null, files: null },
        tls: { enable: true, listen: null, files: null },
        wss: {
          enable: true,
          listen: "192.0.2.7:444",
          files: { cert: "c.pem", key: "d.pem" },
          path: "/chat",
        },
      },
      planes: { bind: 8000, nums: 1000, token: "correct-horse" },
    });
  });

  it("sets nothing when it is empty or says nothing", () => {
    for (const text of ["", "# nothing", "{}", "listen:\ntransports:\n  udp:\n"])
      expect(settleRouter(parseRouterFile(text, "x"))).toEqual(settleRouter({}));
  });

  it("[P09] the commented example is understood, names every setting, and shows what is usual", () => {
    const text = readFileSync(join(import.meta.dirname, "../../../docs/router.yaml"), "utf8");
    const wish = parseRouterFile(text, "docs/router.yaml");
    expect(settleRouter(wish)).toEqual(settleRouter({}));
    const shown: unknown = parse(text);
    expect(Object.keys(shown ?? {})).toEqual(Object.keys(routerWish.shape));
    expect(Object.keys(wish.transports ?? {}).sort()).toEqual([...transports].sort());
    // Its commented example is understood as well once it is none any more.
    const planes = text
      .split("\n")
      .filter((line) => /^# {3}( {2})?\w+:/.test(line))
      .map((line) => line.slice(4));
    expect(parseRouterFile(planes.join("\n").replace("…", "correct-horse"), "x").planes).toEqual({
      bind: 8000,
      nums: 1000,
      token: "correct-horse",
    });
  });

  it.each([
    ['{"listen":"0.0.0.0"}', "1:11: “listen”: write ADDRESS:PORT, for example 0.0.0.0:443 or [::]:443."],
    ["listen: example.org:1", "1:9: “listen”: write ADDRESS:PORT, for example 0.0.0.0:443 or [::]:443."],
    ["listen: 443", "1:9: “listen”: write ADDRESS:PORT, for example 0.0.0.0:443."],
    [
      "public:\n  - ok\n  - not a host",
      "3:5: “public.1”: write HOST or HOST:PORT, for example vpn.example.org.",
    ],
    ["store: nats://x", "1:8: “store”: write sqlite:PATH."],
    ["cert: a", "1:7: “cert”: “cert” and “key” belong together: give both, or none."],
    ["lisen: 0.0.0.0:443", "1:1: there is no setting “lisen”."],
    ["transports:\n  udp:\n    enabled: true", "3:5: there is no setting “transports.udp.enabled”."],
    ["transports:\n  udp:\n    enable: yes please", "3:13: “transports.udp.enable”: write true or false."],
    ["transports:\n  udp:\n    cert: a.pem", "3:5: there is no setting “transports.udp.cert”."],
    [
      "transports:\n  wss:\n    path: link",
      "3:11: “transports.wss.path”: write a path of letters, digits and -._~/ that begins with /.",
    ],
    [
      "transports:\n  tls: {cert: a, key: b}\n  wss: {cert: c, key: d}",
      "3:15: “transports.wss.cert”: tls and wss listen on one port, which has one certificate: give both the same, or another “listen”.",
    ],
    ["planes:\n  bind: 8000", "1:1: “planes.nums”: write how many ports, 1 to 4096."],
    ["planes:\n  bind: 65000\n  nums: 1000", "3:9: “planes.nums”: these ports end above 65535."],
    [
      "planes: {bind: 80, nums: 2, token: abc}",
      "1:36: “planes.token”: write a token of 8 characters or more.",
    ],
    [
      "[1]",
      "1:1: write settings like “listen: 0.0.0.0:443” (Invalid input: expected object, received array).",
    ],
    [
      '{\n  "listen": "a"\n  "public": []\n}',
      "3:3: this is neither YAML nor JSON: Missing , between flow map items.",
    ],
    ["listen: a\nlisten: b", "2:1: this is neither YAML nor JSON: Map keys must be unique."],
    ["udp:\n\tenable: true", "2:1: this is neither YAML nor JSON: Tabs are not allowed as indentation."],
  ])("[P10] %j: says where, what, and what to write", (text, message) => {
    expect(messageOf(text)).toBe(`router.yaml:${message}`);
  });

  it("[P11] relative paths in it start at its folder", async () => {
    const folder = mkdtempSync(join(tmpdir(), "starmesh-config-"));
    const path = join(folder, "router.json");
    writeFileSync(
      path,
      '{"cert":"a.pem","key":"/abs/b.pem","store":"sqlite:data/r.db","transports":{"wss":{"cert":"c","key":"d"}}}',
    );
    expect(await readRouterFile(path)).toMatchObject({
      cert: join(folder, "a.pem"),
      key: "/abs/b.pem",
      store: `sqlite:${join(folder, "data/r.db")}`,
      transports: { wss: { cert: join(folder, "c"), key: join(folder, "d") } },
    });
    await expect(readRouterFile(join(folder, "none.json"))).rejects.toThrow(/cannot be read/);
    rmSync(folder, { recursive: true });
  });

  it("splits where to listen, IPv6 in brackets", () => {
    expect(splitListen("[::]:7743")).toEqual({ host: "::", port: 7743 });
    expect(splitListen("192.0.2.1:0")).toEqual({ host: "192.0.2.1", port: 0 });
  });

  it("never ends in anything but settings or one line with a place", () => {
    const words = fc.constantFrom(
      "listen",
      "transports",
      "udp",
      "wss",
      "enable",
      ":",
      " ",
      "\n",
      "  ",
      "{",
      "}",
      "- ",
      "&a",
      "*a",
    );
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      fc.array(words, { maxLength: 30 }).map((each) => each.join("")),
    );
    fc.assert(
      fc.property(texts, (text) => {
        expect(messageOf(text)).toMatch(/^$|^router\.yaml:\d+:\d+: [^\n]+$/);
      }),
      { numRuns: 2000 },
    );
  });
});

const part = fc.record(
  { enable: fc.option(fc.boolean()), listen: fc.option(fc.constantFrom("0.0.0.0:1", "[::]:2")) },
  { requiredKeys: [] },
);
const wishes: fc.Arbitrary<RouterWish> = fc.record(
  {
    listen: fc.option(fc.constantFrom("0.0.0.0:1", "[::]:2")),
    public: fc.option(fc.array(fc.constantFrom("a.example", "192.0.2.1"), { maxLength: 2 })),
    transports: fc.option(fc.record({ udp: fc.option(part), wss: fc.option(part) }, { requiredKeys: [] })),
    planes: fc.option(fc.constant({ bind: 8000, nums: 3 })),
  },
  { requiredKeys: [] },
);

describe("layers of settings", () => {
  it("what lies above counts, null takes away, the rest shines through", () => {
    const below: RouterWish = {
      listen: "0.0.0.0:1",
      transports: { udp: { enable: false }, wss: { path: "/a" } },
    };
    const above: RouterWish = {
      listen: null,
      transports: { udp: { listen: "[::]:2" }, wss: { path: null } },
    };
    expect(layWish(below, above)).toEqual({ transports: { udp: { enable: false, listen: "[::]:2" } } });
    const silent: RouterWish = { listen: undefined, transports: { wss: { path: undefined } } };
    expect(layWish(below, silent)).toEqual(below);
  });

  it("laying is the same in one step or two, and laying again changes nothing", () => {
    fc.assert(
      fc.property(wishes, wishes, wishes, (one, two, three) => {
        const whole = layWish(layWish(one, two), three);
        expect(layWish(whole, three)).toEqual(whole);
        expect(layWish(layWish({}, one), layWish(two, three))).toEqual(
          layWish(layWish({}, one), layWish(two, three)),
        );
        expect(routerWish.parse(whole)).toEqual(whole);
        expect(routerMistake(whole)).toBeNull();
        expect(settleRouter(layWish({}, one))).toEqual(settleRouter(one));
      }),
    );
  });

  it("[P10] what a file sets is changed by nothing else", () => {
    const file: RouterWish = { listen: "0.0.0.0:443", transports: { wss: { enable: false } } };
    expect(namesOf(file)).toEqual(["listen", "transports.wss.enable"]);
    expect(fixedBy(file, { transports: { wss: { enable: true } } })).toBe("transports.wss.enable");
    expect(fixedBy(file, { listen: null })).toBe("listen");
    expect(
      fixedBy(file, { listen: "0.0.0.0:443", transports: { wss: { path: "/x" }, udp: { enable: false } } }),
    ).toBeNull();
  });
});
