/** Names of all networks on this machine: a resolver at each network's own address, and who asks them. */
import { domainToASCII } from "node:url";
import type { NetworkId } from "../../src-shared/ids.ts";
import type { NamesStatus } from "../../src-shared/names.ts";
import type { NamedNetwork } from "../mesh/names.ts";
import { domainOf, domainsOf, NameTable } from "../mesh/names.ts";
import type { Journal, SystemChange } from "../system/journal.ts";
import type { DnsChange, System, Watch } from "../system/system.ts";
import { forwardQuery } from "./dns-forwarder.ts";
import type { Forward } from "./resolver.ts";
import { Resolver } from "./resolver.ts";
import type { Log } from "./surroundings.ts";

export interface NameServiceOptions {
  readonly system: Pick<System, "dnsWay" | "dnsServers" | "watchDns" | "listenNames">;
  readonly journal: Pick<Journal, "apply" | "revert">;
  readonly log: Log;
  /** Whether the machine's own look-ups may be changed. */
  readonly isOn: () => boolean;
  /** What users see changed. */
  readonly changed: () => void;
}

/** A network whose interface is up. */
export interface NamedLink {
  readonly id: NetworkId;
  readonly device: string;
  /** Address of this machine to answer at; it is on the interface. */
  readonly server: string;
  /** A value that is another one as soon as the names may be. */
  readonly version: () => unknown;
  readonly network: () => NamedNetwork;
}

/** Who answers for all names that are no network's, while this machine goes to the internet through a member. */
export interface ForeignNames {
  /** The network through which it goes there. */
  readonly network: NetworkId;
  readonly forward: Forward;
}

interface Opened {
  readonly link: NamedLink;
  resolver: Resolver | null;
  change: SystemChange | null;
  reason: string | null;
}

/** Answers while networks are open; all that is done happens one after the other. */
export class NameService {
  readonly #options: NameServiceOptions;
  readonly #opened = new Map<NetworkId, Opened>();
  #foreign: ForeignNames | null = null;
  #way: DnsChange["way"] | null = null;
  /** What answers where a file names us: for all networks, and passes everything else on. */
  #local: Resolver | null = null;
  #watch: Watch | null = null;
  #localReason: string | null = null;
  #table: { readonly versions: readonly unknown[]; readonly names: NameTable } | null = null;
  #last: Promise<void> = Promise.resolve();

  constructor(options: NameServiceOptions) {
    this.#options = options;
  }

  /** A network's interface is up, or has another address for this. */
  open(link: NamedLink): Promise<void> {
    return this.#inTurn(async () => {
      await this.#shut(link.id);
      const opened: Opened = { link, resolver: null, change: null, reason: null };
      this.#opened.set(link.id, opened);
      try {
        opened.resolver = await Resolver.open({
          address: link.server,
          sockets: await this.#options.system.listenNames(link.server),
          names: () => this.#names(),
          forward: () => this.#foreign?.forward ?? null,
        });
      } catch (error) {
        opened.reason = textOf(error);
        this.#options.log("resolver failed", { address: link.server, error: opened.reason });
      }
      await this.#settle();
    });
  }

  /** A network's interface is about to go. */
  close(id: NetworkId): Promise<void> {
    return this.#inTurn(async () => {
      await this.#shut(id);
      await this.#settle();
    });
  }

  /** Whether the machine may be changed was chosen anew. */
  apply(): Promise<void> {
    return this.#inTurn(() => this.#settle());
  }

  /** From now on somebody else is asked for all other names; null: those who always are. */
  follow(foreign: ForeignNames | null): Promise<void> {
    return this.#inTurn(async () => {
      this.#foreign = foreign;
      await this.#settle();
    });
  }

  /** The names of a network, and who asks for them. */
  status(id: NetworkId, network: NamedNetwork): NamesStatus {
    const opened = this.#opened.get(id);
    const names = new NameTable([network], domainToASCII).list();
    return {
      network: network.name,
      domain: domainOf(network.name, domainToASCII),
      server: opened?.resolver == null ? null : opened.link.server,
      ...this.#wayOf(opened),
      names: names.map((each) => ({ ...each, addresses: [...each.addresses] })),
    };
  }

  #wayOf(opened: Opened | undefined): Pick<NamesStatus, "way" | "reason"> {
    if (opened === undefined) return { way: "none", reason: null };
    const reason = opened.reason ?? (this.#options.isOn() ? this.#localReason : null);
    if (reason !== null) return { way: "failed", reason };
    return { way: this.#options.isOn() ? (this.#way ?? "none") : "off", reason: null };
  }

  #names(): NameTable {
    const links = [...this.#opened.values()].map(({ link }) => link);
    const versions = links.map((link) => link.version());
    const known = this.#table;
    const isCurrent =
      known?.versions.length === versions.length && versions.every((each, at) => each === known.versions[at]);
    if (known !== null && isCurrent) return known.names;
    const names = new NameTable(
      links.map((link) => link.network()),
      domainToASCII,
    );
    this.#table = { versions, names };
    return names;
  }

  async #shut(id: NetworkId): Promise<void> {
    const opened = this.#opened.get(id);
    if (opened === undefined) return;
    this.#opened.delete(id);
    opened.resolver?.close();
    if (opened.change !== null) await this.#revert(opened.change);
  }

  /** Makes the machine ask as it should now. */
  async #settle(): Promise<void> {
    const { system, isOn } = this.#options;
    const answering = [...this.#opened.values()].filter(({ resolver }) => resolver !== null);
    const wanted = isOn() && answering.length > 0;
    this.#way = wanted ? (this.#way ?? (await system.dnsWay())) : null;
    for (const opened of answering) await this.#settleLink(opened);
    if (this.#way === "file") await this.#nameUs();
    else await this.#unnameUs();
    this.#options.changed();
  }

  async #settleLink(opened: Opened): Promise<void> {
    const { link, change: before } = opened;
    const domains = domainsOf(link.network(), domainToASCII);
    const asked = {
      server: link.server,
      domains: [...domains],
      everything: this.#foreign?.network === link.id,
    };
    const change: SystemChange | null =
      this.#way === "resolved"
        ? { kind: "dnsLink", device: link.device, ...asked }
        : this.#way === "domains"
          ? { kind: "dnsDomains", name: link.device, ...asked }
          : null;
    if (JSON.stringify(change) === JSON.stringify(before)) return;
    if (before !== null) await this.#revert(before);
    opened.change = null;
    if (change === null) return;
    opened.reason = await this.#make(change);
    if (opened.reason === null) opened.change = change;
  }

  /** All programs ask us first, by an address that nobody answers at once we are gone: then the next server is asked at once. */
  async #nameUs(): Promise<void> {
    const { system } = this.#options;
    try {
      this.#local ??= await Resolver.open({
        address: localAddress,
        sockets: await system.listenNames(localAddress),
        names: () => this.#names(),
        forward: () =>
          this.#foreign?.forward ?? ((query, stream) => forwardQuery(query, system.dnsServers(), stream)),
      });
    } catch (error) {
      this.#localReason = textOf(error);
      return;
    }
    this.#localReason = await this.#make(localChange);
    this.#watch ??= system.watchDns(() => {
      void this.#inTurn(async () => {
        if (this.#watch !== null) this.#localReason = await this.#make(localChange);
      });
    });
  }

  async #unnameUs(): Promise<void> {
    this.#localReason = null;
    this.#watch?.close();
    this.#watch = null;
    if (this.#local === null) return;
    await this.#revert(localChange);
    this.#local.close();
    this.#local = null;
  }

  async #make(change: SystemChange): Promise<string | null> {
    try {
      await this.#options.journal.apply(change);
      return null;
    } catch (error) {
      this.#options.log("names failed", { change: change.kind, error: textOf(error) });
      return textOf(error);
    }
  }

  async #revert(change: SystemChange): Promise<void> {
    try {
      await this.#options.journal.revert(change);
    } catch (error) {
      this.#options.log("names failed", { change: change.kind, error: textOf(error) });
    }
  }

  #inTurn(task: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(task).catch((error: unknown) => {
      this.#options.log("names failed", { error: textOf(error) });
    });
    return this.#last;
  }
}

function textOf(error: unknown): string {
  if (error instanceof Error && "code" in error && error.code === "EADDRINUSE")
    return "another program of this machine answers at port 53";
  return error instanceof Error ? error.message : String(error);
}

/** Of this machine alone: where nobody listens there, asking fails at once. */
const localAddress = "127.83.77.53";
const localChange = { kind: "dnsFile", server: localAddress } as const;
