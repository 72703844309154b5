/** Texts with places, and the types that make a forgotten translation or value a compile error. */

/** The languages of the panel, as BCP 47 tags. */
export const languages = ["en", "zh-CN"] as const;
export type Language = (typeof languages)[number];

/** Names of the `{places}` in a text. */
export type Places<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Places<Rest>
  : never;

/** Values for a text's places; nothing to give where it has none. */
export type ValuesFor<Text extends string> = [Places<Text>] extends [never]
  ? readonly []
  : readonly [values: { readonly [Name in Places<Text>]: string | number }];

/** What a translation has to hold: a text under each of the same names. */
export type SameTexts<Texts> = Readonly<Record<keyof Texts, string>>;

/** The language that suits a reader best, from a list of BCP 47 tags in order of preference. */
export function preferredLanguage(tags: readonly string[]): Language {
  for (const tag of tags) {
    const primary = tag.toLowerCase().split("-")[0];
    if (primary === "zh") return "zh-CN";
    if (primary === "en") return "en";
  }
  return "en";
}

/**
 * A text with its places filled. Where it has several forms (`one|other`), the value named `count` chooses, by the
 * plural rules of the language; numbers are written as the language writes them.
 */
export function fill(
  text: string,
  values: Readonly<Record<string, string | number>>,
  language: Language,
): string {
  const forms = text.split("|");
  const count = Number(values["count"] ?? 0);
  const singular = forms.length > 1 && new Intl.PluralRules(language).select(count) === "one";
  const form = (singular ? forms[0] : forms.at(-1)) ?? text;
  return form.replace(/\{(\w+)\}/g, (place, name: string) => {
    const value = values[name];
    if (value === undefined) return place;
    return typeof value === "number" ? new Intl.NumberFormat(language).format(value) : value;
  });
}

/** Names of a text's places, sorted and once each; translations must have the same. */
export function placesOf(text: string): readonly string[] {
  return [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? ""))].sort();
}
