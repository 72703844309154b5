/** What the reader chose: the language. Kept by the browser; the colour scheme is kept by the UI kit. */
import { createStore } from "zustand/vanilla";
import type { Language } from "./language.ts";
import { languages, preferredLanguage } from "./language.ts";

export type LanguageChoice = Language | "system";

interface Preferences {
  readonly language: LanguageChoice;
}

/** Stands here because the store below reads it while this file loads. */
const storageKey = "starmesh-language";

export const preferences = createStore<Preferences>(() => ({ language: storedLanguage() }));

export function chooseLanguage(language: LanguageChoice): void {
  preferences.setState({ language });
  try {
    if (language === "system") localStorage.removeItem(storageKey);
    else localStorage.setItem(storageKey, language);
  } catch {
    // A browser that keeps nothing forgets the choice with the page.
  }
}

/** The language that a choice comes to here. */
export function languageOf(choice: LanguageChoice): Language {
  return choice === "system" ? preferredLanguage(navigator.languages) : choice;
}

function storedLanguage(): LanguageChoice {
  try {
    const stored = localStorage.getItem(storageKey);
    return languages.find((language) => language === stored) ?? "system";
  } catch {
    return "system";
  }
}
