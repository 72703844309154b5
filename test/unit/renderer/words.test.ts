import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sentence } from "../../../src-main/mesh/path.ts";
import { engineLines } from "../../../src-renderer/words/engine-lines.ts";
import { errorTexts } from "../../../src-renderer/words/errors.ts";
import { fill, languages, placesOf, preferredLanguage } from "../../../src-renderer/words/language.ts";
import { isKnownLine, translateLine } from "../../../src-renderer/words/lines.ts";
import { verdictWords } from "../../../src-renderer/words/verdicts.ts";
import { catalogues, wordsIn } from "../../../src-renderer/words/words.ts";
import type { ErrorCode } from "../../../src-shared/errors.ts";
import { AppError, errorKinds } from "../../../src-shared/errors.ts";
import { reasonCode } from "../../../src-shared/status.ts";
import { sampleError } from "../../fakes/failure.ts";

const codes = Object.keys(errorKinds) as ErrorCode[];

describe("the catalogues", () => {
  it("have the same keys, and the same places under each", () => {
    const { en, "zh-CN": chinese } = catalogues;
    expect(Object.keys(chinese).sort()).toEqual(Object.keys(en).sort());
    for (const [key, text] of Object.entries(en)) {
      expect(placesOf(chinese[key as keyof typeof chinese]), key).toEqual(placesOf(text));
    }
  });

  it("have no empty text, and leave nothing in English that Chinese has a word for", () => {
    const same = Object.entries(catalogues.en).filter(
      ([key, text]) => catalogues["zh-CN"][key as keyof typeof catalogues.en] === text,
    );
    expect(same.map(([key]) => key).sort()).toEqual(["create.name.example", "peer.mtu", "peer.ping"]);
    for (const texts of Object.values(catalogues)) expect(Object.values(texts)).not.toContain("");
  });

  it("have two forms only where the language has a plural", () => {
    for (const text of Object.values(catalogues["zh-CN"])) expect(text).not.toContain("|");
    for (const text of Object.values(catalogues.en)) expect(text.split("|").length).toBeLessThanOrEqual(2);
  });
});

describe("the compiler", () => {
  it("refuses an unknown text, a missing value and one too many", () => {
    const { say } = wordsIn("en");
    // @ts-expect-error there is no such text
    expect(() => say("no.such.text")).toThrow();
    // @ts-expect-error the name is missing
    expect(say("address.of")).toBe("Address of {name}");
    // @ts-expect-error it has no place for this
    expect(say("cancel", { name: "nas" })).toBe("Cancel");
  });
});

describe("verdicts in words", () => {
  const kinds = ["verdicts", "remedies", "evidence"] as const;

  it("are told in every language, with the places of the engine's own text", () => {
    for (const kind of kinds) {
      for (const [code, english] of Object.entries(verdictWords.en[kind])) {
        const chinese = (verdictWords["zh-CN"][kind] as Record<string, string>)[code] ?? "";
        expect(placesOf(chinese), `${kind} ${code}`).toEqual(placesOf(english));
        expect(chinese).not.toBe(english);
      }
    }
  });

  it("fill their places, and stay English where only a newer engine knows them", () => {
    const said = { code: "direct-lossy", text: "", facts: { name: "nas", loss: 12 } };
    expect(wordsIn("zh-CN").judge("verdicts", said)).toBe("数据包直达 nas，但有 12% 丢失。");
    const newer = { code: "by-carrier-pigeon", text: "Packets fly to nas.", facts: {} };
    expect(wordsIn("zh-CN").judge("verdicts", newer)).toBe("Packets fly to nas.");
  });
});

describe("errors in words", () => {
  it("are told in every language, with the places of the error's own text", () => {
    for (const language of languages) {
      for (const code of codes) {
        expect(placesOf(errorTexts[language][code]), `${language} ${code}`).toEqual(
          placesOf(errorKinds[code].text),
        );
      }
    }
  });

  it("name no option of the command line, which a reader of the panel cannot give", () => {
    const told = codes.filter((code) => /--(force|ip|router|state)\b/.test(errorTexts.en[code]));
    // These are about the start of the engine, which only the command line does.
    expect(told.sort()).toEqual(["not-yours", "state-not-writable"]);
  });

  it("are filled with their data as it is, without thousands separators", () => {
    const error = new AppError("port-in-use", { port: 7743 });
    expect(wordsIn("en").explain(error)).toContain("Port 7743");
    expect(wordsIn("zh-CN").explain(error)).toContain("端口 7743");
  });

  it("leave no place open", () => {
    for (const language of languages) {
      for (const code of codes) expect(wordsIn(language).explain(sampleError(code))).not.toMatch(/[{}]/);
    }
  });
});

describe("lines of the engine", () => {
  it("are recognised for every reason of a path", () => {
    for (const code of reasonCode.options) {
      for (const own of [true, false]) {
        for (const direct of [0, 3]) {
          const said = sentence(code, { name: "nas", endpoint: "192.0.2.7:7743", via: "atlas", direct, own });
          expect(isKnownLine(said), said).toBe(true);
          expect(translateLine(said, "zh-CN"), said).toMatch(/\p{Script=Han}/u);
        }
      }
    }
  });

  it("are recognised for every error but a usage error, whose detail is free", () => {
    for (const code of codes.filter((each) => each !== "usage")) {
      const error = sampleError(code);
      expect(translateLine(error.message, "zh-CN")).toBe(wordsIn("zh-CN").explain(error));
    }
  });

  it("keep what stood in their places", () => {
    expect(translateLine("direct: nas answers at its local address 192.168.1.4:7743", "zh-CN")).toBe(
      "直连：nas 在其局域网地址 192.168.1.4:7743 应答",
    );
  });

  it("have the same places in each language", () => {
    for (const { said, en = said, zh } of engineLines) {
      expect(placesOf(zh)).toEqual(placesOf(said));
      expect(placesOf(en)).toEqual(placesOf(said));
    }
  });

  it("begin with a capital, but for names", () => {
    expect(translateLine("direct: nas answers at 192.0.2.7:7743", "en")).toMatch(/^Direct: nas/);
    expect(translateLine("nas did not answer", "en")).toBe("nas did not answer");
  });

  it("stay as they are where nobody knows them", () => {
    expect(translateLine("the moon is full", "zh-CN")).toBe("the moon is full");
    expect(isKnownLine("the moon is full")).toBe(false);
  });

  it("survive any text", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const language of languages) expect(typeof translateLine(text, language)).toBe("string");
      }),
    );
  });
});

describe("filling a text", () => {
  it("chooses the form by the count, as the language does", () => {
    expect(fill("{count} peer|{count} peers", { count: 1 }, "en")).toBe("1 peer");
    expect(fill("{count} peer|{count} peers", { count: 0 }, "en")).toBe("0 peers");
    expect(fill("{count} 个节点", { count: 1 }, "zh-CN")).toBe("1 个节点");
  });

  it("writes numbers as the language does and texts as they are", () => {
    expect(fill("{count} of {name}", { count: 12_345, name: "12345" }, "en")).toBe("12,345 of 12345");
  });

  it("puts a value in literally, whatever it looks like", () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        expect(fill("<{name}>", { name }, "en")).toBe(`<${name}>`);
      }),
    );
  });
});

describe("the language for a reader", () => {
  it("is the first that we have", () => {
    expect(preferredLanguage(["zh-Hans-CN", "en"])).toBe("zh-CN");
    expect(preferredLanguage(["de-AT", "zh-TW", "en"])).toBe("zh-CN");
    expect(preferredLanguage(["fr", "en-GB", "zh"])).toBe("en");
    expect(preferredLanguage([])).toBe("en");
  });
});
