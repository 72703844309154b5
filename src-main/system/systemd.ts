/** Linux: the service as units of systemd. */
import { chownSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { helperProgram } from "./helper-program.ts";
import type { Service, ServiceProgram } from "./service.ts";
import { isEverybodys, layServiceFile, serviceRefusal } from "./service.ts";
import {
  engineService,
  helperService,
  helperSocket,
  helperSocketUnit,
  helperUnit,
  isStateDirectory,
  laid,
  rootUnit,
  serviceUser,
  userUnit,
} from "./systemd-units.ts";
import type { runTool } from "./tool.ts";

export interface SystemdOptions {
  /** Where the machine's own units lie: `/etc/systemd/system`. */
  readonly folder: string;
  /** Where packages lay theirs. */
  readonly packaged: readonly string[];
  /** Calls programs of the system. */
  readonly run: typeof runTool;
  /** The helper's program; null: there is none. */
  readonly helper?: string | null;
}

/**
 * The service: an engine that runs as its own user beside the helper, the one process with rights. Where another user cannot run
 * the program, or has no use of the folder, the engine runs as root with the rights that it needs.
 */
export function systemdService(options: SystemdOptions): Service {
  const { folder, run, helper = helperProgram() } = options;
  const file = join(folder, engineService);
  const control = (...words: readonly string[]) => demand(run("/usr/bin/systemctl", words));
  return {
    async state() {
      if (!existsSync(file)) return "absent";
      return (await run("/usr/bin/systemctl", ["is-active", "--quiet", engineService])) === null
        ? "running"
        : "stopped";
    },
    async install(program) {
      const ownUser = helper !== null && canBeOthers(program, helper);
      if (ownUser) {
        await demand(run("/usr/bin/systemd-sysusers", ["--inline", `u ${serviceUser} - "Starmesh"`]));
        layHelper(options, helper);
        // Then systemd gives it to the user with all that is in it, whoever wrote there meanwhile.
        if (existsSync(program.folder)) chownSync(program.folder, 0, 0);
        layServiceFile(file, userUnit(program));
      } else layServiceFile(file, rootUnit(program));
      await control("daemon-reload");
      await control("enable", "--quiet", engineService);
      await control("restart", engineService);
      return ownUser ? serviceUser : null;
    },
    async uninstall() {
      if (!existsSync(file)) return;
      await control("disable", "--quiet", "--now", engineService);
      rmSync(file, { force: true });
      const own = [helperSocket, helperService].filter((name) => isLaid(join(folder, name)));
      if (own.length > 0) await control("stop", "--quiet", ...own);
      for (const name of own) rmSync(join(folder, name), { force: true });
      await control("daemon-reload");
    },
  };
}

/** Units of the helper that a package brought are left as they are. */
function layHelper({ folder, packaged }: SystemdOptions, helper: string): void {
  const brought = [folder, ...packaged].some(
    (each) => existsSync(join(each, helperSocket)) && !isLaid(join(each, helperSocket)),
  );
  if (brought) return;
  layServiceFile(join(folder, helperSocket), helperSocketUnit());
  layServiceFile(join(folder, helperService), helperUnit(helper));
}

function isLaid(file: string): boolean {
  return existsSync(file) && readFileSync(file, "utf8").startsWith(`# ${laid}\n`);
}

/** Whether a user without rights can run all of it and keep the folder. */
function canBeOthers({ node, commandLine, folder }: ServiceProgram, helper: string): boolean {
  return isStateDirectory(folder) && [node, commandLine, helper].every(isEverybodys);
}

async function demand(done: Promise<string | null>): Promise<void> {
  const refused = await done;
  if (refused !== null) throw serviceRefusal(refused);
}
