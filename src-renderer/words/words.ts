/** The panel's texts in one language, with everything that writes numbers and errors. */
import type { AppError, ErrorData } from "../../src-shared/errors.ts";
import { fillText } from "../../src-shared/errors.ts";
import type { Key } from "./catalogue.ts";
import { en, zhCN } from "./catalogue.ts";
import { errorTexts } from "./errors.ts";
import type { Format } from "./format.ts";
import { createFormat } from "./format.ts";
import type { Language, Places, ValuesFor } from "./language.ts";
import { fill } from "./language.ts";
import { translateLine } from "./lines.ts";
import { verdictWords } from "./verdicts.ts";

/** Keys of texts that have no places. */
export type PlainKey = {
  [Name in Key]: ValuesFor<(typeof en)[Name]> extends readonly [] ? Name : never;
}[Key];

export interface Words {
  readonly language: Language;
  readonly format: Format;
  /** A text, its places filled. */
  readonly say: <Name extends Key>(key: Name, ...values: ValuesFor<(typeof en)[Name]>) => string;
  /** An error in one line. */
  readonly explain: (error: AppError) => string;
  /** A verdict, a remedy or a piece of evidence; what a newer engine alone knows is left in English. */
  readonly judge: (
    kind: "verdicts" | "remedies" | "evidence",
    said: { readonly code: string; readonly text: string; readonly facts: ErrorData },
  ) => string;
  /** A line that the engine wrote in English: translated where it is a known one, as it is otherwise. */
  readonly line: (english: string) => string;
}

/** Names of texts whose places differ between the languages; the compiler refuses the catalogues if there is one. */
type Differing = {
  [Name in Key]: [Places<(typeof en)[Name]>, Places<(typeof zhCN)[Name]>] extends [
    Places<(typeof zhCN)[Name]>,
    Places<(typeof en)[Name]>,
  ]
    ? never
    : Name;
}[Key];

type Agreeing<Catalogues> = [Differing] extends [never] ? Catalogues : Differing;

/** The texts by language. */
export const catalogues: Agreeing<Readonly<Record<Language, Readonly<Record<Key, string>>>>> = {
  en,
  "zh-CN": zhCN,
};

export function wordsIn(language: Language): Words {
  const catalogue = catalogues[language];
  return {
    language,
    format: createFormat(language),
    say: (key, ...[values]) => fill(catalogue[key], values ?? {}, language),
    judge: (kind, { code, text, facts }) =>
      fill((verdictWords[language][kind] as Readonly<Record<string, string>>)[code] ?? text, facts, language),
    line: (english) => translateLine(english, language),
    explain: (error) => fillText(errorTexts[language][error.code], error.data),
  };
}
