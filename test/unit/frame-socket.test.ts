/** The connection to the privileged helper: frames over a stream, with descriptors. */
import { spawn } from "node:child_process";
import { closeSync, fstatSync, openSync, statSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameSocket } from "../../src-main/system/frame-socket.ts";
import type { Frame } from "../../src-main/system/helper-frame.ts";
import { encodeFrame, FrameReader, longestBody } from "../../src-main/system/helper-frame.ts";

test("[Z33] frames are read as they were sent, however the stream is cut", () => {
  const body = fc.uint8Array({ minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(body, fc.array(fc.nat(999), { maxLength: 4 }))),
      fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
      (sent, cuts) => {
        const reader = new FrameReader();
        const found: Frame[] = [];
        for (const [bytes, descriptors] of sent) {
          let rest = encodeFrame(bytes, descriptors.length) ?? new Uint8Array();
          let shown: readonly number[] = descriptors;
          while (rest.length > 0) {
            const length = Math.min(reader.wanted, rest.length, cuts.next().value ?? 1);
            const frame = reader.push(rest.subarray(0, length), shown);
            if (typeof frame !== "string") found.push(frame);
            rest = rest.subarray(length);
            shown = [];
          }
        }
        expect(found.map(({ bytes, descriptors }) => [Uint8Array.from(bytes), descriptors])).toEqual(sent);
      },
    ),
  );
});

test("[Z33] what is no frame is broken, and nothing makes the reader throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.array(fc.nat(99), { maxLength: 2 }), (bytes, shown) => {
      const reader = new FrameReader();
      let at = 0;
      while (at < bytes.length) {
        const { wanted } = reader;
        expect(wanted).toBeGreaterThan(0);
        if (reader.push(bytes.subarray(at, at + wanted), at === 0 ? shown : []) === "broken") return;
        at += wanted;
      }
    }),
  );
  const read = (...bytes: number[]) => new FrameReader().push(Uint8Array.from(bytes), []);
  expect(read(1, 0, 0, 0, 0, 0, 0, 1)).toBe("more");
  expect(read(2, 0, 0, 0, 0, 0, 0, 1)).toBe("broken");
  expect(read(1, 5, 0, 0, 0, 0, 0, 1)).toBe("broken");
  expect(read(1, 0, 0, 1, 0, 0, 0, 1)).toBe("broken");
  expect(read(1, 0, 0, 0, 0, 2, 0, 1)).toBe("broken");
  expect(read(1, 0, 0, 0, 0, 0, 0, 0)).toBe("broken");
});

describe.skipIf(process.platform === "win32")("a connection to the helper", () => {
  test("[Z33] an answer is waited for, also by a socket that was watched before", () => {
    const { ours, theirs } = pair();
    ours.watch(() => undefined).close();
    const script = String.raw`read line; printf '\001\000\000\000\000\000\000\006answer'`;
    const child = spawn("sh", ["-c", script], { stdio: ["pipe", theirs, "ignore"] });
    closeSync(theirs);
    child.stdin?.write("go\n");
    const frame = ours.receive({ wait: true });
    expect(typeof frame === "string" ? frame : Buffer.from(frame.bytes).toString()).toBe("answer");
    expect(ours.receive({ wait: true })).toBe("ended");
    ours.close();
  });

  test("[Z33] a descriptor comes with its own frame, and what is too long does not go", () => {
    const { ours, theirs } = pair();
    const other = new FrameSocket(theirs);
    const shown = openSync("/dev/null", "r");
    const long = Buffer.alloc(6000, 7);
    expect(ours.send(Buffer.from("plain"))).toBe(true);
    expect(ours.send(Buffer.from("with one"), shown)).toBe(true);
    closeSync(shown);
    const [plain, withOne] = [other.receive(), other.receive()];
    if (typeof plain === "string" || typeof withOne === "string") throw new Error("a frame is missing");
    expect([text(plain), plain.descriptors]).toEqual(["plain", []]);
    const [fd = -1] = withOne.descriptors;
    expect([text(withOne), fstatSync(fd).rdev]).toEqual(["with one", statSync("/dev/null").rdev]);
    closeSync(fd);
    expect(other.receive()).toBe("nothing");
    expect(ours.send(long)).toBe(true);
    const received = other.receive();
    expect(typeof received === "string" ? received : received.bytes.length).toBe(long.length);
    expect(ours.send(Buffer.alloc(longestBody + 1))).toBe(false);
    ours.close();
    expect(other.receive()).toBe("ended");
    other.close();
  });
});

function pair() {
  const both = FrameSocket.pair();
  if (both === null) throw new Error("no pair of sockets");
  return both;
}

function text({ bytes }: Frame): string {
  return Buffer.from(bytes).toString();
}
