/** Windows: this process as the service that the service control manager started (winsvc.h). */
import koffi from "koffi";
import { AppError } from "../../src-shared/errors.ts";
import type { ServiceControl } from "./service.ts";
import { serviceName } from "./windows-service.ts";

/**
 * Does the work as the service: tells the service control manager how it is, and with which status it ended. Answers that status.
 * Throws `usage` where no service control manager started this process.
 */
export async function runAsService(work: (control: ServiceControl) => Promise<number>): Promise<number> {
  const conversation = new Conversation();
  // Whatever ends this process, the thread that waits for the service control manager has to be let go first.
  const leave = () => conversation.tell(states.stopped, failed);
  process.once("exit", leave);
  try {
    await conversation.begin();
    const status = await work({
      ending: conversation.ending,
      ready: () => conversation.tell(states.running),
    });
    conversation.tell(states.stopped, status);
    await conversation.ended;
    return status;
  } finally {
    conversation.tell(states.stopped, failed);
    process.removeListener("exit", leave);
  }
}

class Conversation {
  /** The service control manager waits for nothing more. */
  ended: Promise<boolean> = Promise.resolve(false);
  readonly #ending = new AbortController();
  readonly #calls = bindCalls();
  #handle: unknown = null;
  #state: number = states.starting;

  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** Settles when the service control manager has called. */
  async begin(): Promise<void> {
    const { callbacks, dispatch } = this.#calls;
    const called = new Promise<true>((resolve) => {
      const main = koffi.register(() => {
        this.#handle = this.#calls.register(serviceName, handler, null);
        this.tell(states.starting);
        resolve(true);
      }, koffi.pointer(callbacks.main));
      const handler = koffi.register(
        (control: number) => this.#hear(control),
        koffi.pointer(callbacks.handler),
      );
      this.ended = new Promise((settle) => {
        dispatch.async(
          [
            { name: serviceName, main },
            { name: null, main: null },
          ],
          (_error: unknown, done: unknown) => settle(done !== 0),
        );
      });
    });
    if (await Promise.race([called, this.ended])) return;
    const detail = "Windows itself starts this. Lay the service with: starmesh service install";
    throw new AppError("usage", { detail });
  }

  /** Tells how the service is; after `stopped` nothing is told any more. */
  tell(state: number, status = 0): void {
    if (this.#handle === null || this.#state === states.stopped) return;
    this.#state = state;
    const row = Buffer.alloc(28);
    const accepted = state === states.running ? acceptsStop | acceptsPreshutdown : 0;
    const fields = [ownProcess, state, accepted, status === 0 ? 0 : ownError, status, 0, waitMillis];
    for (const [at, value] of fields.entries()) row.writeUInt32LE(value, 4 * at);
    this.#calls.setStatus(this.#handle, row);
  }

  #hear(control: number): number {
    if (control === controls.interrogate) return 0;
    if (control !== controls.stop && control !== controls.preshutdown) return notImplemented;
    this.tell(states.stopping);
    this.#ending.abort();
    return 0;
  }
}

function bindCalls() {
  const library = koffi.load("advapi32.dll");
  const callbacks = {
    main: koffi.proto("void", ["uint32_t", "void *"]),
    handler: koffi.proto("uint32_t", ["uint32_t", "uint32_t", "void *", "void *"]),
  };
  const entry = koffi.struct({ name: "str16", main: koffi.pointer(callbacks.main) });
  return {
    callbacks,
    dispatch: library.func("StartServiceCtrlDispatcherW", "int", [koffi.pointer(entry)]),
    register: library.func("RegisterServiceCtrlHandlerExW", "void *", [
      "str16",
      koffi.pointer(callbacks.handler),
      "void *",
    ]),
    setStatus: library.func("SetServiceStatus", "int", ["void *", koffi.pointer("uint8_t")]),
  };
}

const states = { stopped: 1, starting: 2, stopping: 3, running: 4 } as const;
const controls = { stop: 1, interrogate: 4, preshutdown: 15 } as const;
const acceptsStop = 0x1;
const acceptsPreshutdown = 0x100;
const ownProcess = 0x10;
/** The status is the service's own (`ERROR_SERVICE_SPECIFIC_ERROR`). */
const ownError = 1066;
const notImplemented = 120;
/** How long starting and stopping may take. */
const waitMillis = 30_000;
const failed = 1;
