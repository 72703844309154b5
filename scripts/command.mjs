// @ts-check
/** Starts other programs and hears how they ended. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { delimiter, join } from "node:path";

/** A set-up or test step that cannot go on; the message is the one line a person reads. */
export class StepFailed extends Error {}

/**
 * Runs a program and collects all that it says; `said` hears it as it comes, `heard` its latest line. `priority`: as for
 * `os.setPriority`, what the program starts has it, too.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, said?: (text: string) => void,
 *   heard?: (line: string) => void, priority?: number }} [options]
 * @returns {Promise<{ code: number, output: string }>}
 */
export function run(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      // What is collected is printed later, if at all, and by then it is plain text.
      env: { ...process.env, NO_COLOR: "1", ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    if (child.pid !== undefined && options.priority !== undefined) setPriority(child.pid, options.priority);
    endWithUs(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (/** @type {string} */ text) => {
        output += text;
        options.said?.(text);
        const line = text.trimEnd().split("\n").at(-1);
        if (line) options.heard?.(line.trim());
      });
    }
    child.on("error", (error) => resolve({ code: 127, output: `${output}${error.message}\n` }));
    child.on("close", (code, signal) => resolve({ code: code ?? (signal ? 128 : 1), output }));
  });
}

/**
 * Runs a program on this terminal; signals that reach us reach it, and its exit code is the answer.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {import("node:child_process").SpawnOptions} [options]
 * @returns {Promise<number>}
 */
export function runHere(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: "inherit", ...options });
    /** @param {NodeJS.Signals} signal */
    const pass = (signal) => child.kill(signal);
    for (const signal of PASSED_ON) process.on(signal, pass);
    child.on("error", (error) => {
      process.stderr.write(`${program}: ${error.message}\n`);
      resolve(127);
    });
    child.on("exit", (code, signal) => {
      for (const each of PASSED_ON) process.off(each, pass);
      resolve(code ?? (signal === "SIGINT" ? 130 : signal === "SIGTERM" ? 143 : 1));
    });
  });
}

/**
 * Where a program lies, in the search path or in one of the other folders.
 * @param {string} name
 * @param {readonly string[]} [others]
 * @returns {string | undefined}
 */
export function find(name, others = []) {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...others].filter(
    (folder) => folder !== "",
  );
  const names = process.platform === "win32" ? [`${name}.exe`, `${name}.cmd`] : [name];
  return folders
    .flatMap((folder) => names.map((each) => join(folder, each)))
    .find((path) => existsSync(path));
}

/**
 * A signal that ends this process ends the child, too.
 * @param {import("node:child_process").ChildProcess} child
 */
function endWithUs(child) {
  if (running.size === 0) for (const signal of PASSED_ON) process.on(signal, endAll);
  running.add(child);
  const over = () => {
    running.delete(child);
    if (running.size === 0) for (const signal of PASSED_ON) process.off(signal, endAll);
  };
  child.on("error", over);
  child.on("close", over);
}

/** @param {NodeJS.Signals} signal */
function endAll(signal) {
  for (const child of running) child.kill(signal);
  process.exit(128 + constants.signals[signal]);
}

/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();

/** @type {readonly NodeJS.Signals[]} */
const PASSED_ON = ["SIGINT", "SIGTERM", "SIGHUP"];
