/** The router role's settings: from a JSON file, or from the command line in the same shape. */
import { readFile } from "node:fs/promises";
import { isAbsolute, resolve } from "node:path";
import { z } from "zod";
import { parseAddress } from "../../src-shared/address.ts";
import { AppError } from "../../src-shared/errors.ts";
import { splitHostPort } from "../../src-shared/ids.ts";
import { jsonMistake } from "./json.ts";

/** Where the router listens: an address, or a wildcard, and a port; one port for TCP and UDP. */
const listen = z.string().refine(isListen, "write ADDRESS:PORT, for example 0.0.0.0:7743");

/** A host name or address under which others reach the router, with its port where that differs. */
const publicHost = z.string().refine(isPublicHost, "write HOST or HOST:PORT, for example vpn.example.org");

/** `sqlite:PATH`. */
const store = z.string().refine((text) => /^sqlite:./.test(text), "write sqlite:PATH");

export const routerConfig = z.strictObject({
  /** Absent: every address of both families, port 7743 or the next free one. By hand it is that one or none. */
  listen: listen.optional(),
  /** Empty: every address of this machine. */
  public: z.array(publicHost).max(16).default([]),
  /** PEM files; both or none. */
  cert: z.string().min(1).optional(),
  key: z.string().min(1).optional(),
  /** Absent: a file in the state folder. */
  store: store.optional(),
});
export type RouterConfig = z.infer<typeof routerConfig>;

/** Reads `--config FILE`; relative paths in it start at its folder. Throws `usage` that names the place of the mistake. */
export async function readRouterConfig(path: string): Promise<RouterConfig> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new AppError("usage", { detail: `The configuration ${path} cannot be read: ${detail}.` });
  }
  const config = parseRouterConfig(text, path);
  const here = (file: string) => (isAbsolute(file) ? file : resolve(path, "..", file));
  return {
    ...config,
    ...(config.cert === undefined ? {} : { cert: here(config.cert) }),
    ...(config.key === undefined ? {} : { key: here(config.key) }),
    ...(config.store === undefined ? {} : { store: `sqlite:${here(config.store.slice("sqlite:".length))}` }),
  };
}

/** The settings in a JSON text; `name` is what messages call it. Throws `usage`. */
export function parseRouterConfig(text: string, name: string): RouterConfig {
  const parsed = routerConfig.safeParse(parseJson(text, name));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const place = issue === undefined || issue.path.length === 0 ? "" : `“${issue.path.join(".")}”: `;
    throw new AppError("usage", { detail: `${name}: ${place}${issue?.message ?? "not a configuration"}.` });
  }
  if ((parsed.data.cert === undefined) !== (parsed.data.key === undefined)) {
    throw new AppError("usage", { detail: `${name}: “cert” and “key” belong together: give both, or none.` });
  }
  return parsed.data;
}

/** Host and port of a `listen` text that the schema let through. */
export function splitListen(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = listenPattern.exec(text) ?? [];
  return { host: bracketed ?? plain ?? "", port: Number(port) };
}

function isListen(text: string): boolean {
  const { host, port } = splitListen(text);
  return parseAddress(host) !== null && port <= 65_535;
}

function isPublicHost(text: string): boolean {
  return parseAddress(text) !== null || splitHostPort(text) !== null || splitHostPort(`${text}:1`) !== null;
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const before = text.slice(0, jsonMistake(text) ?? text.length);
    const place = `${before.split("\n").length}:${before.length - before.lastIndexOf("\n")}`;
    throw new AppError("usage", {
      detail: `${name}:${place}: this is not JSON. Look for a missing comma, quote or bracket there.`,
    });
  }
}

// Port 0 takes a free one.
const listenPattern = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/;
