/**
 * Changes of the system through the privileged helper, which undoes them when this process is gone. When the helper itself ends,
 * the next one is given what the last one had done: interfaces by their descriptors, everything else by asking again.
 */
import { closeSync } from "node:fs";
import type { TunCheck, TunDevice, TunOptions } from "../../drivers/tun/tun.ts";
import type { Caller } from "../../src-shared/api/channel.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { OutsideProgram } from "../../src-shared/exit.ts";
import type { Done, HelperConnection } from "./helper-connection.ts";
import type { HelperRequest } from "./helper-requests.ts";
import {
  addressRequest,
  dnsRequest,
  exitRequest,
  firewallRequest,
  linkRequest,
  passageRequest,
  routeRequest,
} from "./helper-requests.ts";
import { canAskUser, reachHelper, startByLeave } from "./helper-start.ts";
import { watchFirewalls } from "./host-firewall.ts";
import { connectMarked } from "./marked-socket.ts";
import type { Rights, RightsState } from "./rights.ts";
import type { SystemChanges, Watch } from "./system.ts";

/** What changes the system through a helper, now or as soon as there is one. `check`: why this process cannot by itself. */
export function throughHelper(check: () => TunCheck): SystemChanges {
  return new ThroughHelper(check);
}

class ThroughHelper implements SystemChanges {
  readonly rights: Rights;
  readonly #check: () => TunCheck;
  #connection: HelperConnection | null = null;
  /** There was one. */
  #wasLost = false;
  /** The last one was started by the user's leave: nobody but they start it again. */
  #byLeave = false;
  #closed = false;
  /** What is to be so, in the order in which it was asked for, each under a name of its own. */
  readonly #made = new Map<string, HelperRequest>();
  readonly #tuns = new Map<string, number>();
  readonly #watchers = new Set<() => void>();
  readonly #waiting = new Set<() => void>();
  #timer: NodeJS.Timeout | null = null;

  constructor(check: () => TunCheck) {
    this.#check = check;
    this.rights = {
      state: () => this.#state(),
      check: () => this.#checkTun(),
      ask: () => this.#ask(),
      watch: (onChange) => this.#watch(onChange),
      close: () => this.#close(),
    };
    const connection = reachHelper();
    if (connection === null) this.#retry();
    else void this.#adopt(connection);
  }

  async openTun({ mtu }: TunOptions): Promise<TunDevice> {
    const { name, descriptors } = await this.#request({ do: "openTun", mtu });
    const [fd] = descriptors;
    if (name === null || fd === undefined) throw new AppError("helper-lost");
    this.#tuns.set(name, fd);
    return {
      name,
      fd,
      offload: process.platform === "linux",
      close: () => {
        if (this.#tuns.get(name) !== fd) return;
        this.#tuns.delete(name);
        this.#forget(name);
        closeSync(fd);
      },
    };
  }

  marker(): number | null {
    return this.#connection?.marker ?? null;
  }

  async listenNames(
    address: string,
  ): Promise<{ readonly datagrams: number; readonly stream: number } | null> {
    const { descriptors } = await this.#request({ do: "listenNames", address });
    const [datagrams, stream] = descriptors;
    if (datagrams === undefined || stream === undefined) throw new AppError("helper-lost");
    return { datagrams, stream };
  }

  async setLink(change: Parameters<SystemChanges["setLink"]>[0]): Promise<void> {
    await this.#make(`${change.device} link`, linkRequest(change));
  }

  async removeLink(device: string): Promise<void> {
    this.#forget(device);
    await this.#request({ do: "removeLink", device });
  }

  async addAddress(change: Parameters<SystemChanges["addAddress"]>[0]): Promise<void> {
    await this.#make(nameOf(addressRequest("add", change)), addressRequest("add", change));
  }

  async removeAddress(change: Parameters<SystemChanges["removeAddress"]>[0]): Promise<void> {
    this.#made.delete(nameOf(addressRequest("add", change)));
    await this.#request(addressRequest("remove", change));
  }

  async addRoute(change: Parameters<SystemChanges["addRoute"]>[0]): Promise<void> {
    await this.#make(nameOf(routeRequest("add", change)), routeRequest("add", change));
  }

  async removeRoute(change: Parameters<SystemChanges["removeRoute"]>[0]): Promise<void> {
    this.#made.delete(nameOf(routeRequest("add", change)));
    await this.#request(routeRequest("remove", change));
  }

  async changeSetting(name: string, value: string): Promise<void> {
    // Put back as it was, it is nothing to be made again.
    const isBack = this.#made.delete(`setting ${name}`);
    const request = { do: "changeSetting", name, value };
    await (isBack ? this.#request(request) : this.#make(`setting ${name}`, request));
  }

  async setPassage(...[name, sites]: Parameters<SystemChanges["setPassage"]>): Promise<void> {
    const request = passageRequest(name, sites);
    if (sites !== null) return this.#make(`passage ${name}`, request);
    this.#made.delete(`passage ${name}`);
    await this.#request(request);
  }

  async firewalls(opening: Parameters<SystemChanges["firewalls"]>[0]) {
    return (await this.#request(firewallRequest("find", opening))).firewalls;
  }

  async openFirewalls(opening: Parameters<SystemChanges["openFirewalls"]>[0]): Promise<void> {
    await this.#make(`firewalls ${opening.mark}`, firewallRequest("open", opening));
  }

  async closeFirewalls(mark: string): Promise<void> {
    this.#made.delete(`firewalls ${mark}`);
    await this.#request({ do: "closeFirewalls", name: mark });
  }

  watchFirewalls(onChange: () => void): Watch {
    const socket = this.#request({ do: "watchFirewalls" }).then(({ descriptors: [fd] }) => {
      if (fd === undefined) throw new AppError("helper-lost");
      return fd;
    });
    return watchFirewalls(onChange, socket);
  }

  async setExit(change: Parameters<SystemChanges["setExit"]>[0]): Promise<void> {
    await this.#make("exit", exitRequest(change));
  }

  async removeExit(): Promise<void> {
    this.#made.delete("exit");
    await this.#request({ do: "removeExit" });
  }

  // The helper makes the group for the first program.
  async openOutside(): Promise<void> {}

  async enterOutside(name: string, caller: Caller): Promise<number> {
    const { process } = await this.#request({ do: "enterOutside", name }, () => caller.connection());
    if (process === null) throw new AppError("helper-lost");
    return process;
  }

  async outside(name: string): Promise<readonly OutsideProgram[]> {
    if (this.#connection === null) return [];
    return (await this.#connection.ask({ do: "listOutside", name })).programs;
  }

  async leaveOutside(name: string, process: number): Promise<void> {
    await this.#request({ do: "leaveOutside", name, process });
  }

  async closeOutside(name: string): Promise<void> {
    await this.#request({ do: "closeOutside", name });
  }

  async setDns(change: Parameters<SystemChanges["setDns"]>[0]): Promise<void> {
    await this.#make(nameOfDns(change), dnsRequest("set", change));
  }

  async removeDns(change: Parameters<SystemChanges["removeDns"]>[0]): Promise<void> {
    this.#made.delete(nameOfDns(change));
    await this.#request(dnsRequest("remove", change));
  }

  connectMarked(...[target, mark]: Parameters<SystemChanges["connectMarked"]>) {
    return connectMarked(target, { mark, markBy: (fd) => this.#connection?.mark(fd) ?? false });
  }

  async #make(name: string, request: HelperRequest): Promise<void> {
    await this.#request(request);
    this.#made.delete(name);
    this.#made.set(name, request);
  }

  /** What was made on an interface goes with it. */
  #forget(device: string): void {
    for (const [name, request] of this.#made) if (request["device"] === device) this.#made.delete(name);
  }

  /** `descriptor`: goes along; it is asked for when the request is sent. */
  async #request(request: HelperRequest, descriptor: () => number | null = () => null): Promise<Done> {
    if (this.#connection === null && this.#comesBack) await this.#back();
    if (this.#connection === null) throw this.#refusal();
    return this.#connection.ask(request, descriptor() ?? undefined);
  }

  /** Waits a while for a helper that ended to come back. */
  #back(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, backMillis);
      this.#waiting.add(done);
    });
  }

  #refusal(): AppError {
    const check = this.#check();
    return this.#comesBack || check.ok ? new AppError("helper-lost") : check.reason;
  }

  get #comesBack(): boolean {
    return this.#wasLost && !this.#byLeave;
  }

  #state(): RightsState {
    if (this.#connection !== null) return { kind: "helper" };
    return this.#comesBack ? { kind: "lost" } : { kind: "none", canAsk: canAskUser() };
  }

  #checkTun(): TunCheck {
    return this.#connection === null ? { ok: false, reason: this.#refusal() } : { ok: true };
  }

  async #ask(): Promise<void> {
    if (this.#connection !== null) return;
    const connection = await startByLeave();
    if (this.#connection !== null || this.#closed) connection.close();
    else await this.#adopt(connection, { byLeave: process.platform === "linux" });
  }

  async #adopt(connection: HelperConnection, { byLeave = false } = {}): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#connection = connection;
    this.#byLeave = byLeave;
    connection.open(() => {
      this.#connection = null;
      this.#wasLost = true;
      this.#retry();
      this.#changed();
    });
    await this.#makeAgain(connection);
    this.#wasLost = false;
    for (const wake of this.#waiting) wake();
    this.#changed();
  }

  /** What is there still is refused as being there already, and what is not possible any more is tried by who asked for it. */
  async #makeAgain(connection: HelperConnection): Promise<void> {
    for (const fd of this.#tuns.values()) await connection.ask({ do: "claimTun" }, fd).catch(() => undefined);
    for (const request of [...this.#made.values()]) await connection.ask(request).catch(() => undefined);
  }

  #retry(): void {
    if (this.#closed) return;
    this.#timer ??= setInterval(
      () => {
        const connection = reachHelper();
        if (connection !== null) void this.#adopt(connection);
      },
      this.#wasLost ? retryMillis : lookMillis,
    ).unref();
  }

  #watch(onChange: () => void): Watch {
    this.#watchers.add(onChange);
    return { close: () => void this.#watchers.delete(onChange) };
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher();
  }

  #close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#connection?.close();
    this.#connection = null;
  }
}

function nameOf(request: HelperRequest): string {
  const { device, address, prefix } = request;
  return `${String(device)} ${String(address ?? prefix)}`;
}

function nameOfDns(change: Parameters<SystemChanges["setDns"]>[0]): string {
  return change.way === "file" ? "dns" : `${change.way === "resolved" ? change.device : change.name} dns`;
}

const retryMillis = 1000;
/** Where there was none yet, one may be installed while this runs. */
const lookMillis = 5000;
/** A service is started anew within this time. */
const backMillis = 10_000;
