/** How the privileged helper is reached: it listens as a service, has its right by its file, or is started by the user's leave. */
import { spawn } from "node:child_process";
import { accessSync, closeSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import koffi from "koffi";
import { AppError } from "../../src-shared/errors.ts";
import { FrameSocket } from "./frame-socket.ts";
import { HelperConnection } from "./helper-connection.ts";
import { darwinHelperSocket, layByLeave } from "./helper-darwin.ts";
import { helperProgram } from "./helper-program.ts";

/** The helper that runs already, or one whose file has the right (`setcap cap_net_admin+ep`); null: there is none. */
export function reachHelper(): HelperConnection | null {
  const socket = FrameSocket.connect(helperSocket());
  const listening = socket === null ? null : HelperConnection.begin(socket);
  if (listening !== null) return listening;
  const program = helperProgram();
  if (program === null || process.platform !== "linux" || !hasCapability(program)) return null;
  const child = startBeside(program, []);
  return child === null ? null : HelperConnection.begin(child.socket);
}

/** Whether the user can be asked. */
export function canAskUser(): boolean {
  return helperProgram() !== null && (process.platform === "darwin" || pkexec() !== null);
}

/** Has the system ask the user whether a helper may be started, and starts it. Throws `privilege-refused`. */
export async function startByLeave(): Promise<HelperConnection> {
  if (process.platform === "darwin") return layAndReach();
  const program = helperProgram();
  const ask = pkexec();
  if (program === null || ask === null)
    throw new AppError("privilege-refused", { detail: "polkit or the helper is not installed" });
  const child = startBeside(ask, [program, "stdin"]);
  if (child === null) throw new AppError("privilege-refused", { detail: "it could not be asked for" });
  const { socket, ended } = child;
  // It speaks only once it was let; until then a person reads and types.
  await new Promise<void>((resolve) => {
    const answered = socket.watch(() => {
      answered.close();
      resolve();
    });
    socket.send(Buffer.from(JSON.stringify({ version: 1, id: 0, request: { do: "hello" } })));
  });
  const hello = socket.receive({ wait: true });
  const connection = typeof hello === "string" ? null : HelperConnection.begin(socket);
  if (connection !== null) return connection;
  socket.close();
  throw new AppError("privilege-refused", { detail: whyRefused(await ended) });
}

/** launchd opens the socket while it takes the helper in. */
async function layAndReach(): Promise<HelperConnection> {
  const program = helperProgram();
  if (program === null) throw new AppError("privilege-refused", { detail: "the helper is not installed" });
  await layByLeave(program);
  for (let tries = 0; tries < mostTries; tries++) {
    const connection = reachHelper();
    if (connection !== null) return connection;
    await after(againMillis);
  }
  throw new AppError("helper-lost");
}

/** How a program that was started ended, with its last words. */
interface Ending {
  readonly code: number | null;
  readonly said: string;
}

/** What pkexec(1) means by its exit status, for people. */
function whyRefused({ code, said }: Ending): string {
  if (code === dismissed) return "the question was closed";
  if (/authentication agent|controlling terminal/i.test(said))
    return "no program runs here that could ask you";
  if (code === notAuthorized && /not authorized/i.test(said)) return "polkit, or who was asked, said no";
  return said.split("\n").at(-1) || "nobody gave it";
}

/** A program whose standard input is a connection to this process. */
function startBeside(
  program: string,
  args: readonly string[],
): { readonly socket: FrameSocket; readonly ended: Promise<Ending> } | null {
  const pair = FrameSocket.pair();
  if (pair === null) return null;
  const { ours, theirs } = pair;
  const words = args.length === 0 ? ["stdin"] : [...args];
  const child = spawn(program, words, { stdio: [theirs, "ignore", "pipe"] });
  closeSync(theirs);
  child.unref();
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (more: string) => {
    said = `${said}${more}`.slice(-longestComplaint);
  });
  const ended = new Promise<Ending>((resolve) => {
    child.once("error", (error) => resolve({ code: null, said: error.message }));
    child.once("close", (code) => resolve({ code, said: said.trim() }));
  });
  return { socket: ours, ended };
}

function helperSocket(): string {
  const usual = process.platform === "darwin" ? darwinHelperSocket : "/run/starmesh/helper.sock";
  return process.env["STARMESH_HELPER_SOCKET"] ?? usual;
}

function pkexec(): string | null {
  const folders = (process.env["PATH"] ?? "/usr/bin").split(delimiter);
  return folders.map((folder) => join(folder, "pkexec")).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether an administrator gave the file a right of its own (capabilities(7)). */
function hasCapability(path: string): boolean {
  const getxattr = koffi
    .load(null)
    .func("intptr_t getxattr(const char *path, const char *name, void *value, uintptr_t size)");
  return getxattr(path, "security.capability", null, 0) > 0;
}

const mostTries = 20;
const againMillis = 250;
const longestComplaint = 400;
/** Of pkexec: who was asked closed the question; it was not given, or could not be asked for. */
const dismissed = 126;
const notAuthorized = 127;
