/** Starts the pages: joins them to the engine, and shows them. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { z } from "zod";
import "./styles/kit.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/pages.css";
import { App } from "./app.tsx";
import { keepLinked } from "./channel/link.ts";
import { wayOverBridge, wayOverSocket } from "./channel/ways.ts";
import { tokenOf } from "./state/route.ts";
import { panel } from "./state/use-panel.ts";
import { listenToShell } from "./state/use-shell.ts";

// The pages may not build code out of text, which the schema library would do to be faster.
z.config({ jitless: true });

/** The token of the link that opened this page; it does not stay in the address, nor in the history. */
function takeToken(): string | null {
  const token = tokenOf(window.location.hash);
  if (token !== null) window.location.replace("#/");
  return token;
}

const { starmesh } = window;
listenToShell(starmesh?.shell);
const way = starmesh === undefined ? wayOverSocket(window.location, takeToken) : wayOverBridge(starmesh);
const link = keepLinked(way, panel.listener);
window.setInterval(panel.tick, 1000);
window.addEventListener("online", link.retry);
window.addEventListener("hashchange", () => {
  if (tokenOf(window.location.hash) === null) return;
  // A fresh panel link was pasted over the page: whoever is in already has no use for it.
  if (panel.store.getState().connection.kind === "open") takeToken();
  else link.retry();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && panel.store.getState().connection.kind !== "open") link.retry();
});

const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <App retry={link.retry} />
    </StrictMode>,
  );
}
