/** A proxy on the way out of a network, and the text by which people name one. */

/** Where a proxy is, how it is spoken to, and as whom. */
export interface ProxyServer {
  /** HTTP CONNECT, the same inside TLS, or SOCKS5 (RFC 1928). */
  readonly kind: "http" | "https" | "socks5";
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** Null: nobody has to log in. */
  readonly login: { readonly user: string; readonly password: string } | null;
}

/**
 * The proxy of `http://user:password@host:3128`, `https://…`, `socks5://…` (also `socks5h` and `socks`), or of `host:port`
 * alone, which speaks HTTP; null when the text is none. Names are always resolved by the proxy.
 */
export function parseProxy(text: string): ProxyServer | null {
  const [, scheme = "http", user, password = "", bracketed, plain, port] = pattern.exec(text.trim()) ?? [];
  const host = bracketed ?? plain;
  const known = schemes.get(scheme.toLowerCase());
  if (host === undefined || known === undefined) return null;
  const number = port === undefined ? known.port : Number(port);
  if (number < 1 || number > 65_535) return null;
  const login = user === undefined ? null : { user: decode(user), password: decode(password) };
  if (login !== null && (login.user === null || login.password === null)) return null;
  return {
    kind: known.kind,
    host,
    port: number,
    login: login === null ? null : { user: login.user ?? "", password: login.password ?? "" },
  };
}

/** The proxy as people may see it: without its password. */
export function showProxy({ kind, host, port }: ProxyServer): string {
  return `${kind}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

const pattern =
  /^(?:([a-z][a-z0-9+.-]*):\/\/)?(?:([^\s:@/]*)(?::([^\s@/]*))?@)?(?:\[([0-9a-fA-F:.]+)\]|([\p{L}\p{N}_.-]+))(?::(\d{1,5}))?\/?$/iu;

const schemes: ReadonlyMap<string, { readonly kind: ProxyServer["kind"]; readonly port: number }> = new Map([
  ["http", { kind: "http", port: 80 }],
  ["https", { kind: "https", port: 443 }],
  ["socks", { kind: "socks5", port: 1080 }],
  ["socks5", { kind: "socks5", port: 1080 }],
  ["socks5h", { kind: "socks5", port: 1080 }],
]);
