/** Entry of the desktop app: the window on this user's engine, which runs here unless another process runs it. */
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { AppError } from "../src-shared/errors.ts";
import { compose } from "./compose.ts";
import { ownFolder, socketOf, systemFolder } from "./engine/folder.ts";
import { attach, connectLocal } from "./server/attach.ts";
import type { EngineAccess, HostedEngine } from "./shell/engine.ts";
import { runShell } from "./shell/shell.ts";

const bundles = fileURLToPath(new URL(".", import.meta.url));
const icons = join(bundles, "..", "resources", "icons");
const pages = join(bundles, "renderer");

const { values } = parseArgs({
  args: process.argv.slice(1),
  options: { state: { type: "string" } },
  strict: false,
});
const { state } = values;
const folder = typeof state === "string" ? state : await usualFolder();

const engine: EngineAccess = {
  async connect() {
    const channel = await connectLocal(socketOf(folder));
    if (channel === null) throw new AppError("not-running");
    return channel;
  },
  host: () => host(),
};

runShell(engine, {
  pages,
  preload: join(bundles, "preload.cjs"),
  windowIcon: join(icons, "starmesh.png"),
  trayIcons: join(icons, "tray"),
  logs: join(folder, "logs"),
  // Windows of several states run beside one another.
  own: typeof state === "string" ? join(state, "window") : null,
});

/** Like the command line: the system's engine if one runs that this user may use, else the user's own folder. */
async function usualFolder(): Promise<string> {
  const { platform, env: environment } = process;
  const machine = { platform, environment, home: homedir(), uid: process.getuid?.() ?? null };
  const system = systemFolder(machine);
  const running = await attach(socketOf(system)).catch(() => null);
  running?.client.close();
  return running === null ? ownFolder(machine) : system;
}

async function host(): Promise<HostedEngine | null> {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  try {
    const running = await compose({ folder, pages, socketOwner: null, onStop: () => end() });
    // `starmesh stop` ends the engine; the window stays.
    const closed = ended.then(() => running.close());
    return {
      ended: closed,
      stop: () => {
        end();
        return closed;
      },
    };
  } catch (error) {
    if (error instanceof AppError && error.code === "already-running") return null;
    throw error;
  }
}
