/** The router's configuration file: YAML or JSON, with the place of every mistake. */
import { readFile } from "node:fs/promises";
import { isAbsolute, resolve } from "node:path";
import { AppError } from "../../src-shared/errors.ts";
import type { RouterWish } from "../../src-shared/router-settings.ts";
import { routerMistake, routerWish } from "../../src-shared/router-settings.ts";
import { readWritten } from "./written.ts";

/** Reads `--config FILE`; relative paths in it start at its folder. Throws `usage` that names the place of the mistake. */
export async function readRouterFile(path: string): Promise<RouterWish> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new AppError("usage", { detail: `The configuration ${path} cannot be read: ${detail}.` });
  }
  return atFolder(parseRouterFile(text, path), resolve(path, ".."));
}

/** The settings in a text; `name` is what messages call it. Throws `usage`: `NAME:LINE:COLUMN: what to write`. */
export function parseRouterFile(text: string, name: string): RouterWish {
  const example = "write settings like “listen: 0.0.0.0:443”";
  const { value, fail } = readWritten(text, { schema: routerWish, name, example });
  const mistake = routerMistake(value);
  return mistake === null ? value : fail(mistake.path, mistake.message);
}

function atFolder(wish: RouterWish, folder: string): RouterWish {
  const here = (file: string) => (isAbsolute(file) ? file : resolve(folder, file));
  const files = <Part extends { cert?: string | null | undefined; key?: string | null | undefined }>(
    part: Part,
  ): Part => ({
    ...part,
    ...(part.cert == null ? {} : { cert: here(part.cert) }),
    ...(part.key == null ? {} : { key: here(part.key) }),
  });
  const { kcp, quic, tls, wss } = wish.transports ?? {};
  return {
    ...files(wish),
    ...(wish.store == null ? {} : { store: `sqlite:${here(wish.store.slice("sqlite:".length))}` }),
    ...(wish.transports == null
      ? {}
      : {
          transports: {
            ...wish.transports,
            ...(kcp == null ? {} : { kcp: files(kcp) }),
            ...(quic == null ? {} : { quic: files(quic) }),
            ...(tls == null ? {} : { tls: files(tls) }),
            ...(wss == null ? {} : { wss: files(wss) }),
          },
        }),
  };
}
