/** Proxies of Debian on a host of the laboratory: what a company's network lets its people out by. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Child, Host } from "./host.ts";
import type { Lab } from "./lab.ts";
import { waitUntil } from "./wait.ts";

export interface ProxyServer {
  /** What a firewall lets pass that knows this way out alone. */
  readonly passes: readonly string[];
  /** As `HTTPS_PROXY` or `ALL_PROXY` say it, with name and password. */
  readonly url: string;
  /** Targets that somebody was let through to, as the proxy's own log has them. */
  targets(): readonly string[];
}

/** An HTTP proxy (tinyproxy) that lets CONNECT through to some ports, for those who know the password. */
export async function startHttpProxy(lab: Lab, host: Host, ports: readonly number[]): Promise<ProxyServer> {
  const port = 8888;
  const file = join(lab.folder, `${host.name}-tinyproxy.conf`);
  const lines = [
    `Port ${port}`,
    `Listen ${host.address}`,
    "Timeout 600",
    "LogLevel Connect",
    `BasicAuth ${user} ${password}`,
    ...ports.map((each) => `ConnectPort ${each}`),
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  const child = host.start("tinyproxy", ["-d", "-c", file]);
  await untilListening(host, port);
  const url = `http://${user}:${password}@${host.address}:${port}`;
  return { passes: passesTo(host, port), url, targets: () => matches(child, /CONNECT (\S+) HTTP/g) };
}

/** A SOCKS5 proxy (microsocks), for those who know the password. */
export async function startSocksProxy(host: Host): Promise<ProxyServer> {
  const port = 1080;
  const child = host.start("microsocks", [
    "-i",
    host.address,
    "-p",
    String(port),
    "-u",
    user,
    "-P",
    password,
  ]);
  await untilListening(host, port);
  const url = `socks5://${user}:${password}@${host.address}:${port}`;
  return { passes: passesTo(host, port), url, targets: () => matches(child, /connected to (\S+)/g) };
}

/** It says nothing itself. */
async function untilListening(host: Host, port: number): Promise<void> {
  await waitUntil(
    `${host.name} listens on ${port}`,
    () => host.runNow("ss", "-Hltn", `sport = :${port}`) !== "",
  );
}

function passesTo({ address }: Host, port: number): readonly string[] {
  return [`ip daddr ${address} tcp dport ${port}`, `ip saddr ${address} tcp sport ${port}`];
}

function matches(child: Child, pattern: RegExp): readonly string[] {
  return [...`${child.stdout}\n${child.stderr}`.matchAll(pattern)].map(([, target = ""]) => target);
}

const user = "anna";
const password = "three-words-long";
