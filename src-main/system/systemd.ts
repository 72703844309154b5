/** Linux: the service as a unit of systemd. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Service, ServiceProgram } from "./service.ts";
import { layServiceFile, serviceRefusal } from "./service.ts";
import type { runTool } from "./tool.ts";

/** The service whose unit lies in a folder, `/etc/systemd/system`; `run` calls programs of the system. */
export function systemdService(folder: string, run: typeof runTool): Service {
  const file = join(folder, unit);
  const control = async (...words: readonly string[]) => {
    const refused = await run("/usr/bin/systemctl", words);
    if (refused !== null) throw serviceRefusal(refused);
  };
  return {
    async state() {
      if (!existsSync(file)) return "absent";
      return (await run("/usr/bin/systemctl", ["is-active", "--quiet", unit])) === null
        ? "running"
        : "stopped";
    },
    async install(program) {
      layServiceFile(file, unitText(program));
      await control("daemon-reload");
      await control("enable", "--quiet", unit);
      await control("restart", unit);
    },
    async uninstall() {
      if (!existsSync(file)) return;
      await control("disable", "--quiet", "--now", unit);
      rmSync(file, { force: true });
      await control("daemon-reload");
    },
  };
}

/** What the unit says (systemd.service(5), systemd.exec(5)). */
export function unitText({ node, commandLine, folder }: ServiceProgram): string {
  const command = [node, commandLine, "--state", folder, "up", "--foreground"].map(quoted).join(" ");
  return `[Unit]
Description=Starmesh
Wants=network-online.target
After=network-online.target

[Service]
Type=exec
Environment=ELECTRON_RUN_AS_NODE=1
ExecStart=${command}
${limits.join("\n")}

[Install]
WantedBy=multi-user.target
`;
}

/** As one word of a command line: specifiers and variables stand for themselves. */
function quoted(word: string): string {
  const plain = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /^[\w./:%$@+-]+$/.test(plain) ? plain : `"${plain.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

const unit = "starmesh.service";

/** The same as in the unit that packages bring. */
const limits = [
  "Restart=on-failure",
  "RestartSec=2",
  "# It takes back what it changed in the system first.",
  "TimeoutStopSec=30",
  "KillMode=mixed",
  "LimitNOFILE=65536",
  "# What a node needs: an interface, routes, rules, names. Nothing else of root's.",
  "CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_NET_BIND_SERVICE CAP_SYS_ADMIN CAP_DAC_OVERRIDE CAP_CHOWN CAP_FOWNER",
  "DeviceAllow=/dev/net/tun rw",
  "DevicePolicy=closed",
  "NoNewPrivileges=yes",
  "UMask=0077",
  "PrivateTmp=yes",
  "ProtectSystem=yes",
  "ProtectControlGroups=yes",
  "ProtectKernelModules=yes",
  "ProtectClock=yes",
  "RestrictSUIDSGID=yes",
  "RestrictRealtime=yes",
  "LockPersonality=yes",
  "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
];
