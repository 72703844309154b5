/** What the preload script sees of the page: what is dropped on it, and the background that it shows. */
import type { HandedFile } from "../../src-shared/api/bridge.ts";

export interface PageListener {
  /** A file, or a text as one, that the page itself had no use for. */
  onDrop(file: HandedFile): void;
  onBackground(background: "light" | "dark"): void;
}

/** Watches the page from its beginning to its end. */
export function watchPage({ onDrop, onBackground }: PageListener): void {
  addEventListener("dragover", (event) => {
    // Without this a drop never comes; and a text that is dragged onto a field belongs to the field.
    if (!event.defaultPrevented && isOurs(event)) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    if (event.defaultPrevented || !isOurs(event)) return;
    event.preventDefault();
    const files = [...(event.dataTransfer?.files ?? [])].filter(({ size }) => size <= longestFile);
    const text = event.dataTransfer?.getData("text/plain") ?? "";
    for (const file of files.slice(0, mostFiles)) {
      void file
        .arrayBuffer()
        .then((content) => onDrop({ name: file.name, content: new Uint8Array(content) }));
    }
    if (files.length === 0 && text !== "") {
      onDrop({ name: "text.txt", content: new TextEncoder().encode(text) });
    }
  });
  addEventListener("DOMContentLoaded", () => {
    const { documentElement } = document;
    const look = () => {
      const scheme = documentElement.dataset["mantineColorScheme"];
      if (scheme === "light" || scheme === "dark") onBackground(scheme);
    };
    new MutationObserver(look).observe(documentElement, { attributeFilter: [schemeAttribute] });
    look();
  });
}

function isOurs({ dataTransfer, target }: DragEvent): boolean {
  if (dataTransfer?.types.includes("Files")) return true;
  const isField = target instanceof HTMLElement && target.matches("input, textarea, [contenteditable]");
  return !isField;
}

/** The pages have a theme of their own, which need not be the system's; they say here which one shows. */
const schemeAttribute = "data-mantine-color-scheme";
const longestFile = 16 * 2 ** 20;
const mostFiles = 8;
