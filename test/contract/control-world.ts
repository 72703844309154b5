/** A router with its clients, over real TLS on 127.0.0.1 or in memory. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryStore } from "../../src-main/server/memory-store.ts";
import type { Router } from "../../src-main/server/router.ts";
import { createRouter } from "../../src-main/server/router.ts";
import type { RouterStore } from "../../src-main/server/store.ts";
import type { Control, ControlOptions } from "../../src-main/transport/control.ts";
import { openControl } from "../../src-main/transport/control.ts";
import type { Greeting } from "../../src-main/transport/greeting.ts";
import type { MemoryNetwork } from "../../src-main/transport/memory.ts";
import { createMemoryNetwork } from "../../src-main/transport/memory.ts";
import { toBase64Url } from "../../src-shared/bytes.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { IdentityKey, SessionKey } from "../../src-shared/ids.ts";
import { settleRouter } from "../../src-shared/router-settings.ts";
import type { Certificate, Entry, EntryKind, EntryOf, Signed } from "../../src-shared/trust.ts";
import type { Presence } from "../../src-shared/wire.ts";
import type { FoundedOptions, TestDevice } from "../fakes/founded-network.ts";
import { FoundedNetwork, testDevice } from "../fakes/founded-network.ts";
import { memoryPort } from "../fakes/memory-port.ts";
import type { TestSigner } from "../fakes/notary.ts";
import { createTestNotary, testSigner } from "../fakes/notary.ts";
import { FakeRealm } from "../fakes/router-realm.ts";

export const notary = createTestNotary();

export class World {
  readonly folder = mkdtempSync(join(tmpdir(), "starmesh-router-"));
  readonly memory: MemoryNetwork | null;
  /** Added to the clock. */
  shift = 0;
  /** Where the clock stands still; null while it runs. */
  stopped: number | null = null;
  readonly here = new Set<SessionKey>();
  #store: RouterStore;
  #router: Router | null = null;
  #realm: FakeRealm | null = null;
  readonly #clients = new Set<TestClient>();
  #port = 0;

  constructor(kind: "tls" | "memory", store: RouterStore = createMemoryStore()) {
    this.memory = kind === "memory" ? createMemoryNetwork() : null;
    this.#store = store;
  }

  get router(): Router {
    if (this.#router === null) throw new Error("not started");
    return this.#router;
  }

  get realm(): FakeRealm {
    if (this.#realm === null) throw new Error("not started");
    return this.#realm;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  now = (): number => (this.stopped ?? Date.now()) + this.shift;

  async start(): Promise<void> {
    this.#router = await createRouter({
      folder: this.folder,
      settings: settleRouter({ listen: `127.0.0.1:${this.#port}` }),
      notary,
      store: this.#store,
      openRealm: async (settings) => {
        this.#realm = new FakeRealm(settings);
        return this.#realm;
      },
      ...(this.memory === null ? {} : { openPort: memoryPort(this.memory) }),
      found: () => Promise.reject(new Error("no planes here")),
      isHere: (key) => this.here.has(key),
      now: this.now,
      log: () => undefined,
    });
    await this.#router.start();
    this.#port = this.#router.state()?.port ?? 0;
  }

  /** Stops the router; another one begins on what is on disk, at the same port. */
  async restart(store: RouterStore = this.#store): Promise<void> {
    await this.router.stop();
    this.#store = store;
    await this.start();
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.control.close();
    await this.#router?.stop();
    await this.#store.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Opens a control socket; rejects as `openControl` does. */
  async connect(greeting: Greeting, change: Partial<ControlOptions> = {}): Promise<TestClient> {
    const client = new TestClient();
    client.control = await openControl({
      addresses: [this.address],
      pin: this.router.keys.pin,
      notary,
      greeting,
      listener: client,
      ...(this.memory === null ? {} : { connect: this.memory.connect }),
      ...change,
    });
    this.#clients.add(client);
    return client;
  }

  /** A network with one administrator, hosted by token as a far install would. */
  async found(options: FoundedOptions = {}, admin: TestDevice = testDevice()): Promise<Hosted> {
    const network = new FoundedNetwork({ now: this.now(), ...options });
    const certificate = network.adminCertificate(admin);
    const host = await this.connect(this.hostGreeting(network));
    await host.control.request({ call: "host", entries: [network.signedRecord(), certificate] });
    host.control.close();
    return { network, admin, certificate };
  }

  hostGreeting(network: FoundedNetwork): Greeting {
    return { role: "host", network: network.id, token: toBase64Url(this.router.keys.token()) };
  }

  /** Publishes an invite as the issuer. */
  async invite(
    hosted: Hosted,
    change: Parameters<FoundedNetwork["delegation"]>[1] = {},
  ): Promise<{ readonly key: TestSigner; readonly envelope: Signed }> {
    const key = testSigner();
    const envelope = hosted.network.envelope(testDevice().sessionKey, key.key);
    await this.publish(hosted, [hosted.network.delegation(key, change), envelope]);
    return { key, envelope };
  }

  /** Publishes entries as an administrator that is no member. */
  async publish({ network }: Hosted, entries: readonly Signed[]): Promise<void> {
    const issuer = await this.connect(issuerGreeting(network));
    await issuer.control.publish(entries);
    issuer.control.close();
  }

  /** Joins by an invite up to the admission; the socket is left open. */
  async admit(
    { network }: Hosted,
    invite: TestSigner,
    wish: { readonly device?: TestDevice; readonly name?: string; readonly address?: string } = {},
  ): Promise<Joined> {
    const device = wish.device ?? testDevice();
    const client = await this.connect({
      role: "invited",
      network: network.id,
      delegation: invite.key,
      sign: invite.sign,
    });
    const reserved = await client.control.request({
      call: "reserve",
      name: wish.name ?? "node",
      ...(wish.address === undefined ? {} : { address: wish.address }),
      identity: device.identity.key,
    });
    const certificate = network.certificate(
      device,
      {
        name: reserved.name,
        addresses: [reserved.address],
        issued: this.now(),
        expires: this.now() + 20 * 86_400_000,
      },
      invite,
    );
    await client.control.request({ call: "admit", certificate });
    return { device, client, certificate, ...reserved };
  }

  /** Joins by an invite and comes back as a member. */
  async join(hosted: Hosted, invite: TestSigner, wish: Parameters<World["admit"]>[2] = {}): Promise<Joined> {
    const joined = await this.admit(hosted, invite, wish);
    joined.client.control.close();
    return { ...joined, client: await this.member(hosted, joined) };
  }

  member(
    { network }: Hosted,
    { device, certificate }: { readonly device: TestDevice; readonly certificate: Signed },
  ): Promise<TestClient> {
    return this.connect(memberGreeting(network, device, certificate));
  }

  admin(hosted: Hosted): Promise<TestClient> {
    return this.member(hosted, { device: hosted.admin, certificate: hosted.certificate });
  }
}

export interface Hosted {
  readonly network: FoundedNetwork;
  readonly admin: TestDevice;
  readonly certificate: Signed;
}

export interface Joined {
  readonly device: TestDevice;
  readonly client: TestClient;
  readonly certificate: Signed;
  readonly name: string;
  readonly address: string;
}

export function memberGreeting(network: FoundedNetwork, device: TestDevice, certificate: Signed): Greeting {
  return { role: "member", network: network.id, certificate, sign: device.identity.sign };
}

export function issuerGreeting(network: FoundedNetwork): Greeting {
  return { role: "issuer", network: network.id, issuer: network.issuer.key, sign: network.issuer.sign };
}

export function secretGreeting(network: FoundedNetwork): Greeting {
  const { issuer, id, record } = network;
  return { role: "secret", network: id, name: record.name, issuer: issuer.key, sign: issuer.sign };
}

/** Everything a router told one client. */
export class TestClient {
  control!: Control;
  readonly received: Entry[] = [];
  readonly online = new Map<IdentityKey, Presence>();
  readonly datagrams: { readonly from: SessionKey; readonly datagram: Uint8Array }[] = [];
  ended: AppError | null = null;
  readonly #waiting = new Set<() => void>();

  entries(entries: readonly Signed[]): void {
    for (const signed of entries) {
      const entry = notary.verify(signed);
      if (entry === null) throw new Error("the router passed on an entry with a wrong signature");
      this.received.push(entry);
    }
    this.#look();
  }

  presence(members: readonly Presence[], complete: boolean): void {
    if (complete) this.online.clear();
    for (const member of members) this.online.set(member.identity, member);
    this.#look();
  }

  carried(from: SessionKey, datagram: Uint8Array): void {
    this.datagrams.push({ from, datagram });
    this.#look();
  }

  closed(error: AppError): void {
    this.ended = error;
    this.#look();
  }

  isOnline(identity: IdentityKey): boolean {
    return this.online.get(identity)?.online ?? false;
  }

  of<Kind extends EntryKind>(kind: Kind): readonly EntryOf<Kind>[] {
    return this.received.filter((entry): entry is EntryOf<Kind> => entry.kind === kind);
  }

  certificateOf(identity: IdentityKey): Certificate | undefined {
    return this.of("certificate").findLast(({ body }) => body.identity === identity)?.body;
  }

  /** Resolves as soon as something that the router told makes it true; rejects with what it was after four minutes. */
  until(what: string, isTrue: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`still not: ${what}`));
      }, 240_000);
      const look = () => {
        if (!isTrue()) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  #look(): void {
    for (const look of [...this.#waiting]) look();
  }
}

/** The code of the `AppError` that a promise rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return (await errorOf(promise)).code;
}

export async function errorOf(promise: Promise<unknown>): Promise<AppError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error("it succeeded");
}
