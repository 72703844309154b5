/** Asks a router's plain page who is there: the router, somebody in its place, or nobody. */
import type { IncomingMessage } from "node:http";
import { request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import { connect, isIP } from "node:net";
import { z } from "zod";
import type { Millis } from "../../src-shared/ids.ts";
import { splitHostPort } from "../../src-shared/ids.ts";
import { parseJson } from "../../src-shared/json.ts";

/** Who answers at a router's address. */
export type Health =
  /** `clockMillis`: its clock when it answered, to the second; null when it did not say. */
  | { readonly kind: "router"; readonly millis: number; readonly clockMillis: Millis | null }
  /** Somebody else: a captive portal, a proxy, another server. */
  | { readonly kind: "stranger" }
  | { readonly kind: "silent" };

/** Whether a TCP port answers. `refused`: the way is open, nobody listens. */
export type TcpState = "open" | "refused" | "silent";

/** The certificate is not looked at: this only tells who seems to be there; who it is is proved on the control socket. */
export async function askHealth(address: string): Promise<Health> {
  const parts = splitHostPort(address);
  if (parts === null) return { kind: "silent" };
  const began = performance.now();
  const secure = await ask(requestTls, parts);
  if (secure === "error") {
    // A portal often speaks plain HTTP on every port.
    const plain = await ask(requestPlain, parts);
    return plain === "error" || plain === "silent" ? { kind: "silent" } : { kind: "stranger" };
  }
  if (secure === "silent") return { kind: "silent" };
  if (!healthy.safeParse(parseJson(secure.body)).success) return { kind: "stranger" };
  const clock = Date.parse(secure.date ?? "");
  const millis = performance.now() - began;
  return { kind: "router", millis, clockMillis: Number.isNaN(clock) ? null : clock };
}

/** Tries to connect. */
export function askTcp(host: string, port: number): Promise<TcpState> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (state: TcpState) => {
      socket.destroy();
      resolve(state);
    };
    socket.setTimeout(patienceMillis, () => end("silent"));
    socket.once("connect", () => end("open"));
    socket.once("error", (error: NodeJS.ErrnoException) =>
      end(error.code === "ECONNREFUSED" ? "refused" : "silent"),
    );
  });
}

interface Answer {
  readonly body: string;
  readonly date: string | undefined;
}

function ask(
  request: typeof requestTls,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Answer | "error" | "silent"> {
  return new Promise((resolve) => {
    const servername = isIP(host) === 0 ? { servername: host } : {};
    const asked = request({
      host,
      port,
      path: "/healthz",
      agent: false,
      rejectUnauthorized: false,
      ...servername,
    });
    asked.setTimeout(patienceMillis, () => {
      resolve("silent");
      asked.destroy();
    });
    asked.once("error", (error: NodeJS.ErrnoException) =>
      resolve(deaf.has(error.code ?? "") ? "silent" : "error"),
    );
    asked.once("response", (answer: IncomingMessage) => {
      let body = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => {
        body += part;
        if (body.length > longestBody) answer.destroy();
      });
      answer.once("close", () => resolve({ body, date: answer.headers.date }));
      answer.once("error", () => resolve("error"));
    });
    asked.end();
  });
}

const healthy = z.object({ ok: z.literal(true) });
const patienceMillis = 4000;
const longestBody = 65_536;
/** Nobody is there at all. */
const deaf = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT", "ENOTFOUND", "EAI_AGAIN"]);
