/** Who sends over IPC: only our own page in a window's main frame is heard. */
import type { WebContents, WebFrameMain } from "electron";
import { isOwnPage } from "./pages.ts";

/** What every event of IPC tells about its sender. */
interface Sent {
  readonly sender: WebContents;
  readonly senderFrame: WebFrameMain | null;
}

/** True for what our own page sent from the main frame of this window; never for a frame inside it. */
export function isFromOwnPage({ sender, senderFrame }: Sent, window: WebContents): boolean {
  return (
    sender === window && senderFrame !== null && senderFrame.parent === null && isOwnPage(senderFrame.url)
  );
}
