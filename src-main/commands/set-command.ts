/** `starmesh set`: which interface and port this machine uses, and what it asks of the network round it. */
import type { Command } from "commander";
import { AppError } from "../../src-shared/errors.ts";
import { parseProxy, showProxy } from "../../src-shared/proxy.ts";
import type { SettingsChange, SettingsStatus } from "../../src-shared/settings.ts";
import { settingsChange } from "../../src-shared/settings.ts";
import { transports } from "../../src-shared/status.ts";
import type { Context, ReadOptions } from "./context.ts";
import { withStartedEngine } from "./engine.ts";

/** Options of `set`; those of `PlaceOptions` are `up`'s too. */
interface SetOptions extends ReadOptions, PlaceOptions {
  readonly mtu?: string;
  readonly declare?: readonly string[];
  readonly stun?: readonly string[];
  readonly portMapping?: string;
  readonly lanDiscovery?: string;
  readonly transport?: string;
  readonly proxy?: string;
  readonly tlsName?: string;
  readonly tlsPath?: string;
  readonly inbound?: string;
  readonly dns?: string;
  readonly hostFirewall?: string;
}

/** Which interface and port. */
export interface PlaceOptions {
  readonly bind?: string;
  readonly port?: string;
}

export function addSetCommand(program: Command, context: Context): void {
  const { terminal } = context;
  withPlaceOptions(
    program.command("set").description("show or change how this machine is reached; kept over restarts"),
  )
    .option(
      "--declare <HOST[:PORT]>",
      "others reach it there (a forwarded port); may be repeated, “none” ends it",
      collect,
    )
    .option(
      "--stun <stun:HOST:PORT>",
      "ask this server for the outer address, too; may be repeated, or “none”",
      collect,
    )
    .option(
      "--port-mapping <on|off>",
      "ask the gateway to let the port in, by PCP, NAT-PMP or UPnP (default on)",
    )
    .option("--lan-discovery <on|off>", "look for neighbours on the LAN (default on)")
    .option(
      "--transport <NAME|auto>",
      `send by this transport and no other: ${transports.join(", ")} (auto: what serves best)`,
    )
    .option(
      "--proxy <URL|direct|auto>",
      "reach routers through this proxy, http://… or socks5://… (auto: as HTTPS_PROXY and ALL_PROXY say)",
    )
    .option("--tls-name <HOST|auto>", "name this host in TLS handshakes (auto: the router's)")
    .option("--tls-path </PATH|auto>", "ask routers for this path (auto: what they tell)")
    .option("--dns <on|off>", "let this machine's programs know the networks' names (default on)")
    .option(
      "--inbound <on|off>",
      "let other members reach this machine and what it routes (default on); off: only answers come in",
    )
    .option(
      "--host-firewall <on|off>",
      "add to rules of Docker, ufw and others that would drop what this machine routes (default on)",
    )
    .option("--mtu <BYTES|auto>", "largest IP packet of the networks, 1280 to 1400 (auto: 1400)")
    .option("--json", "as JSON")
    .addHelpText("after", explanation)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<SetOptions>();
      const change = settingsOf(options);
      const found = await withStartedEngine(context, options, (client) =>
        Object.keys(change).length === 0
          ? client.call("settings.read", {})
          : client.call("settings.change", change),
      );
      if (options.json) terminal.json(found);
      else printSettings(context, found);
    });
}

/** The options that choose interface and port. */
export function withPlaceOptions(command: Command): Command {
  return command
    .option(
      "--bind <NAME|IP|all>",
      "use only this interface, or this address of the machine (“starmesh set” lists them)",
    )
    .option("--port <NUMBER|auto>", "use this UDP port and no other, for firewalls that open just one");
}

/** What the options ask to change. Throws `usage`. */
export function settingsOf(options: SetOptions): SettingsChange {
  const { bind, port, mtu, declare, stun, portMapping, lanDiscovery } = options;
  const { transport, proxy, tlsName, tlsPath, dns, inbound, hostFirewall } = options;
  const wish = {
    ...(bind === undefined ? {} : { bind: bind === "all" ? null : bind }),
    ...(port === undefined ? {} : { port: numberOr(port, "--port") }),
    ...(mtu === undefined ? {} : { mtu: numberOr(mtu, "--mtu") }),
    ...(declare === undefined ? {} : { declared: listOr(declare) }),
    ...(stun === undefined ? {} : { stunServers: listOr(stun) }),
    ...(portMapping === undefined ? {} : { portMapping: isOn(portMapping, "--port-mapping") }),
    ...(lanDiscovery === undefined ? {} : { lanDiscovery: isOn(lanDiscovery, "--lan-discovery") }),
    ...(transport === undefined ? {} : { transport: textOr(transport) }),
    ...(proxy === undefined ? {} : { proxy: textOr(proxy) }),
    ...(tlsName === undefined ? {} : { tlsName: textOr(tlsName) }),
    ...(tlsPath === undefined ? {} : { tlsPath: textOr(tlsPath) }),
    ...(inbound === undefined ? {} : { inbound: isOn(inbound, "--inbound") }),
    ...(dns === undefined ? {} : { dns: isOn(dns, "--dns") }),
    ...(hostFirewall === undefined ? {} : { hostFirewall: isOn(hostFirewall, "--host-firewall") }),
  };
  const parsed = settingsChange.safeParse(wish);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const option = optionNames[String(issue?.path[0])] ?? "set";
  throw new AppError("usage", { detail: `${option}: ${issue?.message ?? "not understood"}.` });
}

function printSettings({ terminal }: Context, { settings, port, interfaces }: SettingsStatus): void {
  const lines: readonly (readonly [string, string])[] = [
    ["Interface", settings.bind ?? "all"],
    ["UDP port", settings.port === null ? `${port ?? "none"} (auto)` : String(settings.port)],
    ["MTU", settings.mtu === null ? "1400 (auto)" : String(settings.mtu)],
    ["Declared addresses", settings.declared.join(", ") || "none"],
    ["STUN servers", ["the routers", ...settings.stunServers].join(", ")],
    ["Port mapping", settings.portMapping ? "on" : "off"],
    ["LAN discovery", settings.lanDiscovery ? "on" : "off"],
    ["Transport", settings.transport === null ? "what serves best (auto)" : `${settings.transport} only`],
    ["Proxy", shownProxy(settings.proxy)],
    ["Name in TLS", settings.tlsName ?? "the router's (auto)"],
    ["Inbound", settings.inbound ? "as the networks' policies say" : "refused: only answers come in"],
    ["Names", settings.dns ? "known to all programs" : "off: look-ups are left alone"],
    ["Host firewall", settings.hostFirewall ? "opened for what is routed here" : "left alone"],
    ["Path in TLS", settings.tlsPath ?? "as routers tell (auto)"],
  ];
  for (const [name, value] of lines) terminal.print(`${name.padEnd(19)} ${value}`);
  terminal.print("");
  terminal.table(
    ["INTERFACE", "ADDRESSES"],
    interfaces.map(({ name, addresses }) => [name, addresses.join(", ")]),
  );
}

function numberOr(text: string, option: string): number | null {
  if (text === "auto") return null;
  if (!/^\d{1,6}$/.test(text)) throw new AppError("usage", { detail: `${option}: write a number, or auto.` });
  return Number(text);
}

/** Null for `auto`. */
function textOr(text: string): string | null {
  return text === "auto" ? null : text;
}

/** Without its password. */
function shownProxy(text: string | null): string {
  const proxy = text === null || text === "direct" ? null : parseProxy(text);
  if (proxy !== null) return showProxy(proxy);
  return text === "direct" ? "none" : "as the environment says (auto)";
}

function listOr(texts: readonly string[]): string[] {
  return texts.filter((text) => text !== "none");
}

function isOn(text: string, option: string): boolean {
  if (text !== "on" && text !== "off") throw new AppError("usage", { detail: `${option}: write on or off.` });
  return text === "on";
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

const optionNames: Readonly<Record<string, string>> = {
  bind: "--bind",
  port: "--port",
  mtu: "--mtu",
  declared: "--declare",
  stunServers: "--stun",
  transport: "--transport",
  proxy: "--proxy",
  tlsName: "--tls-name",
  tlsPath: "--tls-path",
};

const explanation = `
Without options it shows what is set, and the interfaces of this machine.

Examples:
  starmesh set --bind eth0                  only this interface; --bind 192.168.1.5 by its address, --bind all for every one
  starmesh set --port 7743                  a fixed UDP port for a strict firewall
  starmesh set --declare vpn.example.org    others reach this machine there: its router forwards the port to it
  starmesh set --stun stun:stun.example.org:3478
  starmesh set --transport tls              nothing but TLS leaves this machine, as if it visited web sites
  starmesh set --proxy http://proxy.example.org:3128
`;
