/** Finds a router among its addresses: connects to all at once, keeps the first that proves who it is. */
import { isPrivate, parseAddress } from "../../src-shared/address.ts";
import { AppError, fromWireError } from "../../src-shared/errors.ts";
import { splitHostPort } from "../../src-shared/ids.ts";
import { parseJson } from "../../src-shared/json.ts";
import { routerHello, routerMessage } from "../../src-shared/wire.ts";
import type { Channel, Connect } from "./channel.ts";
import type { Prover, RouterIdentity } from "./greeting.ts";
import { provenRouter } from "./greeting.ts";
import { connectWebSocket } from "./websocket.ts";

export interface FindOptions {
  /** `host:port` of one router. */
  readonly addresses: readonly string[];
  /** SHA-256 of the router's identity, base64; null takes whoever answers, to be pinned from then on. */
  readonly pin: string | null;
  /** Without a pin: the name of a network that the router hosts. It answers nobody who knows neither. */
  readonly name?: string;
  readonly notary: Prover;
  /** WebSocket over TLS unless given. */
  readonly connect?: Connect;
  /** Gives up. */
  readonly signal?: AbortSignal;
}

/** A router that proved itself; it waits for our hello. */
export interface Found {
  readonly address: string;
  readonly channel: Channel;
  readonly router: RouterIdentity;
}

/** Throws `router-unreachable` or `router-wrong`. */
export async function findRouter(options: FindOptions): Promise<Found> {
  const { addresses, signal } = options;
  const race = new AbortController();
  const abort = () => race.abort(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.any(addresses.map((address) => attempt(address, options, race.signal)));
  } catch (error) {
    throw hopeless(addresses, error instanceof AggregateError ? error.errors : [error]);
  } finally {
    signal?.removeEventListener("abort", abort);
    race.abort(new Error("another address answered first"));
  }
}

/** One address: connected, greeted and proved, or an error within the time allowed. */
async function attempt(address: string, options: FindOptions, race: AbortSignal): Promise<Found> {
  const own = new AbortController();
  const abort = () => own.abort(race.reason);
  if (race.aborted) abort();
  race.addEventListener("abort", abort, { once: true });
  const timer = setTimeout(() => own.abort(new Error("no answer in time")), attemptMillis);
  try {
    const channel = await knockAt(address, options, own.signal);
    try {
      const router = await firstProof(channel, options, own.signal);
      // Also somebody between us and the router ends here: a signature over another connection proves nothing on this one.
      if (router === null || (options.pin !== null && router.pin !== options.pin)) {
        throw new AppError("router-wrong", { address });
      }
      return { address, channel, router };
    } catch (error) {
      channel.cut();
      throw error;
    }
  } finally {
    clearTimeout(timer);
    race.removeEventListener("abort", abort);
  }
}

/** An ordinary site: no router, or not the one of that pin or name. */
async function knockAt(address: string, options: FindOptions, signal: AbortSignal): Promise<Channel> {
  const { pin, name = "", connect = connectWebSocket } = options;
  try {
    return await connect(address, pin ?? name, signal);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "link-refused") throw error;
    throw pin === null
      ? new AppError("no-network-here", { name, router: address })
      : new AppError("router-wrong", { address });
  }
}

/** Whom the router's hello proves. It says nothing more before ours, so that another listener can take over. */
async function firstProof(
  channel: Channel,
  options: FindOptions,
  signal: AbortSignal,
): Promise<RouterIdentity | null> {
  const text = await new Promise<string | null>((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    channel.listen({
      message: resolve,
      heard: () => undefined,
      closed: () => reject(new Error("closed before its hello")),
    });
  });
  const value = parseJson(text);
  const refused = routerMessage.safeParse(value);
  if (refused.success && refused.data.kind === "refused") throw fromWireError(refused.data.error);
  const hello = routerHello.safeParse(value);
  if (!hello.success) throw new Error("it is no router");
  return provenRouter(hello.data, channel.exporter, options.notary);
}

/** Why none of the addresses served: what a router said, a wrong identity, or silence. */
export function hopeless(addresses: readonly string[], errors: readonly unknown[]): AppError {
  const said = errors.filter((error) => error instanceof AppError);
  const refusal = said.find((error) => error.code !== "router-wrong");
  if (refusal !== undefined) return refusal;
  // A private address means another machine on another LAN: a stranger there is no news while the rest is silent.
  const wrong = said.find(
    (error) => said.length === addresses.length || !isPrivateHost(String(error.data["address"])),
  );
  return wrong ?? new AppError("router-unreachable", { addresses: addresses.join(", ") });
}

function isPrivateHost(hostPort: string): boolean {
  const address = parseAddress(splitHostPort(hostPort)?.host ?? "");
  return address !== null && isPrivate(address);
}

const attemptMillis = 8000;
