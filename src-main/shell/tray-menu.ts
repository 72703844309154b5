/** What the tray shows of a state: the icon's mood, one line, and the menu. */
import type { MenuItemConstructorOptions } from "electron";
import type { NetworkStatus, Status } from "../../src-shared/status.ts";
import type { EngineState, ExitWish } from "./engine-link.ts";
import { lacksRights } from "./rights-question.ts";
import type { Words } from "./words.ts";
import { fill } from "./words.ts";

/** What the icon tells. */
export const moods = ["off", "connecting", "on", "problem"] as const;
export type Mood = (typeof moods)[number];

/** What the menu can ask for. */
export interface TrayActions {
  open(): void;
  start(): void;
  connectNetworks(on: boolean): void;
  /** One network, by its id. */
  connectNetwork(id: string, on: boolean): void;
  chooseExit(wish: ExitWish | null): void;
  copy(text: string): void;
  actAsRouter(on: boolean): void;
  askForRights(): void;
  restartToUpdate(): void;
  quit(): void;
}

/** What the tray shows. */
export interface TrayState {
  readonly engine: EngineState;
  /** A version that runs after a restart. */
  readonly update: string | null;
}

/** The icon's mood for a state. */
export function moodOf(state: EngineState): Mood {
  if (state.kind === "starting") return "connecting";
  if (state.kind === "stopped") return state.why === null ? "off" : "problem";
  if (problemOf(state) !== null) return "problem";
  const up = state.status.networks.filter((network) => network.state !== "off");
  if (up.length === 0) return "off";
  // Members reach one another without any router, too.
  const reaches = state.status.peers.some((peer) => peer.state === "connected");
  return reaches || up.some((network) => network.state === "online") ? "on" : "connecting";
}

/** What keeps a running engine from what it was asked for, in English; null where all is as it should be. */
export function problemOf(state: Extract<EngineState, { kind: "running" }>): string | null {
  const { networks, node } = state.status;
  const up = networks.filter((network) => network.state !== "off");
  if (up.length > 0 && node.limited !== null) return node.limited;
  const refused = up.find((network) => network.state === "refused");
  if (refused !== undefined) return refused.detail ?? refused.name;
  if (state.exit?.state === "failed") return state.exit.reason;
  return null;
}

/** The first line of the menu, and the icon's tip. */
export function headlineOf(state: EngineState, words: Words): string {
  switch (state.kind) {
    case "starting":
      return words.starting;
    case "stopped":
      return state.why ?? words.stopped;
    case "running": {
      const { networks } = state.status;
      const names = connected(state.status).map((network) => network.name);
      if (networks.length === 0) return words.noNetworks;
      return names.length === 0 ? words.disconnected : fill(words.connected, { names: names.join(", ") });
    }
  }
}

/** The menu of a state. */
export function trayMenu(
  { engine, update }: TrayState,
  words: Words,
  actions: TrayActions,
): readonly MenuItemConstructorOptions[] {
  const problem = engine.kind === "running" ? problemOf(engine) : null;
  return [
    { label: headlineOf(engine, words), enabled: false },
    ...(problem === null ? [] : [{ label: shortened(problem), enabled: false }]),
    { type: "separator" },
    { label: words.open, click: () => actions.open() },
    ...engineItems(engine, words, actions),
    { type: "separator" },
    ...(update === null
      ? []
      : [
          { label: fill(words.restartToUpdate, { version: update }), click: () => actions.restartToUpdate() },
        ]),
    {
      label: engine.kind === "running" && engine.hosted ? words.quitEnds : words.quit,
      click: () => actions.quit(),
    },
  ];
}

function engineItems(
  state: EngineState,
  words: Words,
  actions: TrayActions,
): readonly MenuItemConstructorOptions[] {
  if (state.kind === "starting") return [];
  if (state.kind === "stopped") return [{ label: words.start, click: () => actions.start() }];
  const { networks, router } = state.status;
  const up = connected(state.status).length;
  return [
    ...(lacksRights(state) ? [{ label: words.rightsItem, click: () => actions.askForRights() }] : []),
    { label: words.connect, enabled: up < networks.length, click: () => actions.connectNetworks(true) },
    { label: words.disconnect, enabled: up > 0, click: () => actions.connectNetworks(false) },
    ...networkItems(networks, words, actions),
    { type: "separator" },
    ...addressItems(networks, words, actions),
    ...deviceItems(state.status, words, actions),
    ...exitItems(state, words, actions),
    {
      label: words.router,
      type: "checkbox",
      checked: router.on,
      click: () => actions.actAsRouter(!router.on),
    },
  ];
}

/** A switch for each network; where there are many, one level down. */
function networkItems(
  networks: readonly NetworkStatus[],
  words: Words,
  actions: TrayActions,
): readonly MenuItemConstructorOptions[] {
  const items = networks.map(({ id, name, state }): MenuItemConstructorOptions => {
    const isUp = state !== "off";
    return {
      label: state === "refused" ? fill(words.refused, { name }) : name,
      type: "checkbox",
      checked: isUp,
      click: () => actions.connectNetwork(id, !isUp),
    };
  });
  if (items.length === 0) return [];
  if (items.length > mostInline) return [{ label: words.networks, submenu: items }];
  return [{ type: "separator" }, ...items];
}

function addressItems(
  networks: readonly NetworkStatus[],
  words: Words,
  actions: TrayActions,
): readonly MenuItemConstructorOptions[] {
  const own = networks.flatMap(({ name, address }) => (address === null ? [] : [{ name, address }]));
  const [first, ...others] = own;
  if (first === undefined) return [];
  const copy =
    ({ address }: { readonly address: string }) =>
    () =>
      actions.copy(address);
  if (others.length === 0)
    return [{ label: fill(words.copyAddress, { address: first.address }), click: copy(first) }];
  const items = own.map((each) => ({ label: `${each.address} (${each.name})`, click: copy(each) }));
  return [{ label: words.copyAddresses, submenu: items }];
}

/** The addresses of others by name, but for those that are away; where there are many, the window has them all. */
function deviceItems(
  status: Status,
  words: Words,
  actions: TrayActions,
): readonly MenuItemConstructorOptions[] {
  const up = connected(status);
  const several = up.length > 1;
  const peers = status.peers
    .filter(({ network, state }) => state !== "offline" && up.some(({ name }) => name === network))
    .toSorted((one, other) => one.name.localeCompare(other.name));
  if (peers.length === 0) return [];
  const items = peers.slice(0, mostDevices).map(({ name, network, address }) => ({
    label: several ? `${name} (${network}): ${address}` : `${name}: ${address}`,
    click: () => actions.copy(address),
  }));
  const rest = { label: words.allDevices, click: () => actions.open() };
  return [{ label: words.copyDevices, submenu: peers.length > mostDevices ? [...items, rest] : items }];
}

function exitItems(
  { exit }: Extract<EngineState, { kind: "running" }>,
  words: Words,
  actions: TrayActions,
): readonly MenuItemConstructorOptions[] {
  if (exit === null || (exit.offers.length === 0 && exit.chosen === null)) return [];
  const { chosen } = exit;
  const isChosen = (offer: { readonly network: string; readonly member: string }) =>
    chosen !== null && offer.network === chosen.network && offer.member === chosen.member;
  // One that was chosen and offers no more is still what counts.
  const ways = chosen === null || exit.offers.some(isChosen) ? exit.offers : [chosen, ...exit.offers];
  const several = new Set(ways.map(({ network }) => network)).size > 1;
  const items = ways.map(({ member, network }) => ({
    label: several ? `${member} (${network})` : member,
    type: "radio" as const,
    checked: isChosen({ network, member }),
    click: () => actions.chooseExit({ member, network }),
  }));
  const none = {
    label: words.noExit,
    type: "radio" as const,
    checked: chosen === null,
    click: () => actions.chooseExit(null),
  };
  return [
    {
      label: chosen === null ? words.exit : fill(words.exitBy, { name: chosen.member }),
      submenu: [none, ...items],
    },
  ];
}

function connected(status: Status): readonly NetworkStatus[] {
  return status.networks.filter((network) => network.state !== "off");
}

/** A menu is as wide as its widest line. */
function shortened(text: string): string {
  return text.length <= longestLine ? text : `${text.slice(0, longestLine - 1)}…`;
}

const mostInline = 8;
const mostDevices = 20;
const longestLine = 80;
