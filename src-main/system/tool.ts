/** Programs of the operating system that change it, where it has no calls for that. */
import { execFile } from "node:child_process";
import { win32 } from "node:path";

/** Runs one by its whole path, without a shell; null when it did it, else what it said. */
export function runTool(path: string, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(path, [...args], { timeout: patienceMillis, windowsHide: true }, (error, output, complaint) => {
      const said = (complaint.trim() || output.trim()).split("\n")[0]?.trim();
      resolve(error === null ? null : said || error.message);
    });
  });
}

/** Whole path of a program of Windows'. */
export function windowsTool(file: string): string {
  return win32.join(process.env["SystemRoot"] ?? "C:\\Windows", "System32", file);
}

const patienceMillis = 15_000;
