/** JSON from outside, before a schema looks at it. */

/** The value; undefined for anything that is no JSON text. */
export function parseJson(text: string | null): unknown {
  if (text === null) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
