import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRouterConfig, readRouterConfig, splitListen } from "../../../src-main/server/config.ts";
import { jsonMistake } from "../../../src-main/server/json.ts";
import { AppError } from "../../../src-shared/errors.ts";

function messageOf(text: string): string {
  try {
    parseRouterConfig(text, "router.json");
  } catch (error) {
    if (error instanceof AppError && error.code === "usage") return error.message;
    throw error;
  }
  return "";
}

describe("router configuration", () => {
  it("[E12] takes everything the role has, and nothing it has not", () => {
    const text =
      '{"listen":"0.0.0.0:443","public":["vpn.example.org"],"cert":"a.pem","key":"b.pem","store":"sqlite:r.db"}';
    expect(parseRouterConfig(text, "x")).toEqual({
      listen: "0.0.0.0:443",
      public: ["vpn.example.org"],
      cert: "a.pem",
      key: "b.pem",
      store: "sqlite:r.db",
    });
    expect(parseRouterConfig("{}", "x")).toEqual({ public: [] });
    expect(messageOf('{"listen":"x"}')).toContain("listen");
  });

  it.each([
    ['{"listen":"0.0.0.0"}', "router.json: “listen”: write ADDRESS:PORT, for example 0.0.0.0:7743."],
    ['{"listen":"example.org:1"}', "router.json: “listen”: write ADDRESS:PORT, for example 0.0.0.0:7743."],
    ['{"listen":"0.0.0.0:70000"}', "router.json: “listen”: write ADDRESS:PORT, for example 0.0.0.0:7743."],
    [
      '{"public":["ok","not a host"]}',
      "router.json: “public.1”: write HOST or HOST:PORT, for example vpn.example.org.",
    ],
    ['{"store":"nats://x"}', "router.json: “store”: write sqlite:PATH."],
    ['{"cert":"a"}', "router.json: “cert” and “key” belong together: give both, or none."],
    ["[1,]", "router.json:1:4: this is not JSON. Look for a missing comma, quote or bracket there."],
    [
      '{\n  "listen": "a"\n  "public": []\n}',
      "router.json:3:3: this is not JSON. Look for a missing comma, quote or bracket there.",
    ],
    [
      '{\n  "listen": ',
      "router.json:2:13: this is not JSON. Look for a missing comma, quote or bracket there.",
    ],
  ])("%j: says what and where", (text, message) => {
    expect(messageOf(text)).toBe(message);
  });

  it("is a JSON file; relative paths in it start at its folder", async () => {
    const folder = mkdtempSync(join(tmpdir(), "starmesh-config-"));
    const path = join(folder, "router.json");
    writeFileSync(path, '{"cert":"a.pem","key":"/abs/b.pem","store":"sqlite:data/r.db"}');
    expect(await readRouterConfig(path)).toMatchObject({
      cert: join(folder, "a.pem"),
      key: "/abs/b.pem",
      store: `sqlite:${join(folder, "data/r.db")}`,
    });
    await expect(readRouterConfig(join(folder, "none.json"))).rejects.toThrow(/cannot be read/);
    rmSync(folder, { recursive: true });
  });

  it("splits where to listen, IPv6 in brackets", () => {
    expect(splitListen("[::]:7743")).toEqual({ host: "::", port: 7743 });
    expect(splitListen("192.0.2.1:0")).toEqual({ host: "192.0.2.1", port: 0 });
  });

  it("never ends in anything but settings or one line", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.anything().map((value) => String(JSON.stringify(value))),
        ),
        (text) => {
          expect(messageOf(text).split("\n")).toHaveLength(1);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe("the place where JSON breaks", () => {
  it("is none for whole JSON, and somewhere for all else, as the language's own parser judges", () => {
    const damaged = fc.tuple(fc.json(), fc.nat(), fc.string({ maxLength: 3 })).map(([text, at, extra]) => {
      const cut = at % (text.length + 1);
      return text.slice(0, cut) + extra + text.slice(cut + 1);
    });
    fc.assert(
      fc.property(fc.oneof(fc.json(), damaged, fc.string()), (text) => {
        expect(jsonMistake(text) === null).toBe(parses(text));
      }),
      { numRuns: 3000 },
    );
  });

  it("is never past what came before it: the text up to there can still become JSON", () => {
    expect(jsonMistake('{"a":1,}')).toBe(7);
    expect(jsonMistake('{"a" 1}')).toBe(5);
    expect(jsonMistake('{"a":1} x')).toBe(8);
    expect(jsonMistake('["a\n"]')).toBe(1);
    expect(jsonMistake("")).toBe(0);
    expect(jsonMistake("[1, 2")).toBe(5);
  });
});

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
