/** The connection to the privileged helper. */
import { spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { expect, test } from "vitest";
import { PacketSocket } from "../../src-main/system/packet-socket.ts";

test.skipIf(process.platform !== "linux")(
  "[Z33] an answer is waited for, also by a socket that was watched before",
  () => {
    const pair = PacketSocket.pair();
    if (pair === null) throw new Error("no pair of sockets");
    const { ours, theirs } = pair;
    ours.watch(() => undefined).close();
    const child = spawn("sh", ["-c", "read line; printf answer"], { stdio: ["pipe", theirs, "ignore"] });
    closeSync(theirs);
    child.stdin?.write("go\n");
    const packet = ours.receive({ wait: true });
    expect(typeof packet === "string" ? packet : Buffer.from(packet.bytes).toString()).toBe("answer");
    expect(ours.receive({ wait: true })).toBe("ended");
    ours.close();
  },
);
