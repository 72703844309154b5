/** The data plane as TypeScript sees it: calls of the Rust addon and the events it raises. */

/** Mark (`SO_MARK`) of all sockets that reach other nodes, where the system has marks and lets us: “SM”. */
export const socketMark = 0x534d;

/** 32 bytes in base64 as WireGuard writes keys (44 characters). */
export type Key = string;

/**
 * One way for datagrams to leave or arrive: `1.2.3.4:7743` or `[fe80::1%2]:7743` directly,
 * `1.2.3.4:7743#305419896` through a relay at that address under that channel (decimal); with `@7` behind by the extra
 * socket of that number; `tcp/1.2.3.4:7743`, also with a channel, over a link of that transport.
 */
export type Endpoint = string;

/** What links are made of. */
export type Transport = "tcp" | "tls" | "wss" | "quic" | "kcp";

/** How the other end of a session is spoken to. */
export type PeerKind = "node" | "router" | "stock";

export interface RealmOptions {
  /** Name chosen by the caller; every other call refers to it. */
  readonly realm: string;
  /** Name of a bound socket that carries what this realm sends first; answers leave by the socket they came on. */
  readonly socket: string;
  /** `network`: peers are nodes, stock clients and routers. `router`: peers are the members of hosted networks. */
  readonly kind: "network" | "router";
  readonly privateKey: Key;
  /** Identity that goes into the Noise prologue: the network id, or SHA-256("router" ‖ router identity). */
  readonly prologue: Key;
  /**
   * Absent without TUN: packets for the realm are then counted and dropped. `fd` on Windows: the handle of an adapter of Wintun,
   * which stays the caller's and is closed after the realm.
   */
  readonly tun?: { readonly fd: number; readonly mtu: number; readonly offload: boolean };
  /** TAI64N stamps of message 1 are never below this; milliseconds since 1970. */
  readonly stampFloorMillis: number;
  /** Suites on offer; the data plane leaves out suite 1 without AES hardware. For measurements only. */
  readonly suites?: readonly (1 | 2)[];
}

export interface PeerOptions {
  readonly publicKey: Key;
  readonly kind: PeerKind;
  /** Addresses this peer may send from and is reached at: `10.1.2.3/32`. */
  readonly allowed: readonly string[];
  /**
   * Prefixes it may send from besides `allowed`, though another peer is asked for them. Within them, addresses that are another
   * peer's by a longer prefix are not meant.
   */
  readonly sources?: readonly string[];
  /** Prologue where it differs from the realm's (kind `router`). */
  readonly prologue?: Key;
  /** WireGuard preshared key, stock peers only. */
  readonly presharedKey?: Key;
  /** Kind `router`: its own mask key; what goes to it is masked then. Left out: bare. */
  readonly mask?: Key;
  /** Seconds between keepalives while a session stands; 0 for none. */
  readonly keepaliveSeconds: number;
  /** Packets from it for another peer, and from another peer for it, are passed on here; left out: they are the machine's. */
  readonly forward?: boolean;
}

/** What is passed to all peers that a session stands with, of what is for many; and taken from them. */
export interface BroadcastOptions {
  /** UDP destination ports, at most 64. */
  readonly ports: readonly number[];
  /** Ranges whose last address is a broadcast, as 255.255.255.255 is. */
  readonly subnets: readonly string[];
  /** Packets of this machine that go out, 1 to 1000. */
  readonly perSecond: number;
}

/** One rule of a filter: a packet that begins something fits it by all its parts. */
export interface FilterRule {
  /** Prefixes; empty: any address. */
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** A number is the one that IANA gave; `icmp` is ICMP over IPv4 and ICMPv6 over IPv6. */
  readonly protocol: "any" | "tcp" | "udp" | "icmp" | number;
  /** Destination ports, each first and last; empty: any, and what has none. */
  readonly ports: readonly (readonly [number, number])[];
  readonly allow: boolean;
}

/** What comes from peers is let in by the first rule that fits, else by `otherwise`. */
export interface Filter {
  readonly rules: readonly FilterRule[];
  readonly otherwise: boolean;
}

/** Where links are taken. */
export interface ListenOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** One address alone; left out: both families, every interface. */
  readonly address?: string;
  /**
   * PEM texts of what `quic` and `kcp` show: the certificate, those that signed it behind (`quic`), and its private key, of
   * `kcp` an ECDSA key on P-256 or P-384. Left out: one that is made (`quic`: anew each time).
   */
  readonly certificate?: string;
  readonly key?: string;
}

export interface ConnectOptions {
  /** How long it is tried, at most 300. */
  readonly seconds: number;
  /**
   * Of a `kcp` link, for both ends; `balanced` unless given. `fast` spends traffic to save delay, `saving` the other way
   * round; `plain` is KCP as others speak it, to compare with.
   */
  readonly profile?: "fast" | "balanced" | "saving" | "plain";
  /**
   * `quic`: SHA-256, base64, of the public key (SubjectPublicKeyInfo, DER) in the other end's certificate. Left out: any
   * certificate, since the sessions inside authenticate both ends.
   */
  readonly pin?: string;
  /** `quic`: the name under which the other end is called; left out: none. */
  readonly serverName?: string;
  /** `quic`: connections that share the load, 1 to 16, each flow on one of them; left out: 1. */
  readonly channels?: number;
}

/**
 * Why there is no link: nothing answers; the other end closed it; it speaks another protocol; its certificate is not the one
 * that is pinned, which is not tried again.
 */
export type LinkLoss = "timeout" | "closed" | "refused" | "certificate";

export interface PathOptions {
  readonly endpoint: Endpoint;
  /** Milliseconds between probes while a session stands; 0 for none. */
  readonly probeMillis: number;
}

/** Which of a peer's paths carry its packets. */
export interface Use {
  /** Paths that share the peer's flows, each flow pinned to one by its 5-tuple; usually one. Empty: none known. */
  readonly active: readonly Endpoint[];
  /** Taken in this order by the data plane itself, at once, when all active ones are lost. */
  readonly standby: readonly Endpoint[];
}

/** How openings through NATs are looked for. */
export interface PunchOptions {
  /** Addresses where the peer may be reached, at most 4,096; none: a search that runs for the peer ends. */
  readonly targets: readonly Endpoint[];
  /** Extra IPv4 sockets to send from, at most 512; 0: the main one. */
  readonly sockets: number;
  /** Most probes a second, at most 5,000. */
  readonly perSecond: number;
  /** At most 300. */
  readonly seconds: number;
}

/** A mask key: 32 bytes, by which datagrams are covered so that nobody without it recognises them. */
export interface MaskKey {
  /** Id of the epoch it belongs to; 0 for a router's own. */
  readonly id: number;
  readonly key: Key;
}

export interface NatOptions {
  /**
   * Prefixes of the machine's side (`inside`) and those of the same length by which the network knows them, address by
   * address; the longest counts. From the network `inside` is not reached any more.
   */
  readonly maps: readonly { readonly inside: string; readonly outside: string }[];
  /**
   * What the machine forwards from these prefixes into the network leaves under the node's address of its family, by a port
   * of its own whomever it speaks to, and is not reached by its own; without such an address it is dropped, as is what is no TCP, UDP or ping. `fullCone`:
   * whoever knows the port reaches the host; else only who was spoken to. A change of `maps` alone keeps all ports.
   */
  readonly masquerade?: {
    readonly from: readonly string[];
    readonly address4?: string;
    readonly address6?: string;
    readonly fullCone: boolean;
  };
}

export interface Epoch {
  /** 1–255; 0 stands for the router's session and is never listed. */
  readonly id: number;
  readonly key: Key;
}

/**
 * Calls of the addon. Each throws an `Error` whose `code` is one of `EADDRINUSE`, `EACCES`, `EINVAL`, `ENOENT`
 * (unknown realm, peer or socket), `EEXIST`, `EBUSY` (too many requests or STUN questions are open), `ESTOPPED`, `EPANIC` (a bug
 * inside; the process lives on) or another errno name. Arguments of a wrong JavaScript type, which the compiler
 * refuses, get a code of Node-API such as `StringExpected`.
 */
export interface DataPlane {
  /**
   * Opens an IPv4 and an IPv6 UDP socket of one port under a name; 0 takes a free one. `address`: one address, with the
   * socket of its family alone, or the name of an interface that everything comes and goes by (ENODEV: there is none).
   * Returns the port.
   */
  bind(name: string, port: number, address?: string): number;
  unbind(name: string): void;
  /**
   * Sockets opened from now on that this process may not mark (`socketMark`) are marked by who is at the other end of this
   * connection (Linux: a helper with rights). The descriptor is the data plane's from then on.
   */
  markBy(fd: number): void;

  /**
   * Whether plain datagrams are spoken by these sockets (WireGuard, relay frames, STUN), as they are at first. Off: none
   * leaves, none is looked at or answered; links of `kcp` and `quic` go on. Others beside have sockets of their own.
   */
  speakPlain(name: string, on: boolean): void;

  /**
   * Takes links of a transport beside the UDP sockets of that name. Returns the port. Unbinding the sockets ends it. A link
   * carries sealed datagrams like a path of UDP; one that carries none of a known session within 10 s is closed. `kcp` and
   * `quic`: on the UDP sockets themselves, whose port is the only one to ask for besides 0. Called again, they show
   * another certificate from then on.
   */
  listenLinks(socket: string, transport: Transport, options: ListenOptions): number;
  /**
   * Opens a link to `tcp/…` or `kcp/…`; ends in one `link` event. Throws ENOENT when `socket` takes no such links in that family.
   * TCP: from the port that listens, trying every 0.2 s, so that two ends that do so at once meet through their NATs.
   * QUIC: by the UDP socket, listening or not; once it stood it is opened again whenever it is lost, until `closeLink`, and
   * each loss and each return is a `link` event more. It stays when either end's address changes; the end that takes it then
   * knows it by the new address, and reaches it by the old one, too.
   */
  connectLink(socket: string, remote: Endpoint, options: ConnectOptions): void;
  /** Closes the link to that place, and ends trying where it is tried; nothing if there is none. Of `quic` no event follows. */
  closeLink(socket: string, remote: Endpoint): void;

  /**
   * A link to `tls/…` or `wss/…` whose bytes the caller carries: returns the caller's end of a stream, a descriptor that the
   * caller closes, or on Windows the name of a pipe to connect to, which is there for one. In it, both ways, each datagram stands behind its
   * length (two bytes, big endian, never 0). The end of the stream ends the link, and the other way round.
   */
  openStream(socket: string, remote: Endpoint): number | string;
  /**
   * Makes an open TCP connection of the caller's fit to carry links, by its descriptor: BBR where the kernel has it, little
   * that waits unsent, over after three seconds without a sign of life. What the system does not have is left out.
   */
  tuneStream(descriptor: number): void;

  openRealm(options: RealmOptions): void;
  closeRealm(realm: string): void;
  /** Epoch keys this node holds, newest first; sessions that stand are kept until their next rekey. */
  setEpochs(realm: string, epochs: readonly Epoch[]): void;
  /**
   * Mask keys this realm holds, newest first: what comes under any of them is taken, whatever `on` says, and what comes bare
   * as well. `on`: nodes are spoken to under the mask of the session's epoch, before there is one under the newest (every
   * other first message under an older one). Off: who began a session decides for both. Plain UDP and `tcp/…` are masked,
   * stock peers and other transports never.
   */
  setMask(realm: string, keys: readonly MaskKey[], on: boolean): void;

  /** Adds a peer or changes it; its session and paths stay. */
  setPeer(realm: string, peer: PeerOptions): void;
  /**
   * Addresses of this machine and prefixes behind it, complete: what a peer sends there is the machine's own, though another
   * peer has a wider prefix. Errors about packets that are passed on come from the addresses.
   */
  setOwn(realm: string, prefixes: readonly string[]): void;
  /** Passes broadcasts and multicasts of chosen ports to all peers, and takes theirs; null, as at the start: neither. */
  setBroadcast(realm: string, options: BroadcastOptions | null): void;
  /**
   * What may come from peers, also what is only passed on here; null, as at the start: everything. What goes out is never
   * refused, and answers to it are always let in. Flows that new rules refuse end at once, the others stay; with null all are
   * forgotten, so that of connections which began before, those from a port of 32768 or above to a lower one go on, and what
   * the rules let in. Whose packet is refused is told so: TCP is reset, for everything else it is ICMP "prohibited".
   */
  setFilter(realm: string, filter: Filter | null): void;
  /**
   * The peers that are out of reach, complete: senders of packets for them are told "host unreachable" at once, and `wanted`
   * says that there were some. A peer is in reach again as soon as something authentic comes from it. Keys of no peers are
   * passed over. (Who sends to an address that is no peer's is always told "no route".)
   */
  setUnreachable(realm: string, peers: readonly Key[]): void;
  /**
   * Confines a peer to plain UDP or to links of one transport (null: not at all): nothing is sent to it by any other, and what
   * comes from it by another is dropped, so that it is not answered either.
   */
  confinePeer(realm: string, peer: Key, transport: "udp" | Transport | null): void;
  /** Ends the peer's sessions and forgets it. */
  removePeer(realm: string, peer: Key): void;
  /**
   * Replaces the peer's list of paths to probe and names those that carry its packets. An endpoint that stays in the
   * list keeps its measurements. All probes of this process together keep to 600 kB a minute: beyond that, paths in use
   * by peers with traffic come first, the others are probed more slowly than asked.
   */
  setPaths(realm: string, peer: Key, paths: readonly PathOptions[], use: Use): void;

  /**
   * Looks for an opening through NATs: one small probe inside the peer's session from each of the sockets to each target
   * (IPv6 targets from the main one), and all over again, no sooner than a second later, until the time is over or the
   * peer proved to be at a new place on the host of a target. A socket that an authentic datagram reaches is kept and told
   * as `heard` with `@` and its number; it closes a minute after the last path by it and the last datagram to it. The
   * others close when the search ends. A search that runs for the peer is replaced. Throws ENOENT without a session.
   */
  punch(realm: string, peer: Key, options: PunchOptions): void;

  /**
   * Begins a handshake unless a session younger than its rekey time stands, or `force`: message 1 to every endpoint at
   * once, repeated after 0.25, 0.5, 1, 2 s, then every 5 s up to 90 s, each time to all of them. Calling again while
   * one runs adds endpoints (and sends to the added ones at once).
   */
  handshake(realm: string, peer: Key, endpoints: readonly Endpoint[], force?: boolean): void;
  /** A message 1 for the peer, to be carried by a relay's set-up or the rendezvous; starts a handshake if none runs. */
  handshakeMessage(realm: string, peer: Key): Uint8Array;
  /** A datagram that arrived outside the sockets; what answers it goes to `from`. */
  receive(realm: string, from: Endpoint, datagram: Uint8Array): void;
  /** Ends the sessions with one peer, or with all: after sleep, restore or a change of keys. */
  dropSessions(realm: string, peer?: Key): void;

  /** Translates addresses between the interface and the network; null: as they are. EINVAL: maps that contradict each other. */
  setNat(realm: string, nat: NatOptions | null): void;

  /**
   * Opens a port of this machine (`listen`, `ip:port`) that leads to a member's (`target`): what comes there goes on from this
   * machine, TCP and UDP by plain sockets. A target that does not answer ends a connection with a reset. Returns an id.
   */
  mapPort(map: {
    readonly protocol: "tcp" | "udp";
    readonly listen: string;
    readonly target: string;
  }): number;
  /** Closes it and ends its connections. */
  unmapPort(id: number): void;

  /** Sends a control request inside the peer's session; ends in one `response` event. Returns its id. */
  request(realm: string, peer: Key, kind: number, body: string): number;
  /** Answers a `request` event; an identical repeat of that request gets the same answer from Rust. */
  respond(realm: string, peer: Key, id: number, body: string): void;

  /** Sends `count` probes on the active path (or the one named), 1 s apart; each ends in one `pong` event. Returns an id. */
  ping(realm: string, peer: Key, count: number, endpoint?: Endpoint): number;
  /**
   * Asks a STUN server for this socket's mapped address, four tries; ends in one `mapped` event. Any data plane answers;
   * `tcp/…` asks over a link that stands, for the address at which that link is seen.
   */
  stun(socket: string, server: string): void;

  /**
   * Opens a pair of relay channels between two peers, in a realm of either kind: the labels that each of them uses. They
   * may be used from wherever the peer proved to be, and lead to where it proved to be last. `onward`: the label under
   * which `to`, a relay itself, takes the frames on; it gave it as its `from` to this node. A pair that exists is
   * returned again; one that no frame passed for 10 minutes is closed. Throws ENOENT when an end has no direct session,
   * EEXIST when `onward` is in use here already: ask for another one.
   */
  openChannel(
    realm: string,
    from: Key,
    to: Key,
    onward?: number,
  ): { readonly from: number; readonly to: number };
  /** Closes the channels of a peer, on either end. */
  closeChannels(realm: string, peer: Key): void;
  /** Bytes a second that each peer may have relayed here; 0, as at the start, for any number. */
  setRelayQuota(bytesPerSecond: number): void;

  /** IP packets that came from and went to all peers so far: another number means that some did. */
  packets(): number;
  /** Counters now. */
  counters(): Counters;
  /** Joins all threads, closes sockets and TUN descriptors (the caller's own descriptor stays open). Idempotent. */
  stop(): void;
}

export interface PeerCounters {
  readonly realm: string;
  readonly peer: Key;
  /** Bytes of IP packets received from and sent to the peer. */
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly rxPackets: number;
  readonly txPackets: number;
  /** Milliseconds since 1970, or null before the first. */
  readonly lastHandshakeMillis: number | null;
  readonly lastReceivedMillis: number | null;
  /** 0, 1 or 2; null without a session. */
  readonly suite: number | null;
}

export interface Counters {
  readonly peers: readonly PeerCounters[];
  /** Datagrams and packets refused, by cause; only causes that occurred. */
  readonly refused: Readonly<Record<string, number>>;
  readonly relayed: { readonly datagrams: number; readonly bytes: number };
}

/** One path as measured since the last summary. */
export interface PathMeasure {
  readonly realm: string;
  readonly peer: Key;
  readonly endpoint: Endpoint;
  /** Round trip in milliseconds: smoothed, and the smallest of the last ten; null until an echo came. */
  readonly rttMillis: number | null;
  readonly minRttMillis: number | null;
  /** Share of the last 20 probes without echo, 0–1. */
  readonly loss: number;
  /** Mean difference of successive round trips, in milliseconds (RFC 3550's estimate); null before the second. */
  readonly jitterMillis: number | null;
  /** Share of datagrams lost lately, 0–1: of ours on the way there, and of the peer's on the way here; null until known. */
  readonly lossOut: number | null;
  readonly lossIn: number | null;
  /** Bytes a second of ours that arrived there since the last summary; null unless more datagrams went than came. */
  readonly deliveredPerSecond: number | null;
  /** Largest inner IP packet that passes whole; null while it is searched. */
  readonly mtu: number | null;
  readonly lastEchoMillis: number | null;
}

/** What the data plane tells; delivered in batches, at most every few milliseconds. */
export type DataPlaneEvent =
  /** A packet for a peer without session or path; once per peer until a session stands or 5 s have passed. */
  | { readonly kind: "wanted"; readonly realm: string; readonly peer: Key }
  /** A session stands; `endpoint` is where its proof came from. Both ends get it. */
  | {
      readonly kind: "session";
      readonly realm: string;
      readonly peer: Key;
      readonly endpoint: Endpoint;
      readonly suite: number;
      readonly initiator: boolean;
      readonly rekey: boolean;
    }
  /** A handshake ran for 90 s without answer, or the session expired unused. */
  | {
      readonly kind: "ended";
      readonly realm: string;
      readonly peer: Key;
      readonly reason: "no-answer" | "expired";
    }
  /**
   * An authentic datagram of the peer came from an endpoint that is not among its paths; once per endpoint a minute, at
   * most 64 endpoints.
   */
  | { readonly kind: "heard"; readonly realm: string; readonly peer: Key; readonly endpoint: Endpoint }
  /**
   * A path is proved, told at once: a probe of 1280 inner bytes was echoed, or the largest size that passes was found to be
   * smaller (packets above it then travel in two parts). The first time, and when it answers again after it was lost.
   */
  | {
      readonly kind: "proved";
      readonly realm: string;
      readonly peer: Key;
      readonly endpoint: Endpoint;
      readonly rttMillis: number;
    }
  /**
   * A proved path left three probes in a row unanswered, or two, and packets that came by it stopped or the peer owed
   * them an answer; told at once. While packets still come by it, it has two seconds. What it carried goes by the other
   * active paths, else by the first on standby, from that moment on.
   */
  | { readonly kind: "lost"; readonly realm: string; readonly peer: Key; readonly endpoint: Endpoint }
  /** At most once a second: every path probed since the last. */
  | { readonly kind: "measured"; readonly paths: readonly PathMeasure[] }
  /** A valid message 1 from a key that is not a peer; at most one a second, dropped. */
  | { readonly kind: "unknownKey"; readonly realm: string; readonly peer: Key; readonly endpoint: Endpoint }
  | {
      readonly kind: "request";
      readonly realm: string;
      readonly peer: Key;
      readonly id: number;
      readonly type: number;
      readonly body: string;
    }
  /** `body` null: no answer after five repeats, or the session ended. */
  | {
      readonly kind: "response";
      readonly realm: string;
      readonly peer: Key;
      readonly id: number;
      readonly body: string | null;
    }
  | {
      readonly kind: "pong";
      readonly id: number;
      readonly sequence: number;
      readonly rttMillis: number | null;
      readonly endpoint: Endpoint | null;
    }
  | {
      readonly kind: "mapped";
      readonly socket: string;
      readonly server: string;
      readonly address: Endpoint | null;
    }
  /**
   * The end of `connectLink`: whether a link to `remote` stands. Again with `up: false` when one that it opened ends, and of
   * `quic` with `up: true` when it stands again.
   */
  | {
      readonly kind: "link";
      readonly socket: string;
      readonly remote: Endpoint;
      readonly up: boolean;
      readonly reason?: LinkLoss | null;
    }
  /** A thread or descriptor failed; the realm carries nothing any more. */
  | { readonly kind: "failed"; readonly realm: string | null; readonly message: string };

/** Slow or missing cryptography of Node 20, out of the same addon. All byte arguments and results are plain arrays. */
export interface Cryptography {
  /** Argon2id, 64 MiB, t = 3, p = 1, 32 bytes out. Runs off the main thread. */
  argon2id(password: Uint8Array, salt: Uint8Array): Promise<Uint8Array>;
  /** X25519 public half of a private key. */
  publicKey(privateKey: Key): Key;
  /** HPKE base mode (X25519, HKDF-SHA256, ChaCha20-Poly1305), empty info and associated data: enc ‖ ciphertext. */
  hpkeSeal(publicKey: Key, plain: Uint8Array): Uint8Array;
  /** Null when it does not open. */
  hpkeOpen(privateKey: Key, sealed: Uint8Array): Uint8Array | null;
}

export interface Addon extends Cryptography {
  /** Starts the threads. `events` gets non-empty batches on the main thread. */
  start(events: (batch: readonly DataPlaneEvent[]) => void): DataPlane;
  /** Whether suite 1 is on offer here (AES and carry-less multiply in hardware). */
  readonly hardwareAes: boolean;
  /** Cargo features it was built with; the shipped one has none. */
  readonly features: readonly string[];
}
