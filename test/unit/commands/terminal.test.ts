import { describe, expect, it } from "vitest";
import { summary } from "../../../src-main/commands/ping.ts";
import { createTerminal } from "../../../src-main/commands/terminal.ts";

/** What a terminal wrote, with the escape character shown as ^. */
function written(options: { tty: boolean; environment?: Record<string, string> }) {
  const texts = { output: "", errors: "" };
  const show = (text: string) => text.replaceAll(String.fromCharCode(0x1b), "^");
  const terminal = createTerminal({
    output: { isTTY: options.tty, write: (text) => (texts.output += show(text)) },
    errors: { isTTY: options.tty, write: (text) => (texts.errors += show(text)) },
    environment: options.environment ?? {},
  });
  return { terminal, texts };
}

describe("a terminal", () => {
  it("has colours, a pipe has none, and NO_COLOR takes them away", () => {
    const rows = [[{ text: "online", colour: "green" } as const]];
    const watched = written({ tty: true });
    watched.terminal.table(["STATE"], rows);
    expect(watched.texts.output).toBe("^[2mSTATE^[0m\n^[32monline^[0m\n");
    for (const plain of [
      written({ tty: false }),
      written({ tty: true, environment: { NO_COLOR: "1" } }),
      written({ tty: true, environment: { TERM: "dumb" } }),
    ]) {
      plain.terminal.table(["STATE"], rows);
      expect(plain.texts.output).toBe("STATE\nonline\n");
    }
  });

  it("shows one step at a time, and nothing of it in a pipe", () => {
    const { terminal, texts } = written({ tty: true });
    terminal.progress("Reaching the router");
    terminal.progress("Being admitted");
    terminal.note("Joined.");
    expect(texts.errors).toBe("Reaching the router …\r^[2KBeing admitted …\r^[2KJoined.\n");
    const pipe = written({ tty: false });
    pipe.terminal.progress("Reaching the router");
    pipe.terminal.print("x");
    expect(pipe.texts).toEqual({ output: "x\n", errors: "" });
  });

  it("draws pictures dark on light, whatever its colours", () => {
    const { terminal, texts } = written({ tty: true });
    terminal.picture(["▀▄"]);
    expect(texts).toEqual({ output: "", errors: "^[30;107m▀▄^[0m\n" });
  });
});

describe("the closing lines of ping", () => {
  it("count and spread", () => {
    expect(summary("nas", { sent: 4, latencies: [1, 2, 3], millis: 3012 })).toEqual([
      "",
      "--- nas: 4 sent, 3 received, 25 % lost, 3.0 s ---",
      "round trip min/avg/max/mdev = 1.00/2.00/3.00/0.82 ms",
    ]);
    expect(summary("nas", { sent: 2, latencies: [], millis: 1000 })).toEqual([
      "",
      "--- nas: 2 sent, 0 received, 100 % lost, 1.0 s ---",
    ]);
  });
});
