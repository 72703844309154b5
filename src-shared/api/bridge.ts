/** What the desktop app's window lays into its page: the way to the engine, and what only the window can do. */
import { z } from "zod";

/** `window.starmesh`, put there by the preload script; absent in a browser. */
export interface Bridge {
  /** Sends one of the contract's frames; the first one after the engine was gone connects anew. */
  send(frame: string): void;
  /** Names the one listener of frames; null says that the engine's end has closed. */
  onFrame(listener: (frame: string | null) => void): void;
  readonly shell?: Shell;
}

/** What the window offers beyond the contract. Nothing here rejects: what may go wrong is said in the answer. */
export interface Shell {
  read(): Promise<ShellStatus>;
  /** Names the one listener; it hears the status whenever it has changed. */
  onStatus(listener: (status: ShellStatus) => void): void;
  /** What is left out stays. */
  change(change: ShellChange): Promise<ShellStatus>;
  /** Asks whether there is a newer version; takes nothing in. */
  checkForUpdate(): Promise<ShellStatus>;
  /** Takes in the version that was found; with one that lies ready, asks, then restarts into it. */
  installUpdate(): Promise<ShellStatus>;
  /** Starts the engine where it was stopped; false where it did not start, and `read` says why. */
  startEngine(): Promise<boolean>;
  /** Shows a folder in the system's file browser. */
  openFolder(folder: ShellFolder): Promise<boolean>;
  /** Asks where to, and writes it there. */
  saveFile(file: SavedFile): Promise<"saved" | "cancelled" | "failed">;
  /**
   * Names the one listener of files that were opened with the app; it hears those that came before, too. Invites among
   * them never get here: the window opens the page that joins.
   */
  onFile(listener: (file: HandedFile) => void): void;
}

/** A version, and what is new in it: English, as its makers wrote it; null where nothing is told. */
const newVersion = { version: z.string(), notes: z.string().nullable() };

/** Where updates stand. */
export const updateState = z.discriminatedUnion("kind", [
  /** `source`: built without a place to ask; `system`: the system's package manager brings updates. */
  z.object({ kind: z.literal("none"), why: z.enum(["source", "system"]) }),
  /** As new as known; null: not asked yet. */
  z.object({ kind: z.literal("current"), checkedAt: z.iso.datetime().nullable() }),
  z.object({ kind: z.literal("checking") }),
  z.object({ kind: z.literal("found"), ...newVersion }),
  z.object({ kind: z.literal("loading"), ...newVersion, percent: z.number() }),
  /** Taken in, its signature checked; it runs after a restart. */
  z.object({ kind: z.literal("ready"), ...newVersion }),
  /** One English line. */
  z.object({ kind: z.literal("failed"), detail: z.string() }),
]);
export type UpdateState = z.infer<typeof updateState>;

/** The window's own settings and state. */
export const shellStatus = z.object({
  /** Of the app, of Electron and of Chromium inside it. */
  versions: z.object({ app: z.string(), electron: z.string(), chromium: z.string() }),
  /** Null: this copy cannot be started by the system, because it is not installed. */
  startAtLogin: z.boolean().nullable(),
  /** This copy stands among the desktop's programs, and our links open it. Null: the system sees to that. */
  listed: z.boolean().nullable(),
  notifications: z.boolean(),
  updates: z.object({ automatic: z.boolean(), state: updateState }),
  /** The app stays as an icon when its window is closed; false: this desktop shows none. */
  tray: z.boolean(),
  engine: z.object({
    running: z.boolean(),
    /** In this program: quitting ends it. */
    hosted: z.boolean(),
    /** Why it does not run, one English line; null while it runs, or where nobody knows. */
    why: z.string().nullable(),
  }),
  /** Reports of crashes that lie in their folder. They never leave this machine by themselves. */
  crashes: z.number(),
});
export type ShellStatus = z.infer<typeof shellStatus>;

/** What is left out stays. */
export const shellChange = z
  .object({
    startAtLogin: z.boolean(),
    listed: z.boolean(),
    notifications: z.boolean(),
    automaticUpdates: z.boolean(),
  })
  .partial();
export type ShellChange = z.infer<typeof shellChange>;

export const shellFolder = z.enum(["logs", "crashes"]);
export type ShellFolder = z.infer<typeof shellFolder>;

/** A file to be saved; its name is a proposal. */
export const savedFile = z.object({
  name: z.string().min(1).max(200),
  content: z.union([z.string(), z.instanceof(Uint8Array)]),
});
export type SavedFile = z.infer<typeof savedFile>;

/** A file that was opened with the app: a WireGuard profile, a picture with a QR code, a text. */
export interface HandedFile {
  readonly name: string;
  readonly content: Uint8Array;
}
