/**
 * Linux: lets polkit ask in this terminal, for an engine that has none of its own. What pkexec(1) brings for that does not work
 * everywhere: started from a user's terminal, polkit does not find its question again (“No session for cookie”).
 */
import { spawn } from "node:child_process";
import type { Readable } from "node:stream";

/** Does something during which the engine, a process of this user, may ask for a password here; a desktop's own question comes first. */
export async function askingHere<Result>(engine: number, ask: () => Promise<Result>): Promise<Result> {
  if (process.platform !== "linux" || !process.stdin.isTTY) return ask();
  const words = ["--process", String(engine), "--fallback", "--notify-fd", "3"];
  const agent = spawn(program, words, { stdio: ["inherit", "ignore", "ignore", "pipe"] });
  const gone = new Promise<void>((resolve) => {
    // Where it is not installed, the system asks by what it has.
    agent.once("error", () => resolve());
    agent.once("exit", () => resolve());
  });
  const ready = agent.stdio[3] as Readable;
  await Promise.race([gone, new Promise((resolve) => ready.once("close", resolve).resume())]);
  try {
    return await ask();
  } finally {
    agent.kill();
    await gone;
  }
}

const program = "pkttyagent";
