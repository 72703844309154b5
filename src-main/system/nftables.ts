/** Linux: tables of nftables that are ours alone. Each is replaced as a whole; nobody else's rules are touched. */
import { spawn } from "node:child_process";
import { AppError } from "../../src-shared/errors.ts";

/** Replaces a table of family `inet` by these chains and sets, in one step; null removes it, also when it is gone already. */
export async function replaceTable(name: string, body: string | null): Promise<void> {
  // Declared first, so that the deletion finds it; all of it is one transaction.
  const cleared = `table inet ${name}\ndelete table inet ${name}\n`;
  await load(body === null ? cleared : `${cleared}table inet ${name} {\n${body}\n}\n`);
}

function load(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("nft", ["-f", "-"], {
      env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` },
      stdio: ["pipe", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (more: string) => {
      said += more;
    });
    child.once("error", (error) => reject(refusal(missing(error) ?? error.message)));
    child.once("close", (code) => {
      if (code === 0) resolve();
      else if (said.includes("Operation not permitted")) reject(new AppError("no-privilege"));
      else reject(refusal(said.split("\n")[0] ?? ""));
    });
    // A child that never started takes no input; `error` says so.
    child.stdin.on("error", () => undefined);
    child.stdin.end(text);
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
