/** Names looked up by a member: a node that goes to the internet through another one asks there for names, too. */
import { setTimeout as delay } from "node:timers/promises";
import type { z } from "zod";
import { fromBase64, toBase64 } from "../../src-shared/bytes.ts";
import type { SessionKey } from "../../src-shared/ids.ts";
import { controlKind, lookUp } from "../../src-shared/wire.ts";
import { forwardWhole } from "./dns-forwarder.ts";
import { parseQuery } from "./dns-message.ts";
import type { SessionRequests } from "./requests.ts";
import { parseJson } from "./requests.ts";
import type { Forward } from "./resolver.ts";

export interface LookUpsOptions {
  readonly requests: SessionRequests;
  /** Makes a session with a peer, if there is none. */
  readonly call: (peer: SessionKey) => void;
  /** Whether this node is a way to the internet for others. */
  readonly serves: () => boolean;
  /** Servers that this machine asks. */
  readonly servers: () => readonly string[];
}

/** One network's: asks, and answers those who ask. */
export class LookUps {
  readonly #options: LookUpsOptions;
  #answering = 0;

  constructor(options: LookUpsOptions) {
    this.#options = options;
  }

  /** Has queries answered by a member. */
  by(peer: SessionKey): Forward {
    return async (query) => {
      const { requests, call } = this.#options;
      for (let tries = 0; tries < mostTries; tries++) {
        const answer = await requests
          .send(peer, controlKind.lookUp, { message: toBase64(query) })
          .catch(() => null);
        const parsed = lookUp.safeParse(answer);
        if (parsed.success) return fromBase64(parsed.data.message);
        call(peer);
        await delay(pauseMillis);
      }
      return null;
    };
  }

  /** A member asks; answers with the body of the response. Nothing but queries is passed on, to no servers but this machine's own. */
  async answer(body: string): Promise<string> {
    const { serves, servers } = this.#options;
    const asked = lookUp.safeParse(parseJson(body));
    const query = asked.success ? fromBase64(asked.data.message) : null;
    if (query === null || !serves() || parseQuery(query)?.ok !== true) return "{}";
    if (this.#answering >= mostAnswered) return "{}";
    this.#answering++;
    try {
      const answer = await forwardWhole(query, servers());
      if (answer === null || answer.length > longestAnswer) return "{}";
      const told: z.infer<typeof lookUp> = { message: toBase64(answer) };
      return JSON.stringify(told);
    } finally {
      this.#answering--;
    }
  }
}

/** Bytes that fit one message of a session. */
const longestAnswer = 44_000;
const mostTries = 10;
const pauseMillis = 300;
const mostAnswered = 256;
