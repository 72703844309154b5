/** Linux: what is asked of nftables through its program `nft`. Tables of ours are replaced as a whole. */
import { spawn } from "node:child_process";
import { AppError } from "../../src-shared/errors.ts";

/** Replaces a table of family `inet` by these chains and sets, in one step; null removes it, also when it is gone already. */
export async function replaceTable(name: string, body: string | null): Promise<void> {
  // Declared first, so that the deletion finds it; all of it is one transaction.
  const cleared = `table inet ${name}\ndelete table inet ${name}\n`;
  await loadRules(body === null ? cleared : `${cleared}table inet ${name} {\n${body}\n}\n`);
}

/** Carries out commands of nft(8) in one step, all or none. Throws `no-privilege`, `system-refused`. */
export async function loadRules(text: string): Promise<void> {
  const { code, said } = await run(["-f", "-"], text);
  if (code === 0) return;
  if (said.includes("Operation not permitted")) throw new AppError("no-privilege");
  throw refusal(said.split("\n")[0] ?? "");
}

/** What a list command of nft(8) prints as JSON, with handles; null when it was refused. */
export async function listRules(command: readonly string[]): Promise<string | null> {
  const { code, printed } = await run(["--json", "--handle", ...command], "");
  return code === 0 ? printed : null;
}

interface Ended {
  readonly code: number | null;
  readonly printed: string;
  readonly said: string;
}

function run(args: readonly string[], input: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn("nft", [...args], {
      env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` },
      stdio: ["pipe", "pipe", "pipe"],
    });
    let [printed, said] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (more: string) => {
      printed += more;
    });
    child.stderr.setEncoding("utf8").on("data", (more: string) => {
      said += more;
    });
    child.once("error", (error) => reject(refusal(missing(error) ?? error.message)));
    child.once("close", (code) => resolve({ code, printed, said }));
    // A child that never started takes no input; `error` says so.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

function missing(error: Error): string | null {
  return "code" in error && error.code === "ENOENT"
    ? "the program nft is missing; install the package nftables"
    : null;
}

function refusal(detail: string): AppError {
  return new AppError("system-refused", { action: "set rules for packets that pass through", detail });
}
