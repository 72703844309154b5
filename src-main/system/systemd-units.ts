/** What the units of the service say (systemd.service(5), systemd.socket(5), systemd.exec(5)). */
import { basename, dirname } from "node:path";
import type { ServiceProgram } from "./service.ts";

/** User and group of an engine that runs without rights; members of the group may use it, and ask the helper. */
export const serviceUser = "starmesh";

/** An engine as root, with the rights of root that a node needs and no others. */
export function rootUnit(program: ServiceProgram): string {
  return engineUnit(program, { after: "", settings: ["ProtectSystem=yes", ...rootLimits] });
}

/** An engine as its own user, which has the helper change the network. Its folder lies in `/var/lib`. */
export function userUnit(program: ServiceProgram): string {
  const settings = [
    `User=${serviceUser}`,
    `StateDirectory=${basename(program.folder)}`,
    "StateDirectoryMode=0710",
    "Environment=STARMESH_SOCKET_GROUP=yes",
    ...userLimits,
  ];
  return engineUnit(program, { after: ` ${helperSocket}`, settings });
}

/** Whether a folder is one that systemd can give to a user at each start. */
export function isStateDirectory(folder: string): boolean {
  return dirname(folder) === "/var/lib" && /^[\w.-]+$/.test(basename(folder));
}

/** Where the helper is asked. */
export function helperSocketUnit(): string {
  return `# ${laid}
[Unit]
Description=Starmesh's helper, asked for changes of this machine's network

[Socket]
ListenStream=/run/starmesh/helper.sock
SocketGroup=${serviceUser}
SocketMode=0660
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
`;
}

/** The one process with rights. */
export function helperUnit(helper: string): string {
  return `# ${laid}
[Unit]
Description=Starmesh's helper
Requires=${helperSocket}
After=${helperSocket}

[Service]
Type=exec
ExecStart=${quoted(helper)} listen --group ${serviceUser}
Restart=on-failure
RestartSec=1
${helperLimits.join("\n")}
`;
}

function engineUnit(
  { node, commandLine, folder }: ServiceProgram,
  { after, settings }: { readonly after: string; readonly settings: readonly string[] },
): string {
  const command = [node, commandLine, "--state", folder, "up", "--foreground"].map(quoted).join(" ");
  return `[Unit]
Description=Starmesh
Wants=network-online.target
After=network-online.target${after}
${after === "" ? "" : `Requires=${helperSocket}\n`}
[Service]
Type=exec
Environment=ELECTRON_RUN_AS_NODE=1
ExecStart=${command}
Restart=on-failure
RestartSec=2
# It takes back what it changed in the system first.
TimeoutStopSec=30
KillMode=mixed
LimitNOFILE=65536
${settings.join("\n")}

[Install]
WantedBy=multi-user.target
`;
}

/** As one word of a command line: specifiers and variables stand for themselves. */
function quoted(word: string): string {
  const plain = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /^[\w./:%$@+-]+$/.test(plain) ? plain : `"${plain.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** The units of an install, and the packages' own helper units, have these names. */
export const engineService = "starmesh.service";
export const helperSocket = "starmesh-helper.socket";
export const helperService = "starmesh-helper.service";
/** In the first line of units of the helper that packages did not bring. */
export const laid = "Laid by starmesh service install.";

/** Of every unit. */
const limits = [
  "NoNewPrivileges=yes",
  "UMask=0077",
  "PrivateTmp=yes",
  "ProtectProc=invisible",
  "ProtectKernelModules=yes",
  "ProtectKernelLogs=yes",
  "ProtectClock=yes",
  "ProtectHostname=yes",
  "RestrictNamespaces=yes",
  "RestrictSUIDSGID=yes",
  "RestrictRealtime=yes",
  "LockPersonality=yes",
  "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
  "SystemCallArchitectures=native",
  "SystemCallFilter=@system-service",
  "SystemCallErrorNumber=EPERM",
];

const userLimits = [
  "# A router may listen at ports below 1024; nothing else is root's.",
  "AmbientCapabilities=CAP_NET_BIND_SERVICE",
  "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
  "ProtectHome=read-only",
  "ProtectSystem=strict",
  "ProtectKernelTunables=yes",
  "ProtectControlGroups=yes",
  "PrivateDevices=yes",
  "RemoveIPC=yes",
  "SystemCallFilter=~@privileged",
  ...limits,
];

const rootLimits = [
  "# What a node needs: an interface, routes, rules, names; bpf(2) for programs that go past an exit. Nothing else of root's.",
  "CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_NET_BIND_SERVICE CAP_BPF CAP_DAC_OVERRIDE CAP_CHOWN CAP_FOWNER",
  "DeviceAllow=/dev/net/tun rw",
  "DevicePolicy=closed",
  ...limits,
  "SystemCallFilter=bpf",
];

const helperLimits = [
  "# Interfaces, routes and rules; port 53 for names; bpf(2) for programs that go past an exit. Nothing else of root's.",
  "CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_BIND_SERVICE CAP_BPF",
  "DeviceAllow=/dev/net/tun rw",
  "DevicePolicy=closed",
  "ProtectHome=read-only",
  "ProtectSystem=strict",
  "# Names are asked by /etc/resolv.conf, which others replace by a new file or a link.",
  "ReadWritePaths=/etc /run",
  "MemoryDenyWriteExecute=yes",
  ...limits,
  "SystemCallFilter=bpf",
];
