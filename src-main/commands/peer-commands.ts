/** Commands about what is reachable and how: status, peers, ping, netcheck. */
import type { Command } from "commander";
import type { Netcheck, PeerStatus, Status } from "../../src-shared/status.ts";
import { parseCount } from "./arguments.ts";
import type { CommonOptions, Context, ReadOptions } from "./context.ts";
import { nextCommand } from "./context.ts";
import { withEngine } from "./engine.ts";
import {
  formatAge,
  formatBytes,
  formatCount,
  formatDuration,
  formatLatency,
  formatLoss,
  formatPath,
  stateCell,
} from "./format.ts";
import { addPathCommand } from "./path-command.ts";
import { ping } from "./ping.ts";
import { planeLines, transportLine } from "./router-lines.ts";

interface PingOptions extends CommonOptions {
  readonly network?: string;
  readonly count?: string;
}

export function addPeerCommands(program: Command, context: Context): void {
  const { terminal } = context;

  program
    .command("status")
    .description("show this machine, its networks and its role as router")
    .option("--json", "as JSON, with all peers")
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ReadOptions>();
      const status = await withEngine(context, options, (client) => client.call("status.read", {}));
      if (options.json) terminal.json(status);
      else printStatus(context, options, status);
    });

  program
    .command("peers")
    .description("list the other members and how they are reached")
    .option("--json", "as JSON")
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ReadOptions>();
      const { peers, networks } = await withEngine(context, options, (client) =>
        client.call("status.read", {}),
      );
      if (options.json) return terminal.json(peers);
      if (peers.length > 0) return printPeers(context, peers);
      terminal.print("No other members yet.");
      terminal.note(`Invite some: ${nextCommand(options, `invite ${networks[0]?.name ?? "NETWORK"}`)}`);
    });

  addPathCommand(program, context);

  program
    .command("ping")
    .argument("<PEER>", "its name, address or the beginning of its key")
    .description("measure the way to a peer, inside its session, until Ctrl-C")
    .option("-c, --count <N>", "end after so many")
    .option("--network <NETWORK>", "where several networks have such a peer")
    .action(async (peer: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<PingOptions>();
      const count = options.count === undefined ? 0 : parseCount(options.count);
      const network = options.network === undefined ? {} : { network: options.network };
      await withEngine(context, options, (client) => ping(context, client, { peer, count, ...network }));
    });

  program
    .command("netcheck")
    .description("check what this machine's connection allows")
    .option("--json", "as JSON")
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ReadOptions>();
      const found = await withEngine(context, options, (client) => {
        terminal.progress("Checking");
        return client.call("netcheck.run", {});
      });
      if (options.json) terminal.json(found);
      else printNetcheck(context, found);
    });
}

function printStatus(context: Context, options: CommonOptions, status: Status): void {
  const { terminal } = context;
  const { node, networks, peers, router } = status;
  const running =
    node.startedAt === null ? "" : `, running for ${formatDuration(Date.now() - Date.parse(node.startedAt))}`;
  terminal.print(`${node.name}  Starmesh ${node.version}${running} (process ${node.pid})`);
  if (node.limited !== null) terminal.print(terminal.paint(node.limited, "yellow"));
  const seen = node.reflexive === null ? "" : `, seen from outside as ${node.reflexive}`;
  if (node.port !== null) terminal.print(`UDP port  ${node.port}${seen}`);
  if (node.panel !== null)
    terminal.print(`Panel     ${node.panel} (log in with: ${nextCommand(options, "panel")})`);
  if (router.on) printRouter(context, router);
  terminal.print("");
  if (networks.length === 0) {
    terminal.print(`In no network yet. Make one: ${nextCommand(options, "network create NAME")}`);
    terminal.print(`               or join one: ${nextCommand(options, "join INVITE")}`);
    return;
  }
  terminal.table(
    ["NETWORK", "ADDRESS", "STATE", "MEMBERS", "INTERFACE", "ROUTER", "DETAIL"],
    networks.map((network) => [
      network.name,
      network.address ?? "",
      stateCell(network.state),
      String(network.members),
      network.interface ?? "",
      network.rendezvous[0] ?? "",
      network.detail ?? "",
    ]),
  );
  terminal.print("");
  terminal.print(`${countStates(peers)}. See: ${nextCommand(options, "peers")}`);
  const refused = Object.entries(status.refused).filter(([, count]) => count > 0);
  if (refused.length > 0) {
    terminal.print(`Refused input: ${refused.map(([cause, count]) => `${cause} ${count}`).join(", ")}`);
  }
}

function printRouter({ terminal }: Context, router: Status["router"]): void {
  const relayed = router.relayedBytes > 0 ? `; relayed ${formatBytes(router.relayedBytes)}` : "";
  const hosted = router.networks.map(
    ({ name, members, online }) => `${name} (${formatCount(members, "member")}, ${online} online)`,
  );
  terminal.print(
    `Router    ${router.listen ?? ""}, hosts ${hosted.join(", ") || "no network yet"}${relayed}`,
  );
  terminal.print(`          reached by ${transportLine(router)}`);
  planeLines(router).forEach((line, at) => {
    terminal.print(`${at === 0 ? "Ports   " : "        "}  ${line}`);
  });
  if (router.admits.length > 0)
    terminal.print(`          this router can admit members: ${router.admits.join(", ")}`);
  if (router.lanOnly) terminal.print("          reachable on this LAN only");
}

function countStates(peers: readonly PeerStatus[]): string {
  if (peers.length === 0) return "No other members yet";
  const states = [...new Set(peers.map(({ state }) => state))].sort();
  const counts = states.map((state) => `${peers.filter((peer) => peer.state === state).length} ${state}`);
  return `${formatCount(peers.length, "peer")}: ${counts.join(", ")}`;
}

function printPeers({ terminal }: Context, peers: readonly PeerStatus[]): void {
  const several = new Set(peers.map(({ network }) => network)).size > 1;
  const now = Date.now();
  terminal.table(
    ["PEER", "NETWORK", "ADDRESS", "STATE", "LATENCY", "LOSS", "RECEIVED", "SENT", "HANDSHAKE", "PATH"],
    peers.map((peer) => [
      peer.name,
      several ? peer.network : "",
      peer.address,
      stateCell(peer.state),
      formatLatency(peer.path?.latencyMs ?? null),
      formatLoss(peer.path?.lossPercent ?? null),
      formatBytes(peer.rxBytes),
      formatBytes(peer.txBytes),
      formatAge(peer.lastHandshake, now),
      peer.path === null ? (peer.reason ?? "") : formatPath(peer.path),
    ]),
  );
}

function printNetcheck({ terminal }: Context, found: Netcheck): void {
  const works = (does: boolean, millis: number | null) =>
    does
      ? ({ text: millis === null ? "yes" : formatLatency(millis), colour: "green" } as const)
      : ({ text: "no", colour: "red" } as const);
  terminal.print(`UDP port         ${found.udpPort ?? "none is open"}`);
  terminal.print(`Packets (TUN)    ${found.tun.ok ? "can flow" : (found.tun.detail ?? "cannot flow")}`);
  terminal.print(`AES in hardware  ${found.hardwareAes ? "yes" : "no: ChaCha20-Poly1305 is used"}`);
  terminal.print("");
  terminal.table(
    ["INTERFACE", "ADDRESSES"],
    found.interfaces.map(({ name, addresses }) => [name, addresses.join(", ")]),
  );
  terminal.print("");
  if (found.stun.length > 0) {
    terminal.table(
      ["ASKED (STUN)", "SEES THIS MACHINE AS"],
      found.stun.map(({ server, address }) => [server, address ?? { text: "no answer", colour: "dim" }]),
    );
    terminal.print("");
  }
  if (found.routers.length === 0) terminal.print("No router is known yet.");
  else
    terminal.table(
      ["ROUTER", "CONTROL", "UDP", "SEEN AS"],
      found.routers.map((router) => [
        router.address,
        works(router.control, router.controlMs),
        router.linkMs === null
          ? works(router.udp, router.udpMs)
          : { text: `no; over TCP ${formatLatency(router.linkMs)}`, colour: "yellow" },
        router.reflexive ?? "",
      ]),
    );
  terminal.print("");
  const colours = { good: "green", note: "yellow", bad: "red" } as const;
  terminal.table(
    ["", "FOUND", "WHAT TO DO"],
    found.findings.map(({ level, text, advice }) => [
      { text: level === "good" ? "ok" : level, colour: colours[level] },
      text,
      advice ?? "",
    ]),
  );
}
