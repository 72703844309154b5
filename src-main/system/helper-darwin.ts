/**
 * macOS: the helper is a daemon that launchd starts for whoever connects. It is laid once, by the user's leave: the system itself
 * asks for an administrator's password (osascript(1)), which also works for a program that Apple did not sign, where SMAppService
 * does not.
 */
import { execFile } from "node:child_process";
import { AppError } from "../../src-shared/errors.ts";

/** Where launchd listens for the helper; the same in `drivers/helper/src/darwin/callers.rs`. */
export const darwinHelperSocket = "/var/run/io.starmesh.helper.sock";

/** Has an administrator asked whether the helper may be laid for this user, and lays it. Throws `privilege-refused`. */
export async function layByLeave(program: string): Promise<void> {
  const refusal = await said(leaveWords(program, process.getuid?.() ?? 0));
  if (refusal !== null) throw new AppError("privilege-refused", { detail: whyRefused(refusal) });
}

/** What osascript(1) is called with. Program and user are arguments of the script and no part of it. */
export function leaveWords(program: string, user: number): readonly string[] {
  const { locale } = Intl.DateTimeFormat().resolvedOptions();
  const prompt = locale.startsWith("zh") ? prompts.zh : prompts.en;
  const lines = [
    "on run {program, user, reason}",
    'do shell script (quoted form of program) & " install --user " & (quoted form of user) with prompt reason with administrator privileges',
    "end run",
  ];
  return [...lines.flatMap((line) => ["-e", line]), program, String(user), prompt];
}

function whyRefused(refusal: string): string {
  return refusal.includes("-128") ? "the question was closed" : refusal;
}

/** Null when it was done, else the last line of what it said. A person reads and types meanwhile. */
function said(words: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    execFile("/usr/bin/osascript", [...words], (error, _, complaint) => {
      const line = complaint.trim().split("\n").at(-1);
      resolve(error === null ? null : line || error.message);
    });
  });
}

const prompts = {
  en: "Starmesh needs a small helper to open its network interface. It asks this once.",
  zh: "Starmesh 需要一个小的辅助程序来打开网络接口。只询问这一次。",
};
