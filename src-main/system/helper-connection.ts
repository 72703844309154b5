/** A connection to the privileged helper: requests in flight and their answers, and a second one that marks sockets at once. */
import { AppError } from "../../src-shared/errors.ts";
import type { OutsideProgram } from "../../src-shared/exit.ts";
import { FrameSocket } from "./frame-socket.ts";
import type { Frame } from "./helper-frame.ts";
import type { HelperAnswer, HelperRequest } from "./helper-requests.ts";
import { encodeHelperRequest, parseHelperAnswer } from "./helper-requests.ts";
import type { Firewall } from "./system.ts";

/** What was done, with the descriptors that came along. */
export interface Done {
  readonly name: string | null;
  readonly firewalls: readonly Firewall[];
  readonly process: number | null;
  readonly programs: readonly OutsideProgram[];
  readonly descriptors: readonly number[];
}

export class HelperConnection {
  /**
   * A connection of its own for the data plane, which marks its sockets over it; it is the data plane's to close. Null where the
   * system has no marks.
   */
  readonly marker: number | null;
  readonly #socket: FrameSocket;
  readonly #marks: FrameSocket | null;
  readonly #pending = new Map<number, Pending>();
  #watch: { close(): void } | null = null;
  #lastId = 0;

  private constructor(socket: FrameSocket, marks: FrameSocket | null, marker: number | null) {
    this.#socket = socket;
    this.#marks = marks;
    this.marker = marker;
  }

  /** Begins to speak with a helper; null when it does not answer, or lets this user ask for nothing. */
  static begin(socket: FrameSocket): HelperConnection | null {
    if (process.platform !== "linux") {
      const hello = askNow(socket, { id: 1, request: { do: "hello" } });
      if (hello !== null && isDone(hello)) return new HelperConnection(socket, null, null);
      socket.close();
      return null;
    }
    const markers = [1, 2].map((id) => askNow(socket, { id, request: { do: "marker" } }));
    const [one, other] = markers.map((frame) => frame?.descriptors[0]);
    if (one === undefined || other === undefined) {
      socket.close();
      return null;
    }
    return new HelperConnection(socket, new FrameSocket(one), other);
  }

  /** From now on answers are heard; calls back when the helper is gone. */
  open(onLost: () => void): void {
    this.#lastId = 2;
    this.#watch = this.#socket.watch(() => {
      for (;;) {
        const frame = this.#socket.receive();
        if (frame === "nothing") return;
        if (frame !== "ended" && this.#hear(frame)) continue;
        this.close();
        onLost();
        return;
      }
    });
  }

  /** Asks; throws what the helper refuses it with, and `helper-lost` when it ends meanwhile. */
  ask(request: HelperRequest, descriptor?: number): Promise<Done> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      if (!this.#socket.send(encodeHelperRequest(id, request), descriptor)) {
        reject(new AppError("helper-lost"));
        return;
      }
      this.#pending.set(id, { resolve, reject });
    });
  }

  /** Has a socket marked as one that carries networks; whether it was. */
  mark(descriptor: number): boolean {
    if (this.#marks === null) return false;
    const frame = askNow(this.#marks, { id: 1, request: { do: "mark" }, descriptor });
    return frame !== null && isDone(frame);
  }

  /** Idempotent. */
  close(): void {
    this.#watch?.close();
    this.#watch = null;
    this.#socket.close();
    this.#marks?.close();
    for (const { reject } of this.#pending.values()) reject(new AppError("helper-lost"));
    this.#pending.clear();
  }

  #hear({ bytes, descriptors }: Frame): boolean {
    const answer: HelperAnswer | null = parseHelperAnswer(bytes);
    const pending = answer === null ? undefined : this.#pending.get(answer.id);
    if (answer === null || pending === undefined) return false;
    this.#pending.delete(answer.id);
    const { done, error } = answer;
    if (error === null)
      pending.resolve({
        name: done.name ?? null,
        firewalls: done.firewalls ?? [],
        process: done.process ?? null,
        programs: done.programs ?? [],
        descriptors,
      });
    else pending.reject(error);
    return true;
  }
}

function isDone({ bytes }: Frame): boolean {
  return parseHelperAnswer(bytes)?.error === null;
}

interface Pending {
  readonly resolve: (done: Done) => void;
  readonly reject: (error: AppError) => void;
}

/** Asks and waits for the answer, which takes the helper no longer than a call of the system. */
function askNow(
  socket: FrameSocket,
  {
    id,
    request,
    descriptor,
  }: { readonly id: number; readonly request: HelperRequest; readonly descriptor?: number },
): Frame | null {
  if (!socket.send(encodeHelperRequest(id, request), descriptor)) return null;
  const frame = socket.receive({ wait: true });
  return typeof frame === "string" ? null : frame;
}
