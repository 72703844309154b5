/** Who may use the panel: one-time links, and the log-ins that they were turned into. */
import { createHash, randomBytes } from "node:crypto";
import { z } from "zod";
import { AppError } from "../../src-shared/errors.ts";
import type { Millis } from "../../src-shared/ids.ts";

/** `panel.json`: what the panel keeps on disk. Of cookies only the hash, so that the file lets nobody in. */
export const panelState = z.object({
  version: z.literal(1),
  /** Tells the cookies of several installs on one machine apart: browsers share them over all ports. */
  stateId: z.string().regex(/^[0-9a-f]{8,64}$/),
  /** The port that was free when the default one was not. */
  port: z.number().int().min(1).max(65_535).nullable(),
  logins: z.array(z.object({ hash: z.string(), expires: z.number() })).max(1000),
});
export type PanelState = z.infer<typeof panelState>;

/** Where the panel's state is kept. */
export interface KeptPanelState {
  read(): PanelState | null;
  write(state: PanelState): void;
}

export interface Logins {
  /** `starmesh-` and 8 hexadecimal digits of the state id. */
  readonly cookieName: string;
  /** A token that logs in once, within 10 minutes. */
  makeToken(): { readonly token: string; readonly expires: Millis };
  /**
   * The cookie's value for a token.
   * @throws AppError `panel-link-spent`, `too-many-tries`
   */
  logIn(token: string): string;
  /** Whether one of the cookies of a request's `Cookie` header is a log-in. */
  admits(cookies: string | undefined): boolean;
  /** Ends every log-in and every link. */
  revokeAll(): void;
  readonly keptPort: number | null;
  keepPort(port: number | null): void;
}

/** The log-ins of one install, as they were kept. */
export function openLogins(kept: KeptPanelState, now: () => Millis = Date.now): Logins {
  return new KeptLogins(kept, now);
}

/** How long a browser stays logged in. */
export const loginSeconds = 30 * 86_400;

class KeptLogins implements Logins {
  readonly cookieName: string;
  readonly #kept: KeptPanelState;
  readonly #now: () => Millis;
  /** Hash of each token that was given out → when it ends. Links end with the process. */
  readonly #tokens = new Map<string, Millis>();
  readonly #wrongTries: Millis[] = [];
  #state: PanelState;

  constructor(kept: KeptPanelState, now: () => Millis) {
    this.#kept = kept;
    this.#now = now;
    this.#state = kept.read() ?? this.#create();
    this.cookieName = `starmesh-${this.#state.stateId.slice(0, 8)}`;
  }

  get keptPort(): number | null {
    return this.#state.port;
  }

  makeToken(): { readonly token: string; readonly expires: Millis } {
    const token = randomBytes(16).toString("hex");
    const expires = this.#now() + tokenMillis;
    this.#tokens.set(hash(token), expires);
    const [oldest] = this.#tokens.keys();
    if (this.#tokens.size > mostTokens && oldest !== undefined) this.#tokens.delete(oldest);
    return { token, expires };
  }

  logIn(token: string): string {
    this.#refuseGuessers();
    const expires = this.#tokens.get(hash(token));
    this.#tokens.delete(hash(token));
    if (expires === undefined || expires <= this.#now()) {
      this.#wrongTries.push(this.#now());
      throw new AppError("panel-link-spent");
    }
    const cookie = randomBytes(32).toString("base64url");
    const logins = this.#state.logins.filter((login) => login.expires > this.#now()).slice(1 - mostLogins);
    this.#write({
      ...this.#state,
      logins: [...logins, { hash: hash(cookie), expires: this.#now() + loginSeconds * 1000 }],
    });
    return cookie;
  }

  admits(cookies: string | undefined): boolean {
    return cookiesNamed(this.cookieName, cookies).some((cookie) => {
      const wanted = hash(cookie);
      return this.#state.logins.some((login) => login.hash === wanted && login.expires > this.#now());
    });
  }

  revokeAll(): void {
    this.#tokens.clear();
    this.#write({ ...this.#state, logins: [] });
  }

  keepPort(port: number | null): void {
    if (port !== this.#state.port) this.#write({ ...this.#state, port });
  }

  #create(): PanelState {
    const state: PanelState = {
      version: 1,
      stateId: randomBytes(16).toString("hex"),
      port: null,
      logins: [],
    };
    this.#kept.write(state);
    return state;
  }

  #write(state: PanelState): void {
    this.#kept.write(state);
    this.#state = state;
  }

  #refuseGuessers(): void {
    const since = this.#now() - tryWindowMillis;
    while (this.#wrongTries[0] !== undefined && this.#wrongTries[0] <= since) this.#wrongTries.shift();
    if (this.#wrongTries.length >= mostWrongTries) throw new AppError("too-many-tries");
  }
}

/** Values of the cookies of a name; there may be several from different paths. */
function cookiesNamed(name: string, header: string | undefined): readonly string[] {
  return (header ?? "")
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .slice(0, 4)
    .map((pair) => pair.slice(name.length + 1));
}

/** Comparing hashes tells a guesser nothing about the secret, however long it takes. */
function hash(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

const tokenMillis = 10 * 60_000;
const mostTokens = 16;
const mostLogins = 64;
/** Wrong tokens within a minute, from whomever: all come from this machine. */
const mostWrongTries = 20;
const tryWindowMillis = 60_000;
