/** Findings by how much they matter. */
import type { Finding } from "../../src-shared/finding.ts";

export function good(code: string, text: string): Finding {
  return { code, level: "good", text, advice: null };
}

export function note(code: string, text: string, advice: string): Finding {
  return { code, level: "note", text, advice };
}

export function bad(code: string, text: string, advice: string): Finding {
  return { code, level: "bad", text, advice };
}
