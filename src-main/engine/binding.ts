/** Which of this machine's interfaces are used: all, or the one that the user chose by name or by address. */
import type { Address } from "../../src-shared/address.ts";
import { formatAddress, parseAddress } from "../../src-shared/address.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { Interface, System } from "../system/system.ts";
import { isOverlay } from "./locals.ts";

/** The part of the system that is used. */
export type Used = Pick<System, "interfaces" | "routes">;

/** Interfaces and routes as far as they are used; those of Starmesh itself never are. */
export function usedSystem(system: Used, bind: () => string | null): Used {
  return {
    interfaces: () => usedInterfaces(system.interfaces(), bind()),
    routes: () => {
      const names = new Set(usedInterfaces(system.interfaces(), bind()).map(({ name }) => name));
      return system.routes().filter((route) => route.interface !== null && names.has(route.interface));
    },
  };
}

/** Interfaces that a user may choose, with their addresses. */
export function chooseable(
  system: Pick<System, "interfaces">,
): readonly { readonly name: string; readonly addresses: readonly string[] }[] {
  return usedInterfaces(system.interfaces(), null)
    .filter(({ loopback }) => !loopback)
    .map(({ name, addresses }) => ({
      name,
      addresses: addresses.map(({ address }) => formatAddress(address)),
    }));
}

/** What a socket bound so hangs on: another text means that it has to be bound anew. Null while there is no such place. */
export function bindingOf(system: Pick<System, "interfaces">, bind: string): string | null {
  const [found] = usedInterfaces(system.interfaces(), bind);
  if (found === undefined) return null;
  return parseAddress(bind) === null
    ? `${found.name} ${found.index}`
    : `${found.name} ${found.index} ${bind}`;
}

/** An address that is the chosen interface's: itself if one is chosen, else its first of IPv4. */
export function boundAddress(system: Pick<System, "interfaces">, bind: string): string | undefined {
  if (parseAddress(bind) !== null) return bind;
  const [found] = usedInterfaces(system.interfaces(), bind);
  const address = found?.addresses.find((each) => each.address.family === 4)?.address;
  return address === undefined ? undefined : formatAddress(address);
}

/** Name of the interface that is chosen. Throws `no-interface` when there is none. */
export function requireInterface(system: Pick<System, "interfaces">, bind: string): string {
  const [found] = usedInterfaces(system.interfaces(), bind);
  if (found !== undefined) return found.name;
  const list = chooseable(system).map(({ name, addresses }) => `${name} (${addresses.join(", ")})`);
  throw new AppError("no-interface", { name: bind, list: list.join(", ") || "none" });
}

function usedInterfaces(interfaces: readonly Interface[], bind: string | null): readonly Interface[] {
  const others = interfaces.filter(({ name }) => !isOverlay(name));
  if (bind === null) return others;
  const address = parseAddress(bind);
  if (address === null) return others.filter(({ name }) => name === bind);
  return others.flatMap((each) => {
    const addresses = each.addresses.filter((one) => isSame(one.address, address));
    return addresses.length === 0 ? [] : [{ ...each, addresses }];
  });
}

function isSame(one: Address, other: Address): boolean {
  return one.family === other.family && one.value === other.value;
}
