/** The route inside components. */
import { useSyncExternalStore } from "react";
import type { Route } from "./route.ts";
import { formatRoute, parseRoute } from "./route.ts";

export function useRoute(): Route {
  return parseRoute(useSyncExternalStore(subscribe, () => window.location.hash));
}

/** Goes to a page as if its link had been followed. */
export function go(route: Route): void {
  window.location.hash = formatRoute(route);
}

function subscribe(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
}
