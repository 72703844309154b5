/** The page's address: which page is shown stands behind the `#`, so that links, Back and the window work alike. */

export type Route =
  | { readonly page: "home" }
  | { readonly page: "networks" }
  | { readonly page: "create" }
  | { readonly page: "join"; readonly invite: string }
  | { readonly page: NetworkPart; readonly network: string }
  | { readonly page: "peer"; readonly network: string; readonly peer: string }
  | { readonly page: "latency" }
  | { readonly page: "graph" }
  | { readonly page: "router" }
  | { readonly page: "diagnostics" }
  | { readonly page: "settings" };

/** The pages of one network, the first being the one that its name leads to. */
export const networkParts = ["network", "routes", "clients", "names", "rules"] as const;
export type NetworkPart = (typeof networkParts)[number];

/** The route of a location's hash; whatever is not understood leads home. */
export function parseRoute(hash: string): Route {
  const [page = "", ...rest] = hash
    .replace(/^#?\/?/, "")
    .split("/")
    .map(decode);
  const [first, second, third] = rest;
  switch (page) {
    case "networks":
      if (first === undefined || first === "") return { page };
      if (second === "peers" && third !== undefined) return { page: "peer", network: first, peer: third };
      return { page: networkParts.find((part) => part === second) ?? "network", network: first };
    case "join":
      return { page, invite: rest.join("/") };
    case "create":
    case "latency":
    case "graph":
    case "router":
    case "diagnostics":
    case "settings":
      return { page };
    default:
      return { page: "home" };
  }
}

/** The hash of a route, for links. */
export function formatRoute(route: Route): string {
  switch (route.page) {
    case "home":
      return "#/";
    case "network":
      return `#/networks/${encodeURIComponent(route.network)}`;
    case "routes":
    case "clients":
    case "names":
    case "rules":
      return `#/networks/${encodeURIComponent(route.network)}/${route.page}`;
    case "peer":
      return `#/networks/${encodeURIComponent(route.network)}/peers/${encodeURIComponent(route.peer)}`;
    case "join":
      return route.invite === "" ? "#/join" : `#/join/${encodeURIComponent(route.invite)}`;
    case "networks":
    case "create":
    case "latency":
    case "graph":
    case "router":
    case "diagnostics":
    case "settings":
      return `#/${route.page}`;
  }
}

/** The one-time token of a panel link (`#token=…`); null without one. */
export function tokenOf(hash: string): string | null {
  return /^#token=([\w-]{8,256})$/.exec(hash)?.[1] ?? null;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
