/** A data plane in a namespace, called from the test: no engine decides anything. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { DataPlane, DataPlaneEvent, Endpoint } from "../../drivers/dataplane.ts";
import { openAddon } from "../../drivers/index.ts";
import { bundle, root } from "./bundle.mjs";
import type { Child, Host } from "./host.ts";
import type { PlaneEndLine, PlaneEndOptions } from "./plane-end.ts";
import { waitUntil } from "./wait.ts";

type Kind = DataPlaneEvent["kind"];
type EventOf<K extends Kind> = Extract<DataPlaneEvent, { kind: K }>;

export class RemotePlane {
  readonly host: Host;
  readonly key: string;
  /** Inner address. */
  readonly address: string;
  readonly #child: Child;
  #read = 0;
  readonly #events: DataPlaneEvent[] = [];
  readonly #results: PlaneEndLine[] = [];

  /** Its socket has port 7743; `number`: the last of its inner address, with an interface if `packets`. */
  static async start(host: Host, number: number, { packets = false } = {}): Promise<RemotePlane> {
    const privateKey = randomBytes(32).toString("base64");
    const address = `10.98.0.${number}`;
    const options: PlaneEndOptions = {
      addon: join(root, "drivers/dataplane/starmesh-dataplane.node"),
      privateKey,
      prologue: Buffer.alloc(32, 1).toString("base64"),
      epochKey: Buffer.alloc(32, 2).toString("base64"),
      inside: packets ? { address, range: "10.98.0.0/24" } : null,
    };
    const child = host.start(process.execPath, [
      await bundle("test/netns/plane-end.ts"),
      JSON.stringify(options),
    ]);
    const plane = new RemotePlane(host, child, { address, key: openAddon().publicKey(privateKey) });
    await plane.#result();
    return plane;
  }

  private constructor(host: Host, child: Child, own: { readonly address: string; readonly key: string }) {
    this.host = host;
    this.key = own.key;
    this.address = own.address;
    this.#child = child;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Calls it and waits for what that gives; an error there is one here. */
  async call<Name extends keyof DataPlane>(
    name: Name,
    ...args: Parameters<DataPlane[Name]>
  ): Promise<ReturnType<DataPlane[Name]>> {
    this.#child.write(`${JSON.stringify([name, ...args])}\n`);
    return (await this.#result()) as ReturnType<DataPlane[Name]>;
  }

  /** The next event of a kind, taken out of what was told. */
  next<K extends Kind>(
    kind: K,
    fits: (event: EventOf<K>) => boolean = () => true,
    millis?: number,
  ): Promise<EventOf<K>> {
    return waitUntil(
      `${this.host.name} tells ${kind}`,
      () => {
        this.#take();
        const at = this.#events.findIndex((event) => isOf(event, kind) && fits(event));
        const [found] = at < 0 ? [] : this.#events.splice(at, 1);
        return found !== undefined && isOf(found, kind) ? found : null;
      },
      millis,
    );
  }

  /** Makes another one a peer that is reached at its address, and at what is `behind` it. */
  async know(other: RemotePlane, behind: readonly string[] = []): Promise<void> {
    const allowed = [`${other.address}/32`, ...behind];
    await this.call("setPeer", "net", {
      publicKey: other.key,
      kind: "node",
      allowed,
      keepaliveSeconds: 25,
    });
  }

  /** Sends the peer's packets there, once it is proved. */
  async use(other: RemotePlane, endpoint: Endpoint): Promise<void> {
    await this.call("setPaths", "net", other.key, [{ endpoint, probeMillis: 100 }], {
      active: [endpoint],
      standby: [],
    });
    await this.next("proved", (event) => event.endpoint === endpoint);
  }

  async #result(): Promise<unknown> {
    const line = await waitUntil(`${this.host.name} answers`, () => {
      this.#take();
      if (this.#child.process.exitCode !== null) throw new Error(this.#child.stderr);
      return this.#results.shift();
    });
    if ("error" in line) throw new Error(line.error);
    return "result" in line ? line.result : null;
  }

  #take(): void {
    const end = this.#child.stdout.lastIndexOf("\n") + 1;
    const lines = this.#child.stdout.slice(this.#read, end).split("\n").filter(Boolean);
    this.#read = end;
    for (const text of lines) {
      const line: PlaneEndLine = JSON.parse(text);
      if ("event" in line) this.#events.push(line.event as unknown as DataPlaneEvent);
      else this.#results.push(line);
    }
  }
}

/** Two that know each other meet; answers how each sees the other. */
export async function meet(
  one: RemotePlane,
  other: RemotePlane,
  endpoint: Endpoint,
): Promise<readonly [Endpoint, Endpoint]> {
  await one.know(other);
  await other.know(one);
  await one.call("handshake", "net", other.key, [endpoint]);
  const [near, far] = [await one.next("session"), await other.next("session")];
  return [near.endpoint, far.endpoint];
}

function isOf<K extends Kind>(event: DataPlaneEvent, kind: K): event is EventOf<K> {
  return event.kind === kind;
}
