/** The words of the chosen language inside components. */
import { createContext, use } from "react";
import type { Words } from "./words.ts";
import { wordsIn } from "./words.ts";

export const WordsContext = createContext<Words>(wordsIn("en"));

export function useWords(): Words {
  return use(WordsContext);
}
