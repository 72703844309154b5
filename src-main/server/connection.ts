/** One connection to the control socket, from its first byte to its last: limits, order of requests, sign-off. */
import { z } from "zod";
import { AppError, toWireError } from "../../src-shared/errors.ts";
import type { IdentityKey, Millis } from "../../src-shared/ids.ts";
import { parseJson } from "../../src-shared/json.ts";
import type { OfferedLink, RouterHello, RouterMessage } from "../../src-shared/wire.ts";
import { controlAnswers, nodeHello, nodeMessage } from "../../src-shared/wire.ts";
import { Allowance } from "../mesh/allowance.ts";
import type { Channel } from "../transport/channel.ts";
import type { Desk } from "./desk.ts";
import type { Reception, Visitor } from "./reception.ts";
import type { Outlet, Seat } from "./seat.ts";

/** Ports of the router beside its own; null where none is to be had. */
export interface OtherPorts {
  /** UDP, answers STUN. */
  readonly stunPort: number | null;
  /** TCP, takes links. */
  readonly linkPort: number | null;
  /** Whether plain UDP is taken, at the port of the control socket (the default). */
  readonly udp?: boolean;
  /** What else carries sessions. */
  readonly links?: readonly OfferedLink[];
  /** The router's mask key, base64. */
  readonly mask?: string;
}

export interface ConnectionOptions {
  readonly channel: Channel;
  readonly hello: RouterHello;
  readonly reception: Reception;
  readonly ports: OtherPorts;
  /** Port of the plane by which it came; null: the router's own. */
  readonly plane: number | null;
  readonly desk: Desk;
  /** A clock that only goes forward. */
  readonly now: () => Millis;
  /** Counts input that was refused. */
  readonly refused: (cause: string) => void;
  readonly log: Log;
  /** Its hello was accepted. */
  readonly welcomed: (connection: Connection) => void;
  /** Once, at its end. */
  readonly closed: (connection: Connection) => void;
}

/** Writes an event with its fields to the log; no keys, no prose. */
export type Log = (event: string, fields?: Readonly<Record<string, unknown>>) => void;

type State =
  | { readonly kind: "greeting"; readonly since: Millis }
  | { readonly kind: "judging" }
  | { readonly kind: "open"; readonly visitor: Visitor; readonly seat: Seat | null }
  | { readonly kind: "closed" };

type Hold = "rate" | "queue";

export class Connection implements Outlet {
  readonly remote: string;
  readonly #options: ConnectionOptions;
  readonly #messages: Allowance;
  readonly #bytes: Allowance;
  readonly #carried: Allowance;
  readonly #holds = new Set<Hold>();
  readonly #reserved = new Set<IdentityKey>();
  #resuming: NodeJS.Timeout | null = null;
  #state: State;
  #heard: Millis;
  /** Requests are answered one after the other. */
  #queue: Promise<void> = Promise.resolve();
  #queued = 0;

  constructor(options: ConnectionOptions) {
    const now = options.now();
    this.#options = options;
    this.remote = options.channel.remote;
    this.#messages = new Allowance({ perSecond: 50, burst: 400 }, now);
    this.#bytes = new Allowance({ perSecond: 1 << 20, burst: 8 << 20 }, now);
    this.#carried = new Allowance({ perSecond: 20, burst: 100 }, now);
    this.#state = { kind: "greeting", since: now };
    this.#heard = now;
    options.channel.send(JSON.stringify(options.hello));
    options.channel.listen({
      message: (text) => this.#message(text),
      heard: () => {
        this.#heard = options.now();
      },
      closed: () => this.#end(),
    });
  }

  get ended(): boolean {
    return this.#state.kind === "closed";
  }

  /** Looked at once a second: a hello that does not come, or silence, ends it. */
  check(now: Millis): void {
    if (this.#state.kind === "greeting" && now - this.#state.since >= helloMillis) {
      this.#options.refused("hello late");
      this.#cut();
    } else if (this.#holds.size === 0 && now - this.#heard >= silenceMillis) this.#cut();
  }

  send(message: RouterMessage): void {
    this.sendBytes(Buffer.from(JSON.stringify(message)));
  }

  sendBytes(message: Uint8Array): void {
    if (this.#state.kind === "closed") return;
    this.#options.channel.send(message);
    if (this.#options.channel.queued() <= mostQueued) return;
    this.#options.refused("reader slow");
    this.#cut();
  }

  refuse(error: AppError): void {
    const { code, message, data } = toWireError(error);
    this.send({ kind: "refused", error: { code, message, data } });
    this.close();
  }

  close(): void {
    this.#options.channel.close();
    this.#end();
  }

  #message(text: string | null): void {
    if (this.#state.kind === "closed") return;
    const now = this.#options.now();
    const wait = Math.max(this.#messages.take(1, now), this.#bytes.take(text?.length ?? 0, now));
    if (wait > 0) this.#rest(wait);
    const value = parseJson(text);
    if (this.#state.kind === "greeting") this.#greet(text, value);
    else if (this.#state.kind === "open") this.#request(value);
    else this.#garbage("message early");
  }

  #greet(text: string | null, value: unknown): void {
    const hello = nodeHello.safeParse(value);
    if (!hello.success || (text?.length ?? 0) > longestHello) {
      this.#garbage("hello unreadable");
      return;
    }
    this.#state = { kind: "judging" };
    const { reception, channel, plane } = this.#options;
    reception.admit(hello.data, { exporter: channel.exporter, remote: channel.remote, plane }).then(
      (visitor) => this.#welcome(visitor),
      (error: unknown) => {
        const said = this.#asAppError(error);
        this.#options.refused(`hello ${said.code}`);
        this.refuse(said);
      },
    );
  }

  #welcome(visitor: Visitor): void {
    if (this.#state.kind === "closed") return;
    const hosted = visitor.role === "host" ? null : visitor.hosted;
    const record = hosted?.membership.recordEntry ?? null;
    const delegation = visitor.role === "invited" ? visitor.delegation : null;
    const signers = [record, delegation].flatMap((entry) => (entry === null ? [] : [entry.signer]));
    this.send({
      kind: "welcome",
      record: record?.signed ?? null,
      delegation: delegation?.signed ?? null,
      chain: (hosted?.chainOf(signers) ?? []).map(({ signed }) => signed).slice(0, mostChain),
      ...offerOf(this.#options.ports),
    });
    const seat = this.#seatOf(visitor);
    this.#state = { kind: "open", visitor, seat };
    this.#options.welcomed(this);
    if (seat !== null) hosted?.sit(seat);
  }

  #seatOf(visitor: Visitor): Seat | null {
    if (visitor.role === "member") {
      return { kind: visitor.standing, identity: visitor.identity, outlet: this, udp: false, farewell: null };
    }
    return visitor.role === "issuer"
      ? { kind: "issuer", identity: null, outlet: this, udp: false, farewell: null }
      : null;
  }

  #request(value: unknown): void {
    const message = nodeMessage.safeParse(value);
    if (!message.success) {
      const newer = unknownRequest.safeParse(value);
      if (newer.success)
        this.#fail(newer.data.id, new AppError("unknown-call", { call: newer.data.request.call }));
      else this.#garbage("message unreadable");
      return;
    }
    const { id, request } = message.data;
    if (request.call === "carry" && !this.#carried.spend(1, this.#options.now())) {
      this.#options.refused("carry often");
      this.#fail(id, new AppError("too-many-tries"));
      return;
    }
    if (++this.#queued > longQueue) this.#hold("queue");
    this.#queue = this.#queue.then(async () => {
      await this.#answer(id, request);
      if (--this.#queued <= longQueue / 2) this.#release("queue");
    });
  }

  async #answer(id: number, request: z.infer<typeof nodeMessage>["request"]): Promise<void> {
    if (this.#state.kind !== "open") return;
    const { visitor, seat } = this.#state;
    try {
      const asker = { visitor, seat, outlet: this, reserved: this.#reserved };
      this.send({ kind: "answer", id, answer: await this.#options.desk.answer(request, asker) });
    } catch (error) {
      const said = this.#asAppError(error);
      this.#options.refused(`${request.call} ${said.code}`);
      this.#fail(id, said);
    }
    if (seat !== null && seat.farewell !== null) this.refuse(seat.farewell);
  }

  #fail(id: number, failure: AppError): void {
    const { code, message, data } = toWireError(failure);
    this.send({ kind: "failure", id, error: { code, message, data } });
  }

  /** What goes wrong inside is for this machine's log, not for whoever asked. */
  #asAppError(error: unknown): AppError {
    if (error instanceof AppError) return error;
    this.#options.log("control failed", { error: error instanceof Error ? error.stack : String(error) });
    return new AppError("internal", { detail: "the router failed", logs: "its log folder" });
  }

  #garbage(cause: string): void {
    this.#options.refused(cause);
    this.refuse(new AppError("not-allowed", { detail: "it did not understand the message" }));
  }

  #rest(wait: Millis): void {
    this.#hold("rate");
    if (this.#resuming !== null) clearTimeout(this.#resuming);
    this.#resuming = setTimeout(() => this.#release("rate"), wait);
  }

  #hold(reason: Hold): void {
    if (this.#holds.size === 0) this.#options.channel.pause();
    this.#holds.add(reason);
  }

  #release(reason: Hold): void {
    if (!this.#holds.delete(reason) || this.#holds.size > 0 || this.#state.kind === "closed") return;
    this.#heard = this.#options.now();
    this.#options.channel.resume();
  }

  #cut(): void {
    this.#options.channel.cut();
    this.#end();
  }

  #end(): void {
    const before = this.#state;
    if (before.kind === "closed") return;
    this.#state = { kind: "closed" };
    if (this.#resuming !== null) clearTimeout(this.#resuming);
    if (before.kind === "open" && before.visitor.role !== "host" && before.seat !== null) {
      before.visitor.hosted.audience.leave(before.seat);
    }
    this.#options.closed(this);
  }
}

/** How a node may reach the router, in the words of the welcome. */
function offerOf({ stunPort, linkPort, udp = true, links = [], mask }: OtherPorts): {
  readonly stunPort: number | null;
  readonly udp: boolean;
  readonly links: OfferedLink[];
  readonly mask: string | null;
} {
  return {
    stunPort,
    udp,
    links: [...links, ...(linkPort === null ? [] : [{ transport: "tcp", port: linkPort }])],
    mask: mask ?? null,
  };
}

/** A request of a newer node. */
const unknownRequest = z.object({
  kind: z.literal("request"),
  id: z.number().int(),
  request: z.looseObject({
    call: z
      .string()
      .max(64)
      .refine((call) => !Object.hasOwn(controlAnswers, call)),
  }),
});
const helloMillis: Millis = 10_000;
/** Nodes ask for a sign of life after 3 s of silence. */
const silenceMillis: Millis = 10_000;
const longestHello = 65_536;
const mostQueued = 8 << 20;
const mostChain = 64;
const longQueue = 32;
