/** What the reader chose: language, keys, which peers are listed. Kept by the browser; the colour scheme is kept by the UI kit. */
import { createStore } from "zustand/vanilla";
import type { PeerSort, Presence } from "../state/peer-list.ts";
import { peerSorts, presences } from "../state/peer-list.ts";
import type { Language } from "./language.ts";
import { languages, preferredLanguage } from "./language.ts";

export type LanguageChoice = Language | "system";

interface Preferences {
  readonly language: LanguageChoice;
  /** Keys that do something without Ctrl or Alt: whoever speaks to the machine may hit them by accident. */
  readonly singleKeys: boolean;
  /** Whom lists of peers show, and in which order. */
  readonly presence: Presence;
  readonly peerSort: PeerSort;
}

/** They stand here because the store below reads them while this file loads. */
const languageKey = "starmesh-language";
const singleKeysKey = "starmesh-single-keys";
const presenceKey = "starmesh-presence";
const peerSortKey = "starmesh-peer-sort";

export const preferences = createStore<Preferences>(() => ({
  language: languages.find((language) => language === kept(languageKey)) ?? "system",
  singleKeys: kept(singleKeysKey) !== "off",
  presence: presences.find((presence) => presence === kept(presenceKey)) ?? "all",
  peerSort: peerSorts.find((sort) => sort === kept(peerSortKey)) ?? "latency",
}));

export function chooseLanguage(language: LanguageChoice): void {
  preferences.setState({ language });
  keep(languageKey, language === "system" ? null : language);
}

export function allowSingleKeys(singleKeys: boolean): void {
  preferences.setState({ singleKeys });
  keep(singleKeysKey, singleKeys ? null : "off");
}

export function choosePresence(presence: Presence): void {
  preferences.setState({ presence });
  keep(presenceKey, presence === "all" ? null : presence);
}

export function choosePeerSort(peerSort: PeerSort): void {
  preferences.setState({ peerSort });
  keep(peerSortKey, peerSort === "latency" ? null : peerSort);
}

/** The language that a choice comes to here. */
export function languageOf(choice: LanguageChoice): Language {
  return choice === "system" ? preferredLanguage(navigator.languages) : choice;
}

function kept(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function keep(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // A browser that keeps nothing forgets the choice with the page.
  }
}
