/** In place of src-main/run-daemon.ts when the command line is bundled for tests: a fake engine behind the real socket. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DaemonOptions } from "../../src-main/commands/context.ts";
import { prepareFolder, socketOf, sudoCaller } from "../../src-main/engine/folder.ts";
import { lockFolder } from "../../src-main/engine/lock.ts";
import type { LocalServer } from "../../src-main/server/local.ts";
import { startLocalServer } from "../../src-main/server/local.ts";
import { AppError, toWireError } from "../../src-shared/errors.ts";
import { createFakeEngine } from "../fakes/engine.ts";
import { keptInMemory } from "./pipes.ts";

/** As the real one; `STARMESH_FAKE` says what it plays: `empty`, `running`, `limited`, `fails`, `breaks`. */
export async function runDaemon(
  options: Omit<DaemonOptions, "onReady"> & { readonly onReady?: () => void },
): Promise<number> {
  const plays = process.env["STARMESH_FAKE"] ?? "empty";
  if (plays === "breaks") throw new Error("a bug");
  let server: LocalServer | null = null;
  try {
    if (plays === "fails") throw new AppError("port-in-use", { port: 7743 });
    const caller = sudoCaller({
      platform: process.platform,
      environment: process.env,
      home: "",
      uid: process.getuid?.() ?? null,
    });
    prepareFolder(options.state, caller);
    const lock = await lockFolder(options.state);
    const engine = createFakeEngine({
      start: plays === "running" ? "running" : "empty",
      limited: plays === "limited",
    });
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    server = await startLocalServer({
      handlers: {
        ...engine.handlers,
        "status.read": async () => {
          const status = await engine.handlers["status.read"]({});
          return { ...status, node: { ...status.node, pid: process.pid, panel: server?.panel ?? null } };
        },
        "panel.link": async () => server?.panelLink() ?? { url: "", expires: "" },
        "panel.revoke": async () => {
          server?.revokePanel();
          return {};
        },
        "engine.stop": async () => {
          setTimeout(end, 50);
          return {};
        },
      },
      socketPath: socketOf(options.state),
      socketOwner: caller,
      panel: options.panel ?? "127.0.0.1:0",
      pages: join(options.state, "pages"),
      kept: keptInMemory(),
      logs: join(options.state, "logs"),
      log: () => undefined,
    });
    if (options.router !== undefined) await engine.handlers["router.start"]({});
    writeFileSync(join(options.state, "options.json"), JSON.stringify(options));
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end);
    options.onReady?.();
    await ended;
    engine.stop();
    await server.close();
    lock.release();
    return 0;
  } catch (error) {
    await server?.close();
    process.stderr.write(`${toWireError(error).message}\n`);
    return 1;
  }
}
