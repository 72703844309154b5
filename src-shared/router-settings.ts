/** What a user may set for the router role: where it listens, by which transports, with which certificates, port planes. */
import { z } from "zod";
import { parseAddress } from "./address.ts";
import { splitHostPort } from "./ids.ts";

/** An address of this machine, or a wildcard, and a port; port 0 takes a free one. */
const listen = z
  .string("write ADDRESS:PORT, for example 0.0.0.0:443")
  .refine(isListen, "write ADDRESS:PORT, for example 0.0.0.0:443 or [::]:443");

/** A host name or address under which others reach the router, with its port where that differs. */
const publicHost = z
  .string("write HOST or HOST:PORT, for example vpn.example.org")
  .refine(isPublicHost, "write HOST or HOST:PORT, for example vpn.example.org");

const store = z.string("write sqlite:PATH").refine((text) => /^sqlite:./.test(text), "write sqlite:PATH");
const file = z.string("write the path of a PEM file").min(1, "write the path of a PEM file").max(4096);
const enable = z.boolean("write true or false");

/** Path of a URL, plain characters only. */
const path = z
  .string("write a path, for example /link")
  .regex(/^\/[A-Za-z0-9._~/-]{0,199}$/, "write a path of letters, digits and -._~/ that begins with /");

const place = z.strictObject({ enable: enable.nullish(), listen: listen.nullish() });
const secured = place.extend({ cert: file.nullish(), key: file.nullish() });

/** The settings of one transport in a file or a change; what is left out or null is as usual. */
const transportsWish = z.strictObject({
  udp: place.nullish(),
  tcp: place.nullish(),
  kcp: secured.nullish(),
  quic: secured.nullish(),
  tls: secured.nullish(),
  wss: secured.extend({ path: path.nullish() }).nullish(),
});

/** Networks that are named by a port: from `bind` on as many as `nums`, all behind one token. */
const planesWish = z
  .strictObject({
    bind: z
      .int("write a port, 1 to 65535")
      .min(1, "write a port, 1 to 65535")
      .max(65_535, "write a port, 1 to 65535"),
    nums: z
      .int("write how many ports, 1 to 4096")
      .min(1, "write how many ports, 1 to 4096")
      .max(4096, "write how many ports, 1 to 4096"),
    /** Absent: one is made and kept. */
    token: z
      .string("write a token of 8 characters or more in quotes")
      .min(8, "write a token of 8 characters or more")
      .max(256, "write a token of at most 256 characters")
      .nullish(),
  })
  .refine(({ bind, nums }) => bind + nums - 1 <= 65_535, {
    message: "these ports end above 65535",
    path: ["nums"],
  });

/** Settings as a file or a change gives them; what is left out or null is as usual. */
export const routerWish = z.strictObject({
  listen: listen.nullish(),
  public: z.array(publicHost, "write a list of hosts").max(16, "write at most 16 hosts").nullish(),
  cert: file.nullish(),
  key: file.nullish(),
  store: store.nullish(),
  transports: transportsWish.nullish(),
  planes: planesWish.nullish(),
});
export type RouterWish = z.infer<typeof routerWish>;

/** PEM files of a certificate and its key. */
const certificateFiles = z.object({ cert: z.string(), key: z.string() });
export type CertificateFiles = z.infer<typeof certificateFiles>;

/** Where a transport is taken; `listen` null: as the router listens, or a port beside. */
const transportSettings = z.object({ enable: z.boolean(), listen: z.string().nullable() });
type TransportSettings = z.infer<typeof transportSettings>;

/** `files` null: the router's. */
const securedSettings = transportSettings.extend({ files: certificateFiles.nullable() });
export type SecuredSettings = z.infer<typeof securedSettings>;

/** All settings of the router role, complete. */
export const routerSettings = z.object({
  /** TCP and UDP; null: every address of both families, port 7743 or the next free one. By hand it is that one or none. */
  listen: z.string().nullable(),
  /** Empty: every address of this machine. */
  public: z.array(z.string()),
  /** Null: a self-signed certificate that renews itself. */
  files: certificateFiles.nullable(),
  /** `sqlite:PATH`; null: a file in the state folder. */
  store: z.string().nullable(),
  transports: z.object({
    udp: transportSettings,
    tcp: transportSettings,
    kcp: securedSettings,
    quic: securedSettings,
    tls: securedSettings,
    wss: securedSettings.extend({ path: z.string() }),
  }),
  planes: z.object({ bind: z.number(), nums: z.number(), token: z.string().nullable() }).nullable(),
});
export type RouterSettings = z.infer<typeof routerSettings>;

/** Completes a wish by what is usual. */
export function settleRouter(wish: RouterWish): RouterSettings {
  const { listen: at, public: hosts, store: kept, transports, planes } = wish;
  const { udp, tcp, kcp, quic, tls, wss } = transports ?? {};
  return {
    listen: at ?? null,
    public: hosts ?? [],
    files: filesOf(wish),
    store: kept ?? null,
    transports: {
      udp: settle(udp),
      tcp: settle(tcp),
      kcp: { ...settle(kcp), files: filesOf(kcp) },
      quic: { ...settle(quic), files: filesOf(quic) },
      tls: { ...settle(tls), files: filesOf(tls) },
      wss: { ...settle(wss), files: filesOf(wss), path: wss?.path ?? usualWssPath },
    },
    planes: planes == null ? null : { bind: planes.bind, nums: planes.nums, token: planes.token ?? null },
  };
}

/** What does not fit together in a wish whose parts are each right; null when all does. */
export function routerMistake(
  wish: RouterWish,
): { readonly path: readonly string[]; readonly message: string } | null {
  const { kcp, quic, tls, wss } = wish.transports ?? {};
  for (const [path, part] of [
    [[], wish],
    [["transports", "kcp"], kcp],
    [["transports", "quic"], quic],
    [["transports", "tls"], tls],
    [["transports", "wss"], wss],
  ] as const) {
    if ((part?.cert == null) === (part?.key == null)) continue;
    const given = part?.cert == null ? "key" : "cert";
    return { path: [...path, given], message: "“cert” and “key” belong together: give both, or none" };
  }
  const here = (part: typeof tls) => part?.listen ?? wish.listen ?? null;
  const isOne = tls?.cert == null || wss?.cert == null || (tls.cert === wss.cert && tls.key === wss.key);
  if (!isOne && here(tls) === here(wss)) {
    const message =
      "tls and wss listen on one port, which has one certificate: give both the same, or another “listen”";
    return { path: ["transports", "wss", "cert"], message };
  }
  return null;
}

/** Host and port of a `listen` text that the schema let through. */
export function splitListen(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = listenPattern.exec(text) ?? [];
  return { host: bracketed ?? plain ?? "", port: Number(port) };
}

function settle(wish: z.infer<typeof place> | null | undefined): TransportSettings {
  return { enable: wish?.enable ?? true, listen: wish?.listen ?? null };
}

function filesOf(
  wish:
    | { readonly cert?: string | null | undefined; readonly key?: string | null | undefined }
    | null
    | undefined,
): CertificateFiles | null {
  return wish?.cert == null || wish.key == null ? null : { cert: wish.cert, key: wish.key };
}

function isListen(text: string): boolean {
  const { host, port } = splitListen(text);
  return parseAddress(host) !== null && port <= 65_535;
}

function isPublicHost(text: string): boolean {
  return parseAddress(text) !== null || splitHostPort(text) !== null || splitHostPort(`${text}:1`) !== null;
}

const listenPattern = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/;
/** Path of `wss` links unless another is set. */
const usualWssPath = "/link";
