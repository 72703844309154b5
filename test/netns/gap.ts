/** How long a connection stands still while something happens to the path below it. */
import { bundle } from "./bundle.mjs";
import type { Child, Host } from "./host.ts";

export interface Gap {
  /** Lines typed, and how many of them came back. */
  readonly sent: number;
  readonly echoed: number;
  /** Longest silence between two echoes, in milliseconds; a line is typed every 20. */
  readonly longestMillis: number;
  /** What broke the connection; null when it held. */
  readonly error: string | null;
}

/** A running connection with a line typed every 20 ms; `end` says how it went. */
export interface Typing {
  end(): Promise<Gap>;
}

/** Types from one host to an address of another, over one TCP connection. */
export async function startTyping(
  from: Host,
  to: { readonly host: Host; readonly address: string },
): Promise<Typing> {
  const program = await bundle("test/netns/keystrokes.ts");
  const port = String(nextPort++);
  const start = (host: Host, mode: string): Child =>
    host.start(process.execPath, [program, mode, to.address, port]);
  const server = start(to.host, "serve");
  await server.says(/listening/);
  const client = start(from, "type");
  await client.says(/typing/);
  return {
    end: async () => {
      client.process.stdin.end();
      const [text] = await client.says(/\{.*\}/);
      await server.stop();
      const { sent, echoed, gaps, error } = JSON.parse(text);
      return { sent, echoed, longestMillis: gaps[0], error };
    },
  };
}

let nextPort = 6200;
