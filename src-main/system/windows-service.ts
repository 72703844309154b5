/** Windows: the service, by the service control manager's own calls. */
import { setTimeout as after } from "node:timers/promises";
import koffi from "koffi";
import type { AppError } from "../../src-shared/errors.ts";
import type { Service, ServiceProgram, ServiceState } from "./service.ts";
import { serviceRefusal } from "./service.ts";
import type { runTool } from "./tool.ts";
import { windowsTool } from "./tool.ts";
import { ownUser } from "./windows-security.ts";

/** Name of the service, as `sc.exe query` takes it. */
export const serviceName = "Starmesh";

/** The service of this Windows; `run` calls programs of the system. Whoever installs it may use its engine. */
export function windowsService(run: typeof runTool): Service {
  return {
    state: async () => withService(queryStatus, async (service) => stateOf(service), "absent"),
    async install(program) {
      const line = serviceLine(program, ownUser());
      await withManager(createService, async (manager) => {
        const there = open(manager, everything);
        const service = there ?? create(manager, line);
        try {
          if (there !== null) {
            await stop(there);
            change(there, line);
          }
          describe(service);
          await setSurroundings(run);
          demand(loadCalls().start(service, 0, null), "start it");
          await untilRuns(service, program.folder);
        } finally {
          loadCalls().close(service);
        }
      });
      return null;
    },
    uninstall: async () =>
      withService(
        everything,
        async (service) => {
          await stop(service);
          demand(loadCalls().remove(service), "remove it");
        },
        undefined,
      ),
  };
}

/** What the service control manager runs, as one line that Windows takes apart into words (`CommandLineToArgvW`). */
export function serviceLine({ node, commandLine, folder }: ServiceProgram, user: string): string {
  const words = [node, commandLine, "--state", folder, "service", "run", "--user", user];
  return words.map(quoted).join(" ");
}

/** No path has quotation marks in it; backslashes before the closing one are doubled. */
function quoted(word: string): string {
  return /^[\w.:-]+$/.test(word) ? word : `"${word.replace(/\\+$/, "$&$&")}"`;
}

function create(manager: unknown, line: string): unknown {
  const service = loadCalls().create(
    manager,
    serviceName,
    serviceName,
    everything,
    ownProcess,
    startsWithMachine,
    errorIsLogged,
    line,
    null,
    null,
    needed,
    null,
    null,
  );
  if (service === null) throw refused("lay it");
  return service;
}

function change(service: unknown, line: string): void {
  const { change } = loadCalls();
  demand(
    change(
      service,
      ownProcess,
      startsWithMachine,
      errorIsLogged,
      line,
      null,
      null,
      needed,
      null,
      null,
      serviceName,
    ),
    "change it",
  );
}

/** What people read of it, and that it is started again when it fails, whether it ended by itself or with an error. */
function describe(service: unknown): void {
  const { description, failureActions, failureFlag } = loadCalls();
  description(service, level.description, { text: "Connects this machine to its private networks." });
  const actions = [firstPause, firstPause, laterPause].map((delay) => ({ kind: restart, delay }));
  failureActions(service, level.failureActions, {
    resetSeconds,
    message: null,
    command: null,
    count: actions.length,
    actions,
  });
  failureFlag(service, level.failureFlag, { on: 1 });
}

/** Electron is Node with the first; the second makes up for the thread that waits for the service control manager. */
async function setSurroundings(run: typeof runTool): Promise<void> {
  const values = ["ELECTRON_RUN_AS_NODE=1", "UV_THREADPOOL_SIZE=5"].join("\\0");
  const key = `HKLM\\SYSTEM\\CurrentControlSet\\Services\\${serviceName}`;
  const words = ["add", key, "/v", "Environment", "/t", "REG_MULTI_SZ", "/d", values, "/f"];
  const complaint = await run(windowsTool("reg.exe"), words);
  if (complaint !== null) throw serviceRefusal(complaint);
}

/** Waits until it has told that it runs. */
async function untilRuns(service: unknown, folder: string): Promise<void> {
  for (const deadline = Date.now() + patienceMillis; ; await after(pollMillis)) {
    const state = numberOfState(service);
    if (state === stateRunning) return;
    if (state === stateStopped)
      throw serviceRefusal(`it ended as soon as it was started; why is in ${folder}\\logs`);
    if (Date.now() > deadline) throw serviceRefusal("it does not start");
  }
}

/** One that is just starting takes no word yet. */
async function stop(service: unknown): Promise<void> {
  for (const deadline = Date.now() + patienceMillis; ; await after(pollMillis)) {
    const state = numberOfState(service);
    if (state === stateStopped) return;
    if (state === stateRunning) loadCalls().control(service, controlStop, status());
    if (Date.now() > deadline) throw serviceRefusal("it does not stop");
  }
}

function stateOf(service: unknown): Exclude<ServiceState, "absent"> {
  return numberOfState(service) === stateStopped ? "stopped" : "running";
}

function numberOfState(service: unknown): number {
  const row = status();
  demand(loadCalls().query(service, row), "ask how it is");
  return row.readUInt32LE(4);
}

function status(): Buffer {
  return Buffer.alloc(statusBytes);
}

/** Works on the service; answers what is given where there is none. */
async function withService<Result>(
  access: number,
  work: (service: unknown) => Promise<Result>,
  otherwise: Result,
): Promise<Result> {
  return withManager(connectOnly, async (manager) => {
    const service = open(manager, access);
    if (service === null) return otherwise;
    try {
      return await work(service);
    } finally {
      loadCalls().close(service);
    }
  });
}

async function withManager<Result>(
  access: number,
  work: (manager: unknown) => Promise<Result>,
): Promise<Result> {
  const manager = loadCalls().openManager(null, null, access);
  if (manager === null) throw refused("reach the service control manager");
  try {
    return await work(manager);
  } finally {
    loadCalls().close(manager);
  }
}

function open(manager: unknown, access: number): unknown {
  const service = loadCalls().open(manager, serviceName, access);
  if (service === null && loadCalls().lastError() !== noSuchService) throw refused("open it");
  return service;
}

function demand(done: number, action: string): void {
  if (done === 0) throw refused(action);
}

function refused(action: string): AppError {
  const error = loadCalls().lastError();
  return error === accessDenied
    ? serviceRefusal("only an administrator may: open a terminal by “Run as administrator”")
    : serviceRefusal(`Windows error ${error}: ${action}`);
}

function loadCalls() {
  loaded ??= bindCalls();
  return loaded;
}

function bindCalls() {
  const library = koffi.load("advapi32.dll");
  const text = "str16";
  const number = "uint32_t";
  const handle = "void *";
  const kept = [number, number, number, text, text, handle, koffi.pointer("uint8_t"), text, text] as const;
  const statusOut = koffi.inout(koffi.pointer("uint8_t"));
  /** ChangeServiceConfig2W takes another structure for each level. */
  const detail = (members: Parameters<typeof koffi.struct>[0]) =>
    library.func("ChangeServiceConfig2W", "int", [handle, number, koffi.pointer(koffi.struct(members))]);
  const action = koffi.struct({ kind: "int", delay: number });
  return {
    openManager: library.func("OpenSCManagerW", handle, [text, text, number]),
    open: library.func("OpenServiceW", handle, [handle, text, number]),
    create: library.func("CreateServiceW", handle, [handle, text, text, number, ...kept]),
    change: library.func("ChangeServiceConfigW", "int", [handle, ...kept, text]),
    description: detail({ text }),
    failureActions: detail({
      resetSeconds: number,
      message: text,
      command: text,
      count: number,
      actions: koffi.pointer(action),
    }),
    failureFlag: detail({ on: "int" }),
    start: library.func("StartServiceW", "int", [handle, number, handle]),
    control: library.func("ControlService", "int", [handle, number, statusOut]),
    query: library.func("QueryServiceStatus", "int", [handle, statusOut]),
    remove: library.func("DeleteService", "int", [handle]),
    close: library.func("CloseServiceHandle", "int", [handle]),
    lastError: koffi.load("kernel32.dll").func("GetLastError", number, []),
  };
}

let loaded: ReturnType<typeof bindCalls> | null = null;
// Numbers of winsvc.h and winerror.h.
const connectOnly = 1;
const createService = 2;
const queryStatus = 4;
const everything = 0xf_01ff;
const ownProcess = 0x10;
const startsWithMachine = 2;
const errorIsLogged = 1;
const controlStop = 1;
const stateStopped = 1;
const stateRunning = 4;
const statusBytes = 28;
const level = { description: 1, failureActions: 2, failureFlag: 4 };
const restart = 1;
const accessDenied = 5;
const noSuchService = 1060;
/** What has to run first: the interfaces' own services. */
const needed = Buffer.from("nsi\0Tcpip\0\0", "utf16le");
/** Milliseconds until it is started again; the last counts for all that follow. */
const firstPause = 2_000;
const laterPause = 10_000;
const resetSeconds = 600;
const patienceMillis = 60_000;
const pollMillis = 100;
