/** Lines that the engine writes in English, recognised by their shape and said in the reader's language. */
import { errorKinds, fillText, isErrorCode } from "../../src-shared/errors.ts";
import { engineLines } from "./engine-lines.ts";
import { errorTexts } from "./errors.ts";
import { findingLines } from "./finding-lines.ts";
import type { Language } from "./language.ts";

/** The line in a language, beginning with a capital unless a name stands there; as it is where nobody knows it. */
export function translateLine(english: string, language: Language): string {
  return recognise(english, language) ?? english;
}

/** Whether a line of the engine is known, and so is said in every language. */
export function isKnownLine(english: string): boolean {
  return recognise(english, "en") !== null;
}

function recognise(english: string, language: Language): string | null {
  for (const { pattern, texts } of knownLines) {
    const match = pattern.exec(english);
    if (match !== null) return fillText(capital(texts[language]), match.groups ?? {});
  }
  return null;
}

interface KnownLine {
  readonly pattern: RegExp;
  readonly texts: Readonly<Record<Language, string>>;
}

/** A text with `{places}` as an expression that finds what stands in them; the same place twice holds the same. */
function patternOf(text: string): RegExp {
  const seen = new Set<string>();
  const source = text.split(/(\{\w+\})/).map((part) => {
    if (!part.startsWith("{")) return part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const name = part.slice(1, -1);
    if (seen.has(name)) return `\\k<${name}>`;
    seen.add(name);
    return `(?<${name}>.+?)`;
  });
  return new RegExp(`^${source.join("")}$`, "u");
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** In order: of two that fit, the first is meant. A usage error is nothing but its detail, and would fit everything. */
const knownLines: readonly KnownLine[] = [
  ...[...engineLines, ...findingLines].map(({ said, en = said, zh }) => ({
    pattern: patternOf(said),
    texts: { en, "zh-CN": zh },
  })),
  ...Object.entries(errorKinds).flatMap(([code, { text }]) =>
    code === "usage" || !isErrorCode(code)
      ? []
      : [
          {
            pattern: patternOf(text),
            texts: { en: errorTexts.en[code], "zh-CN": errorTexts["zh-CN"][code] },
          },
        ],
  ),
];
