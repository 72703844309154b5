/** Sockets for beacons on every interface of this machine: what is called out reaches the neighbours on each link. */
import type { Socket } from "node:dgram";
import { createSocket } from "node:dgram";
import { formatAddress } from "../../src-shared/address.ts";
import type { Interface } from "../system/system.ts";

/** Where a beacon came from, and how to answer it. */
export interface BeaconSource {
  /** Address with the interface's number where it is link-local: `192.168.1.5`, `fe80::1%2`. */
  readonly host: string;
  readonly answer: (bytes: Uint8Array) => void;
}

/** Open until `close`; interfaces are taken as they are at that moment. */
export class BeaconSockets {
  readonly #sockets: Socket[] = [];
  /** One for each link and family, which sends on that link alone. */
  readonly #senders: { readonly socket: Socket; readonly group: string }[] = [];
  readonly #heard: (bytes: Uint8Array, from: BeaconSource) => void;
  readonly #indices: ReadonlyMap<string, number>;

  constructor(interfaces: readonly Interface[], heard: (bytes: Uint8Array, from: BeaconSource) => void) {
    const links = interfaces.filter(({ up, loopback }) => up && !loopback);
    this.#heard = heard;
    this.#indices = new Map(links.map(({ name, index }) => [name, index]));
    const addresses4 = links.flatMap(({ addresses }) =>
      addresses.filter(({ address }) => address.family === 4).map(({ address }) => formatAddress(address)),
    );
    const zones = links
      .filter(({ addresses }) => addresses.some(({ address }) => address.family === 6))
      .map(({ name }) => name);
    if (addresses4.length > 0) this.#open("udp4", addresses4, group4);
    if (zones.length > 0)
      this.#open(
        "udp6",
        zones.map((zone) => `::%${zone}`),
        group6,
      );
  }

  /** Calls out on every link. */
  send(bytes: Uint8Array): void {
    for (const { socket, group } of this.#senders)
      quietly(() => socket.send(bytes, port, group, () => undefined));
  }

  close(): void {
    for (const socket of this.#sockets.splice(0)) quietly(() => socket.close());
    this.#senders.splice(0);
  }

  #open(type: "udp4" | "udp6", links: readonly string[], group: string): void {
    const receiver = this.#socket(type);
    receiver.bind({ port, ...(type === "udp6" ? { address: "::" } : {}) }, () => {
      for (const link of links) quietly(() => receiver.addMembership(group, link));
    });
    for (const link of links) {
      const socket = this.#socket(type);
      socket.bind({ port: 0 }, () => {
        quietly(() => {
          socket.setMulticastInterface(link);
          socket.setMulticastTTL(1);
          // Several nodes of one machine hear each other too.
          socket.setMulticastLoopback(true);
          this.#senders.push({ socket, group: type === "udp6" ? `${group}%${link.slice(3)}` : group });
        });
      });
    }
  }

  #socket(type: "udp4" | "udp6"): Socket {
    const socket = createSocket({ type, reuseAddr: true, ipv6Only: type === "udp6" });
    // A link that goes away ends nothing: sockets are opened anew after every change.
    socket.on("error", () => undefined);
    socket.on("message", (bytes, { address, port: from }) => {
      const [host = "", zone] = address.split("%");
      const index = zone === undefined ? undefined : (this.#indices.get(zone) ?? zone);
      this.#heard(bytes, {
        host: index === undefined ? host : `${host}%${index}`,
        answer: (answer) => quietly(() => socket.send(answer, from, address, () => undefined)),
      });
    });
    this.#sockets.push(socket);
    return socket;
  }
}

/** A closed socket, a link without multicast: nothing to do about it. */
function quietly(what: () => void): void {
  try {
    what();
  } catch {
    // Said above.
  }
}

/** Groups of this site and of the link (RFC 2365; RFC 4291 §2.7, transient), and the port for all. */
const group4 = "239.255.77.43";
const group6 = "ff12::7743";
const port = 7742;
