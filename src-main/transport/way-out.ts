/** How this machine gets out: straight, or through a proxy; and what its TLS connections show of where they go. */
import type { Socket } from "node:net";
import { connect } from "node:net";
import { parseAddress } from "../../src-shared/address.ts";
import type { ProxyServer } from "../../src-shared/proxy.ts";
import { parseProxy } from "../../src-shared/proxy.ts";

/** What all connections over TLS have in common. */
export interface WayOut {
  /** The proxy through which a host is reached; null: straight. */
  proxyTo(host: string): ProxyServer | null;
  /** Named in the TLS handshake (SNI) instead of the host; null: the host, if it is a name. */
  readonly serverName: string | null;
  /** Path that requests ask for. */
  readonly path: string;
  /** Opens a TCP connection. */
  readonly connect: (target: Target) => Socket;
}

/** Where a TCP connection goes: a host name or an IP address. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** What somebody chose by hand; null or left out: nothing. */
export interface WayOutChoice {
  /** `direct`: no proxy, whatever the environment says. */
  readonly proxy?: ProxyServer | "direct" | null;
  readonly serverName?: string | null;
  readonly path?: string | null;
  /** How TCP connections are opened; left out: as usual. */
  readonly connect?: WayOut["connect"];
}

/** The way out by what was chosen by hand, else by the environment (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`). */
export function wayOut(choice: WayOutChoice = {}, environment: NodeJS.ProcessEnv = process.env): WayOut {
  const { proxy = null, serverName = null, path = null } = choice;
  return {
    proxyTo: (host) => {
      if (proxy === "direct" || isLoopback(host)) return null;
      return proxy ?? proxyOfEnvironment(host, environment);
    },
    serverName,
    path: path ?? usualPath,
    connect: choice.connect ?? ((target) => connect({ ...target, noDelay: true })),
  };
}

/** The proxy that the environment names for a host; null without, or when it excepts the host. */
export function proxyOfEnvironment(host: string, environment: NodeJS.ProcessEnv): ProxyServer | null {
  const read = (name: string) => environment[name.toLowerCase()] || environment[name] || "";
  const text = read("HTTPS_PROXY") || read("ALL_PROXY");
  if (text === "" || isExcepted(host, read("NO_PROXY"))) return null;
  return parseProxy(text);
}

/** `NO_PROXY`: hosts, domains (`.example.org`, `*.example.org`, `example.org`) and addresses, split by commas; `*` for all. */
function isExcepted(host: string, list: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, "");
  const entries = list.toLowerCase().split(/[\s,]+/);
  return entries.some((entry) => {
    if (entry === "*") return true;
    const domain = entry
      .replace(/:\d+$/, "")
      .replace(/^\*?\./, "")
      .replace(/^\[(.*)\]$/, "$1");
    return domain !== "" && (name === domain || (parseAddress(name) === null && name.endsWith(`.${domain}`)));
  });
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

const usualPath = "/";
