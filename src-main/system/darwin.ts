/** macOS: interfaces, addresses and routes by its own tools, names by files of `/etc/resolver`. */
import { execFileSync, spawn } from "node:child_process";
import { getServers } from "node:dns";
import { hostname } from "node:os";
import koffi from "koffi";
import { canOpenTun, openTun } from "../../drivers/tun/tun.ts";
import { formatAddress, formatPrefix } from "../../src-shared/address.ts";
import { AppError } from "../../src-shared/errors.ts";
import { removeRule, setRule } from "./darwin-names.ts";
import { readInterfaces, readRoutes } from "./darwin-text.ts";
import { throughHelper } from "./helper.ts";
import { noGateway } from "./no-gateway.ts";
import { ownRights } from "./rights.ts";
import type {
  AddressChange,
  Interface,
  LinkChange,
  Route,
  RouteChange,
  System,
  SystemChanges,
  Watch,
} from "./system.ts";
import { runTool } from "./tool.ts";

/**
 * This machine, changed by this process where it runs as root, else by a helper. What it cannot do here yet (a gateway, a way out
 * through a member) is refused with `system-refused`.
 */
export function darwinSystem(): System {
  const changes = canOpenTun().ok ? directChanges() : throughHelper(canOpenTun);
  return Object.assign(changes, noGateway("macOS"), {
    admission: null,
    hostName: () => hostname().split(".")[0] || "node",
    lifetime: () => said("/usr/sbin/sysctl", ["-n", "kern.bootsessionuuid"]).trim(),
    interfaces: interfacesNow,
    routes: routesNow,
    dnsWay: async () => "domains" as const,
    dnsServers: () => getServers(),
    // Nobody else writes our files.
    watchDns: () => ({ close: () => undefined }),
    watch: watchRoutes,
  });
}

function directChanges(): Omit<SystemChanges, keyof ReturnType<typeof noGateway>> {
  return {
    rights: ownRights(canOpenTun),
    openTun,
    marker: () => null,
    listenNames: async () => null,
    setLink,
    // The interface goes with the process that made it.
    removeLink: async () => undefined,
    addAddress: (change) => changeAddress("alias", change),
    removeAddress: async (change) => {
      if (isThere(change.device)) await changeAddress("-alias", change);
    },
    addRoute: (change) => changeRoute("add", change),
    removeRoute: async (change) => {
      if (hasRoute(change)) await changeRoute("delete", change);
    },
    setDns: async (change) => {
      if (change.way !== "domains") throw new TypeError(`no way of macOS: ${change.way}`);
      setRule(change);
    },
    removeDns: async (change) => {
      if (change.way === "domains") removeRule(change.name);
    },
  };
}

function interfacesNow(): readonly Interface[] {
  return readInterfaces(said(ifconfig, ["-a"])).map((each) => ({ ...each, index: indexOf(each.name) }));
}

function routesNow(): readonly Route[] {
  const families = [
    [4, "inet"],
    [6, "inet6"],
  ] as const;
  return families.flatMap(([family, name]) =>
    readRoutes(said("/usr/sbin/netstat", ["-rn", "-f", name]), family).map((line) => ({
      prefix: line.prefix,
      interface: line.interface,
      gateway: line.gateway,
      metric: 0,
      // macOS keeps no better sign of who set a route: by a program, into a tunnel.
      own: line.isStatic && line.gateway === null && line.interface.startsWith("utun"),
    })),
  );
}

async function setLink({ device, mtu, up }: LinkChange): Promise<void> {
  const wanted = [...(mtu === undefined ? [] : ["mtu", String(mtu)]), ...(up === true ? ["up"] : [])];
  if (wanted.length > 0) await demand(`set up the interface ${device}`, ifconfig, [device, ...wanted]);
}

async function changeAddress(verb: "alias" | "-alias", change: AddressChange): Promise<void> {
  const { device, address } = change;
  const text = formatAddress(address);
  const ends =
    address.family === 4
      ? ["inet", text, ...(verb === "alias" ? [text, "netmask", "255.255.255.255"] : [])]
      : ["inet6", text, ...(verb === "alias" ? ["prefixlen", "128"] : [])];
  const action =
    verb === "alias" ? `give ${device} the address ${text}` : `take the address ${text} from ${device}`;
  await demand(action, ifconfig, [device, ...ends, verb]);
}

async function changeRoute(verb: "add" | "delete", { device, prefix }: RouteChange): Promise<void> {
  const text = formatPrefix(prefix);
  const family = prefix.family === 4 ? "-inet" : "-inet6";
  const action = verb === "add" ? `route ${text} into ${device}` : `remove the route ${text} from ${device}`;
  await demand(action, route, ["-n", verb, family, text, "-interface", device]);
}

function hasRoute({ device, prefix }: RouteChange): boolean {
  const text = formatPrefix(prefix);
  return routesNow().some(
    (each) => each.own && each.interface === device && formatPrefix(each.prefix) === text,
  );
}

function isThere(device: string): boolean {
  return interfacesNow().some(({ name }) => name === device);
}

/** The system's own tool tells of each change; where it ends, it is started anew. */
function watchRoutes(onChange: () => void): Watch {
  const tool = spawn(route, ["-n", "monitor"], { stdio: ["ignore", "pipe", "ignore"] });
  let open = true;
  let next: Watch | null = null;
  tool.stdout.on("data", onChange);
  tool.on("error", () => undefined);
  tool.on("close", () => {
    if (!open) return;
    const timer = setTimeout(() => {
      next = watchRoutes(onChange);
    }, againMillis);
    next = { close: () => clearTimeout(timer) };
  });
  return {
    close: () => {
      open = false;
      tool.kill();
      next?.close();
    },
  };
}

async function demand(action: string, path: string, args: readonly string[]): Promise<void> {
  const refusal = await runTool(path, args);
  if (refusal === null) return;
  if (/permission|not permitted|must be root/i.test(refusal)) throw new AppError("no-privilege");
  throw new AppError("system-refused", { action, detail: refusal });
}

function said(path: string, args: readonly string[]): string {
  return execFileSync(path, [...args], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}

function indexOf(name: string): number {
  toIndex ??= koffi.load(null).func("uint32_t if_nametoindex(const char *name)");
  return Number(toIndex(name));
}

let toIndex: ((name: string) => unknown) | null = null;
const ifconfig = "/sbin/ifconfig";
const route = "/sbin/route";
const againMillis = 1000;
