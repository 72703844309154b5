/** What the user chose for the paths to peers: kept with the network, told to its machine. */
import { AppError } from "../../src-shared/errors.ts";
import type { IdentityKey } from "../../src-shared/ids.ts";
import type { Pin } from "../mesh/pin.ts";
import { choosesPath } from "../mesh/pin.ts";
import type { NetworkLoop } from "./loop.ts";
import type { StoredNetwork } from "./stored.ts";

/** The choices that are kept, as the machine wants them. */
export function keptPins({ pins }: StoredNetwork): ReadonlyMap<IdentityKey, Pin> {
  return new Map(pins.map(({ identity, ...pin }) => [identity, pin]));
}

/** Chooses the path to one peer. Throws `unknown-relay`. */
export function choosePin(loop: NetworkLoop, identity: IdentityKey, wish: Partial<Pin>): void {
  const { stored, machine } = loop;
  const kept = stored.pins.filter((each) => each.identity !== identity);
  const spread = wish.spread ?? stored.pins.find((each) => each.identity === identity)?.spread ?? "auto";
  const via = wish.via == null ? null : relayNamed(wish.via, machine.relayNames(), stored.name);
  const before = stored.pins.find((each) => each.identity === identity);
  const transport = wish.transport === undefined ? (before?.transport ?? null) : wish.transport;
  const pin = { via, direct: wish.direct ?? false, transport, spread };
  const isChoice = choosesPath(pin) || transport !== null || spread !== "auto";
  loop.update({ pins: isChoice ? [...kept, { identity, ...pin }] : kept });
  loop.feed({ kind: "pins", pins: keptPins(loop.stored) });
}

/** A relay by its name or the beginning of it. */
function relayNamed(name: string, names: readonly string[], network: string): string {
  const wanted = name.toLowerCase();
  const exact = names.find((each) => each.toLowerCase() === wanted);
  const [first, second] = names.filter((each) => each.toLowerCase().startsWith(wanted));
  const found = exact ?? (second === undefined ? first : undefined);
  if (found === undefined) {
    throw new AppError("unknown-relay", { name, network, list: names.join(", ") || "none now" });
  }
  return found;
}
