/** Programs of the operating system that change it, where it has no calls for that. */
import { execFile } from "node:child_process";

/** Runs one by its whole path, without a shell; null when it did it, else what it said. */
export function runTool(path: string, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(path, [...args], { timeout: patienceMillis, windowsHide: true }, (error, output, complaint) => {
      const said = (complaint.trim() || output.trim()).split("\n")[0]?.trim();
      resolve(error === null ? null : said || error.message);
    });
  });
}

const patienceMillis = 15_000;
