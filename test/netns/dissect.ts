/** What a firewall that looks inside takes packets for: Wireshark's dissectors over what was captured. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Packets of a capture that match a display filter, each with the values of some fields. */
export function dissect(capture: Buffer, filter: string, fields: readonly string[]): readonly string[][] {
  const folder = mkdtempSync(join(tmpdir(), "dissect-"));
  try {
    const file = join(folder, "capture.pcap");
    writeFileSync(file, Uint8Array.from(capture));
    const columns = fields.flatMap((field) => ["-e", field]);
    const args = ["-n", "-r", file, "-Y", filter, "-T", "fields", "-E", "separator=/t", ...columns];
    const text = execFileSync("tshark", args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      maxBuffer: 64 << 20,
    });
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.split("\t"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** How many packets of each kind match a filter, by the innermost protocol that was recognised. */
export function protocols(capture: Buffer, filter: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [stack = ""] of dissect(capture, filter, ["frame.protocols"])) {
    const innermost = stack.split(":").at(-1) ?? "";
    counts.set(innermost, (counts.get(innermost) ?? 0) + 1);
  }
  return counts;
}
