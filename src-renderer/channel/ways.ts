/** The two ways from a page to an engine. */
import type { Bridge } from "../../src-shared/api/bridge.ts";
import type { Channel } from "../../src-shared/api/channel.ts";
import { apiPath } from "../../src-shared/api/panel.ts";
import type { AppError } from "../../src-shared/errors.ts";
import { bridgeChannel } from "./bridge.ts";
import { checkLogin, logIn } from "./login.ts";
import { openSocket } from "./socket.ts";

/** A channel, null where nobody answers now, or why this page may not talk to the engine. */
export type Opening = Channel | null | { readonly refused: AppError };

/** Opens a channel whenever it is asked. */
export type Way = () => Promise<Opening>;

/** Through the window. */
export function wayOverBridge(bridge: Bridge): Way {
  return async () => bridgeChannel(bridge);
}

/**
 * To the server that the page came from.
 * @param takeToken answers the token of a panel link, once
 */
export function wayOverSocket(location: Location, takeToken: () => string | null): Way {
  const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${apiPath}`;
  return async () => {
    const token = takeToken();
    const first = token === null ? await checkLogin() : await logIn(token);
    // A link that was spent by an earlier visit of this browser does no harm: its cookie still counts.
    const answer = token !== null && first !== "in" && (await checkLogin()) === "in" ? "in" : first;
    if (answer === "silent") return null;
    if (answer !== "in") return { refused: answer };
    return await openSocket(url);
  };
}
