/** What each command asks of the engine. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Handlers } from "../../src-shared/api/contract.ts";
import type { FakeEngine } from "../fakes/engine.ts";
import { createFakeEngine } from "../fakes/engine.ts";
import { inProcess } from "./command-line.ts";
import type { Local } from "./pipes.ts";
import { openLocal } from "./pipes.ts";

describe("what a command asks of the engine", () => {
  let local: Local;
  let engine: FakeEngine;
  const asked: (readonly [name: string, input: unknown])[] = [];
  beforeAll(async () => {
    engine = createFakeEngine({ peers: 3 });
    const handlers = Object.fromEntries(
      Object.entries(engine.handlers).map(([name, handler]) => [
        name,
        (input: never, signal: never) => {
          asked.push([name, input]);
          return (handler as (input: never, signal: never) => unknown)(input, signal);
        },
      ]),
    );
    local = await openLocal({ handlers: handlers as Handlers, panel: false });
  });
  afterAll(async () => {
    await local.close();
    engine.stop();
  });

  const created = { name: "lab", approve: false, mask: false, join: true };
  const target = { target: "attic", secret: "correct-horse", router: "r.example", force: false };
  it.each<readonly [string, string, unknown]>([
    ["network create lab", "networks.create", created],
    [
      "network create lab2 --cidr 10.99.0.0/16 --approve --mask --no-join --name boss",
      "networks.create",
      {
        ...created,
        name: "lab2",
        cidr: "10.99.0.0/16",
        approve: true,
        mask: true,
        join: false,
        nodeName: "boss",
      },
    ],
    [
      "network create lab3 --router starmesh://router/1/x",
      "networks.create",
      { ...created, name: "lab3", routerLink: "starmesh://router/1/x" },
    ],
    ["network create lab4 --secret", "networks.create", { ...created, name: "lab4", secret: "" }],
    [
      "network create lab5 --secret correct-horse",
      "networks.create",
      { ...created, name: "lab5", secret: "correct-horse" },
    ],
    [
      "network create lab6 --secret -",
      "networks.create",
      { ...created, name: "lab6", secret: "from standard input" },
    ],
    ["network show home-lab", "networks.show", { network: "home-lab" }],
    ["network delete nope", "networks.delete", { network: "nope" }],
    ["network key export home-lab", "networks.exportKey", { network: "home-lab" }],
    ["network key import abc", "networks.importKey", { key: "abc" }],
    ["network key import -", "networks.importKey", { key: "from standard input" }],
    ["join starmesh://join/1/x", "networks.join", { target: "starmesh://join/1/x", force: false }],
    ["join attic --secret correct-horse --router r.example", "networks.join", target],
    [
      "join attic --secret - --router r.example --name me --ip 10.40.0.9 --force",
      "networks.join",
      { ...target, secret: "from standard input", nodeName: "me", address: "10.40.0.9", force: true },
    ],
    ["invite home-lab", "invites.create", { network: "home-lab", count: 50, expiresSeconds: 86_400 }],
    [
      "invite home-lab --once --expires 7d",
      "invites.create",
      { network: "home-lab", count: 1, expiresSeconds: 604_800 },
    ],
    [
      "invite home-lab --count 3",
      "invites.create",
      { network: "home-lab", count: 3, expiresSeconds: 86_400 },
    ],
    ["members studio", "members.list", { network: "studio" }],
    ["member approve ines", "members.approve", { member: "ines" }],
    ["member remove ines --network studio", "members.remove", { member: "ines", network: "studio" }],
    ["member admin x", "members.admin", { member: "x" }],
    ["leave nope", "networks.leave", { network: "nope" }],
    ["up", "networks.up", { networks: [] }],
    ["up home-lab studio", "networks.up", { networks: ["home-lab", "studio"] }],
    ["down", "networks.down", { networks: [] }],
    ["down studio", "networks.down", { networks: ["studio"] }],
    ["path nas --network studio", "peers.path", { peer: "nas", network: "studio" }],
    ["path nope --direct", "peers.pin", { peer: "nope", via: null, direct: true }],
    [
      "path nope --via nas --spread on",
      "peers.pin",
      { peer: "nope", via: "nas", direct: false, spread: "on" },
    ],
    [
      "path nope --auto",
      "peers.pin",
      { peer: "nope", via: null, direct: false, transport: null, spread: "auto" },
    ],
    [
      "path nope --via nas --transport tls",
      "peers.pin",
      { peer: "nope", via: "nas", direct: false, transport: "tls" },
    ],
    ["ping nope -c 3 --network studio", "peers.ping", { peer: "nope", count: 3, network: "studio" }],
    ["wg add phone", "wireguard.add", { name: "phone", allowed: "network" }],
    [
      "wg add phone --network studio --endpoint a.example:1",
      "wireguard.add",
      { name: "phone", allowed: "network", network: "studio", endpoint: "a.example:1" },
    ],
    ["wg add phone --allowed all", "wireguard.add", { name: "phone", allowed: "all" }],
    [
      "network broadcast nope on --ports 5353,6112 --rate 20",
      "networks.broadcast",
      { network: "nope", on: true, ports: [5353, 6112], perSecond: 20 },
    ],
    ["network broadcast nope off", "networks.broadcast", { network: "nope", on: false }],
    ["network broadcast nope refuse", "networks.broadcast", { network: "nope", take: false }],
    ["wg list --network studio", "wireguard.list", { network: "studio" }],
    ["wg revoke nope", "wireguard.revoke", { name: "nope" }],
    ["member gateway nope on", "members.gateway", { member: "nope", on: true }],
    ["member gateway nope off", "members.gateway", { member: "nope", on: false }],
    ["netcheck", "netcheck.run", {}],
    ["router check", "router.check", {}],
    ["panel", "panel.link", {}],
    ["panel --revoke", "panel.revoke", {}],
  ])("%s", async (words, name, input) => {
    asked.length = 0;
    await inProcess(["--state", local.folder, ...words.split(" ")]);
    expect(asked).toContainEqual([name, input]);
  });
});
