/** Where a JSON text stops being one: the parser of the language does not always say. */

/**
 * Offset of the first character that cannot stand where it does (of a broken string: its opening quote); the length of
 * a text that ends too early; null for whole JSON.
 */
export function jsonMistake(text: string): number | null {
  let at = 0;
  const eat = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const found = pattern.test(text);
    if (found) at = pattern.lastIndex;
    return found;
  };
  const list = (end: RegExp, item: () => boolean): boolean => {
    eat(space);
    if (eat(end)) return true;
    do {
      if (!item()) return false;
      eat(space);
    } while (eat(comma));
    return eat(end);
  };
  const value = (): boolean => {
    eat(space);
    if (eat(openBrace)) return list(closeBrace, member);
    if (eat(openBracket)) return list(closeBracket, value);
    return eat(string) || eat(number) || eat(word);
  };
  const member = (): boolean => {
    eat(space);
    if (!eat(string)) return false;
    eat(space);
    return eat(colon) && value();
  };
  const whole = value();
  if (whole) eat(space);
  return whole && at === text.length ? null : at;
}

const space = /[ \t\r\n]*/y;
const comma = /,/y;
const colon = /:/y;
const openBrace = /\{/y;
const closeBrace = /\}/y;
const openBracket = /\[/y;
const closeBracket = /\]/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON strings hold no control characters.
const string = /"(?:[^"\\\u0000-\u001f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const word = /true|false|null/y;
