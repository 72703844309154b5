/** How a page logs in to the panel that served it, and where the contract's WebSocket is. */
import { z } from "zod";

/** The WebSocket that carries the contract's frames. */
export const apiPath = "/api";

/**
 * `POST` a `panelLogin` here for a cookie: 204, or 400, 401 (`panel-link-spent`) and 429 (`too-many-tries`) with a
 * `WireError`. `GET` says whether the page has a cookie that counts: 204, or 401 with `panel-unauthorized`.
 */
export const loginPath = "/login";

/** The body of a log-in: the token that the link carries as `#token=…`. */
export const panelLogin = z.object({ token: z.string().max(128) });
export type PanelLogin = z.infer<typeof panelLogin>;

/** The name of the token in the link's fragment. */
export const tokenParameter = "token";
