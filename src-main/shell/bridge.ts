/** The channels between the page and the main process. */

/** The contract's frames, in both directions; null to the page: the engine's end has closed. */
export const frameChannel = "starmesh:frame";
