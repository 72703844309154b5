/** Engines without rights: a helper that runs as root on the same host does what needs them. */
import { chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./bundle.mjs";
import type { Child, Host } from "./host.ts";
import { Install } from "./install.ts";
import type { Lab } from "./lab.ts";
import { waitUntil } from "./wait.ts";

/** An install that runs as an ordinary user, beside a helper. */
export class Unprivileged extends Install {
  /** Where its helper's socket and records lie. */
  readonly #place: string;
  #helper: Child | null = null;

  constructor(lab: Lab, host: Host, name = host.name) {
    super(lab, host, name);
    this.#place = lab.folder;
  }

  get environment(): Readonly<Record<string, string>> {
    return { STARMESH_HELPER_SOCKET: join(this.#place, `helper-${this.name}.sock`), HOME: this.folder };
  }

  /** `groups`: with the machine's control groups in sight, which a namespace hides. */
  async startHelper({ groups = false } = {}): Promise<void> {
    const options = ["--socket", this.environment["STARMESH_HELPER_SOCKET"] ?? "", "--user", String(user)];
    const records = join(this.#place, `records-${this.name}`);
    const program = join(root, "drivers/helper/starmesh-helper");
    const command = [program, "listen", ...options, "--folder", records];
    this.#helper = groups
      ? this.host.start("unshare", [
          "--mount",
          "sh",
          "-c",
          `${showGroups} && exec "$@"`,
          "helper",
          ...command,
        ])
      : this.host.start(program, command.slice(1));
    await waitUntil("the helper listens", () =>
      this.host.runNow("ss", "-xl").includes(`helper-${this.name}.sock`),
    );
  }

  async killHelper(): Promise<void> {
    await this.#helper?.stop("SIGKILL");
  }

  async startAsUser(number = user, env = this.environment): Promise<void> {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    chownSync(this.folder, number, number);
    await this.start(["up", "--foreground", "--panel", "off"], { user: number, env });
  }
}

const showGroups = "mount -t cgroup2 groups /sys/fs/cgroup";
const user = 65_534;
