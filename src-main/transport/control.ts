/** The node's end of the control socket: finds the router, proves both sides, asks and is told. */
import { z } from "zod";
import { fromBase64, toBase64Url } from "../../src-shared/bytes.ts";
import { AppError, fromWireError } from "../../src-shared/errors.ts";
import type { SessionKey } from "../../src-shared/ids.ts";
import { parseJson } from "../../src-shared/json.ts";
import type { Entry, Signed } from "../../src-shared/trust.ts";
import type {
  ControlAnswer,
  ControlRequest,
  NodeMessage,
  Presence,
  ReachPort,
  RouterMessage,
} from "../../src-shared/wire.ts";
import { controlAnswers, routerMessage } from "../../src-shared/wire.ts";
import type { Channel } from "./channel.ts";
import type { FindOptions, Found } from "./find-router.ts";
import { findRouter } from "./find-router.ts";
import type { Greeting, RouterIdentity } from "./greeting.ts";
import { signHello } from "./greeting.ts";
import { Heartbeat } from "./heartbeat.ts";
import { sliceEntries } from "./slice.ts";
import { everySecond, tickMillis } from "./tick.ts";

/** `signal` also closes the socket once it is open. */
export interface ControlOptions extends FindOptions {
  readonly greeting: Greeting;
  readonly listener: ControlListener;
}

/** What the router tells unasked. May be called before `openControl` has answered. */
export interface ControlListener {
  /** Entries as they came: nothing about them is checked yet. */
  entries(entries: readonly Signed[]): void;
  /** `complete`: everybody not listed is offline. */
  presence(members: readonly Presence[], complete: boolean): void;
  /** A sealed datagram of a member that cannot reach us by UDP. */
  carried(from: SessionKey, datagram: Uint8Array): void;
  /** The router asks by which of its ports it is reached from here; answered by the request `reached`. */
  reach?(id: number, ports: readonly ReachPort[]): void;
  /** Once, after a welcome: the socket ended. `error`: `router-lost`, or what the router said (`revoked`, …). */
  closed(error: AppError): void;
}

type Welcome = Omit<Extract<RouterMessage, { kind: "welcome" }>, "kind">;

/** An open control socket. */
export interface Control {
  /** The address that answered, and who answered. */
  readonly address: string;
  /** IP address it answered from. */
  readonly remote: string;
  readonly router: RouterIdentity;
  readonly welcome: Welcome;
  /**
   * Asks the router. Throws what it refuses by the code it gives, `timeout`, or `router-lost`. What an answer promises
   * as pushes has arrived before it.
   */
  request<Request extends ControlRequest>(request: Request): Promise<ControlAnswer<Request["call"]>>;
  /** Publishes any number of entries, in messages of a size that the router takes. */
  publish(entries: readonly Signed[]): Promise<void>;
  /** Brings the router's state and ours together: both end with the union. `digest` is of `entries`, envelopes left out. */
  synchronise(digest: string, entries: readonly Entry[]): Promise<void>;
  /** The network changed: make sure within two seconds that the router is still there. */
  doubt(): void;
  close(): void;
}

/**
 * Connects to all addresses at once; the first that proves the pinned identity stays. Throws `router-unreachable`,
 * `router-wrong`, or the router's refusal of the hello by its code.
 */
export async function openControl(options: ControlOptions): Promise<Control> {
  const { greeting } = options;
  const found = await findRouter({
    ...options,
    ...(options.name === undefined && greeting.role === "secret" ? { name: greeting.name } : {}),
  });
  const hello = signHello(greeting, found.channel.exporter, found.router);
  return new Promise((resolve, reject) => {
    const socket = new ControlSocket(found, options.listener, { resolve, reject });
    options.signal?.addEventListener("abort", () => socket.close(), { once: true });
    found.channel.send(JSON.stringify(hello));
  });
}

interface Pending {
  readonly resolve: (answer: Record<string, unknown>) => void;
  readonly reject: (error: AppError) => void;
  readonly timer: NodeJS.Timeout;
}

interface Outcome {
  readonly resolve: (control: Control) => void;
  readonly reject: (error: AppError) => void;
}

type State =
  | { readonly kind: "greeting"; readonly outcome: Outcome; readonly timer: NodeJS.Timeout }
  | { readonly kind: "open" }
  | { readonly kind: "closed"; readonly error: AppError };

class ControlSocket implements Control {
  readonly address: string;
  readonly remote: string;
  readonly router: RouterIdentity;
  readonly #channel: Channel;
  readonly #listener: ControlListener;
  readonly #pending = new Map<number, Pending>();
  readonly #heartbeat = new Heartbeat(performance.now());
  readonly #endBeats: () => void;
  #welcome: Welcome | null = null;
  #state: State;
  #lastId = 0;

  constructor(found: Found, listener: ControlListener, outcome: Outcome) {
    this.address = found.address;
    this.remote = found.channel.remote;
    this.router = found.router;
    this.#channel = found.channel;
    this.#listener = listener;
    this.#endBeats = everySecond(() => this.#beat());
    const late = () => this.#drop(new AppError("timeout", { what: "The router's welcome" }));
    this.#state = { kind: "greeting", outcome, timer: setTimeout(late, requestMillis) };
    found.channel.listen({
      message: (text) => this.#message(text),
      heard: () => this.#heartbeat.heard(performance.now()),
      closed: () => this.#end(new AppError("router-lost")),
    });
  }

  get welcome(): Welcome {
    if (this.#welcome === null) throw new Error("asked before the welcome");
    return this.#welcome;
  }

  request<Request extends ControlRequest>(request: Request): Promise<ControlAnswer<Request["call"]>> {
    if (this.#state.kind === "closed") return Promise.reject(this.#state.error);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const late = () =>
        this.#settle(id)?.reject(new AppError("timeout", { what: `The router's answer (${request.call})` }));
      const timer = setTimeout(late, requestMillis);
      const accept = (answer: Record<string, unknown>) => {
        const parsed = controlAnswers[request.call].safeParse(answer);
        if (parsed.success) resolve(parsed.data as ControlAnswer<Request["call"]>);
        else reject(new AppError("router-lost"));
      };
      this.#pending.set(id, { resolve: accept, reject, timer });
      this.#channel.send(JSON.stringify({ kind: "request", id, request } satisfies NodeMessage));
    });
  }

  async publish(entries: readonly Signed[]): Promise<void> {
    for (const slice of sliceEntries(entries)) await this.request({ call: "publish", entries: slice });
  }

  async synchronise(digest: string, entries: readonly Entry[]): Promise<void> {
    const first = await this.request({ call: "sync", have: digest });
    if (first.same) return;
    const byHash = new Map(entries.map((entry) => [shortHash(entry.hash), entry.signed]));
    const { want } = await this.request({
      call: "sync",
      have: digest,
      hashes: [...byHash.keys()].slice(0, mostHashes),
    });
    await this.publish(want.map((hash) => byHash.get(hash)).filter((entry) => entry !== undefined));
  }

  doubt(): void {
    this.#heartbeat.doubt(performance.now());
    this.#beat();
    setTimeout(() => this.#beat(), 2 * tickMillis).unref();
  }

  close(): void {
    this.#channel.close();
    this.#end(new AppError("router-lost"));
  }

  #message(text: string | null): void {
    const value = parseJson(text);
    const parsed = routerMessage.safeParse(value);
    if (parsed.success) this.#handle(parsed.data);
    else if (!newerMessage.safeParse(value).success) this.#drop(new AppError("router-lost"));
  }

  #handle(message: RouterMessage): void {
    switch (message.kind) {
      case "welcome": {
        const { kind: _, ...welcome } = message;
        if (this.#state.kind !== "greeting") return;
        const { outcome, timer } = this.#state;
        clearTimeout(timer);
        this.#welcome = welcome;
        this.#state = { kind: "open" };
        outcome.resolve(this);
        return;
      }
      case "refused":
        this.#end(fromWireError(message.error));
        this.#channel.close();
        return;
      case "answer":
        this.#settle(message.id)?.resolve(message.answer);
        return;
      case "failure":
        this.#settle(message.id)?.reject(fromWireError(message.error));
        return;
      case "entries":
        this.#listener.entries(message.entries);
        return;
      case "presence":
        this.#listener.presence(message.members, message.complete);
        return;
      case "carried": {
        const datagram = fromBase64(message.datagram);
        if (datagram !== null) this.#listener.carried(message.from, datagram);
        return;
      }
      case "reach":
        this.#listener.reach?.(message.id, message.ports);
    }
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    clearTimeout(pending?.timer);
    this.#pending.delete(id);
    return pending;
  }

  #beat(): void {
    const beat = this.#heartbeat.beat(performance.now());
    if (beat === "ping") this.#channel.ping();
    if (beat === "dead") this.#drop(new AppError("router-lost"));
  }

  #drop(error: AppError): void {
    this.#channel.cut();
    this.#end(error);
  }

  #end(error: AppError): void {
    const before = this.#state;
    if (before.kind === "closed") return;
    this.#state = { kind: "closed", error };
    this.#endBeats();
    for (const id of [...this.#pending.keys()]) this.#settle(id)?.reject(error);
    if (before.kind === "open") this.#listener.closed(error);
    else clearTimeout(before.timer);
    if (before.kind === "greeting") before.outcome.reject(error);
  }
}

/** First 8 bytes of an entry's hash, base64url: enough to tell entries apart when states are compared. */
export function shortHash(hash: string): string {
  return toBase64Url((fromBase64(hash) ?? new Uint8Array(8)).subarray(0, 8));
}

/** What a newer router tells on top: nothing that this node would need. */
const newerMessage = z.looseObject({
  kind: z.string().refine((kind) => !routerMessage.options.some(({ shape }) => shape.kind.value === kind)),
});
const requestMillis = 10_000;
const mostHashes = 20_000;
