/**
 * Where peers come in over TLS directly: an ordinary HTTPS site on the TCP port of this node's number, while others can
 * reach this machine there by somebody's word or by an address of its own on the internet.
 */
import { isPrivate, parseAddress } from "../../src-shared/address.ts";
import type { Transport } from "../../src-shared/status.ts";
import type { OwnCandidate } from "../mesh/effect.ts";
import { hostOf, transportOf } from "../mesh/endpoint.ts";
import { loadCertificate } from "../transport/certificate.ts";
import type { Site } from "../transport/site.ts";
import { openSite, plainPages } from "../transport/site.ts";
import type { Streams } from "../transport/stream-link.ts";
import { streamDoors } from "../transport/stream-link.ts";
import type { Log } from "./surroundings.ts";

export interface NodeDoorOptions {
  /** State folder: the self-signed certificate lies there. */
  readonly folder: string;
  readonly streams: Streams;
  /** What peers know and others do not: this node's identity. */
  readonly secret: string;
  readonly now: () => number;
  readonly log: Log;
  /** It is open now, or closed. */
  readonly changed: () => void;
}

/** What the door depends on. */
export interface DoorFacts {
  /** Port of the node's number; 0: none is bound. */
  readonly port: number;
  /** Address that alone is used; undefined: all. */
  readonly address: string | undefined;
  /** Where others may reach this machine by plain UDP. */
  readonly candidates: readonly OwnCandidate[];
  /** The transport that alone is used; null: any. */
  readonly only: Transport | null;
  /** Whether this install's router role has a site of its own. */
  readonly hasRouter: boolean;
}

/** Opened and closed as the facts change. */
export class NodeDoor {
  readonly #options: NodeDoorOptions;
  #site: Site | null = null;
  #transports: readonly Transport[] = [];
  #place = "";
  #last: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: NodeDoorOptions) {
    this.#options = options;
  }

  /** Where links are taken, of these plain candidates: those that lead here by TCP as well. */
  links(candidates: readonly OwnCandidate[]): readonly OwnCandidate[] {
    if (this.#site === null) return [];
    const open = candidates.filter(isOpen);
    return this.#transports.flatMap((transport) =>
      open.map(({ endpoint, kind }) => ({ endpoint: `${transport}/${endpoint}`, kind })),
    );
  }

  /** Opens or closes as these facts say; failing to open is no error, for there are other ways. */
  settle(facts: DoorFacts): Promise<void> {
    const { port, address, candidates, only, hasRouter } = facts;
    const isWanted = port !== 0 && !hasRouter && candidates.some(isOpen);
    const transports = (["tls", "wss"] as const).filter((each) => only === null || only === each);
    const place = isWanted && transports.length > 0 ? `${address ?? ""} ${port} ${transports.join(" ")}` : "";
    if (place === this.#place || this.#closed) return this.#last;
    this.#place = place;
    this.#last = this.#last.then(async () => {
      await this.#close();
      if (place !== "" && place === this.#place) await this.#open(address ?? "::", port, transports);
    });
    return this.#last;
  }

  /** Frees the port for good. */
  close(): Promise<void> {
    this.#place = "";
    this.#closed = true;
    this.#last = this.#last.then(() => this.#close());
    return this.#last;
  }

  async #open(host: string, port: number, transports: readonly Transport[]): Promise<void> {
    const { folder, streams, secret, now, log, changed } = this.#options;
    try {
      const { tls, wss } = streamDoors(() => streams);
      const [hasTls, hasWss] = [transports.includes("tls"), transports.includes("wss")];
      this.#site = await openSite({
        host,
        port,
        tls: await loadCertificate({ folder }, now()),
        pages: plainPages,
        secrets: () => [secret],
        doors: () => ({ ...(hasTls ? { tls } : {}), ...(hasWss ? { wss } : {}) }),
        refused: () => undefined,
      });
      this.#transports = transports;
      changed();
    } catch (error) {
      log("no links over TLS are taken", { port, error: String(error) });
    }
  }

  async #close(): Promise<void> {
    const site = this.#site;
    if (site === null) return;
    this.#site = null;
    this.#transports = [];
    await site.close();
    this.#options.changed();
  }
}

/** A port that somebody forwards by hand, or an address of this machine's own on the internet. */
function isOpen({ endpoint, kind }: OwnCandidate): boolean {
  if (transportOf(endpoint) !== "udp") return false;
  const address = parseAddress(hostOf(endpoint));
  return kind === "declared" || (kind === "lan" && address !== null && !isPrivate(address));
}
