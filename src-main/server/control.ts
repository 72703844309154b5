/** The router's end of the control protocol: greets every channel, and keeps what follows within bounds. */
import { fromBase64 } from "../../src-shared/bytes.ts";
import type { Millis } from "../../src-shared/ids.ts";
import type { RouterHello } from "../../src-shared/wire.ts";
import { routerHelloBytes } from "../../src-shared/wire.ts";
import type { Channel } from "../transport/channel.ts";
import { everySecond } from "../transport/tick.ts";
import type { Log, OtherPorts } from "./connection.ts";
import { Connection } from "./connection.ts";
import type { Desk } from "./desk.ts";
import type { RouterKeys } from "./identity.ts";
import type { Reception } from "./reception.ts";

export interface ControlServerOptions {
  readonly keys: RouterKeys;
  readonly reception: Reception;
  readonly desk: Desk;
  /** Ports to tell a node of, asked at each connection; `plane`: the port by which it came when that is a plane's. */
  readonly ports: (plane: number | null) => OtherPorts;
  readonly refused: (cause: string) => void;
  readonly log: Log;
}

export class ControlServer {
  readonly #options: ControlServerOptions;
  readonly #connections = new Set<Connection>();
  /** Those of them whose hello has not come yet. */
  readonly #strangers = new Set<Connection>();
  readonly #endChecks: () => void;

  constructor(options: ControlServerOptions) {
    this.#options = options;
    this.#endChecks = everySecond(() => this.#check());
  }

  /** Takes a channel that somebody opened to us, by the port of a plane or by our own. */
  accept(channel: Channel, plane: number | null): void {
    if (this.#isCrowded(channel.remote)) {
      this.#options.refused("hello crowded");
      channel.cut();
      return;
    }
    const { reception, desk, ports, refused, log } = this.#options;
    const connection = new Connection({
      channel,
      hello: this.#hello(channel),
      reception,
      desk,
      ports: ports(plane),
      plane,
      now: monotonic,
      refused,
      log,
      welcomed: (one) => this.#strangers.delete(one),
      closed: (one) => {
        this.#strangers.delete(one);
        this.#connections.delete(one);
      },
    });
    if (connection.ended) return;
    this.#connections.add(connection);
    this.#strangers.add(connection);
  }

  /** Closes every connection. */
  stop(): void {
    this.#endChecks();
    for (const connection of [...this.#connections]) connection.close();
  }

  #hello(channel: Channel): RouterHello {
    const { identity, sessionKey, sign } = this.#options.keys;
    const session = fromBase64(sessionKey) ?? new Uint8Array();
    const signature = sign(routerHelloBytes(channel.exporter, session));
    return { kind: "router", version: 1, identity, sessionKey, signature };
  }

  /** Whether too many are at the door already, all in all or from one address. */
  #isCrowded(remote: string): boolean {
    if (this.#strangers.size >= mostStrangers) return true;
    let neighbours = 0;
    for (const connection of this.#strangers) if (connection.remote === remote) neighbours++;
    return neighbours >= mostNeighbours;
  }

  #check(): void {
    const now = monotonic();
    for (const connection of [...this.#connections]) connection.check(now);
  }
}

/** Silence and rates are measured on a clock that nobody sets. */
function monotonic(): Millis {
  return performance.now();
}

const mostStrangers = 4000;
const mostNeighbours = 512;
