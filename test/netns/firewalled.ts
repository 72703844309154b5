/** A node behind a NAT with a firewall; a router on the port of all web sites; a peer behind a NAT of its own. */
import { expect } from "vitest";
import type { RunOptions } from "./host.ts";
import { Install, inviteIn } from "./install.ts";
import type { Nat } from "./lab.ts";
import { Lab } from "./lab.ts";
import { ping, throughput } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

/** The three of them; the node behind the firewall has not been started yet. */
export class Firewalled {
  readonly lab = new Lab();
  /** What the firewall is put on. */
  readonly nat: Nat = this.lab.nat("nat-one", "port-restricted", 1);
  readonly router = new Install(this.lab, this.lab.publicHost("router"));
  readonly alpha = new Install(this.lab, this.lab.lanHost("alpha", this.nat, 2));
  readonly bravo = new Install(
    this.lab,
    this.lab.lanHost("bravo", this.lab.nat("nat-two", "port-restricted", 2), 2),
  );
  /** Bravo's in the network. */
  address = "";
  #invite = "";

  /** Router and bravo run, and are in a network. */
  async open(): Promise<void> {
    const { router, bravo } = this;
    await router.start(["router", "--listen", "0.0.0.0:443"]);
    await bravo.start();
    const created = await bravo.ok("network", "create", "home", "--router", await router.routerLink());
    this.#invite = inviteIn(created);
    ({ address: this.address } = await bravo.online("home"));
  }

  /** Alpha's engine starts and joins with what may pass. */
  async join(options: RunOptions = {}): Promise<void> {
    await this.alpha.start(["up", "--foreground"], options);
    await this.alpha.ok("join", this.#invite);
    await this.alpha.online("home");
  }

  /** Sends packets there and says how it went; answers by what transport. */
  async carries(what: string): Promise<string> {
    const begun = performance.now();
    await waitUntil("the first packet", async () => (await this.#ping(1)) === 1);
    const took = performance.now() - begun;
    const transport = await this.onTransport((each) => each !== "udp");
    const received = await this.#ping(20);
    const rate = await this.rate();
    console.log(`${what}: first packet after ${took.toFixed(0)} ms, over ${transport} at ${rate} Mbit/s`);
    // One may be under way while a second link takes over.
    expect(received).toBeGreaterThan(17);
    return transport;
  }

  /** Mbit/s to bravo. */
  async rate(): Promise<number> {
    const there = { host: this.bravo.host, address: this.address };
    const { bitsPerSecond } = await throughput(this.alpha.host, there, { seconds: 2 });
    expect(bitsPerSecond).toBeGreaterThan(1e6);
    return Math.round(bitsPerSecond / 1e6);
  }

  /** Until alpha's packets for bravo go by a transport as asked, under traffic; answers which. */
  async onTransport(fits: (transport: string) => boolean, millis?: number): Promise<string> {
    return waitUntil(
      `alpha sends by ${fits}`,
      async () => {
        await this.#ping(1);
        const { peers } = await this.alpha.status();
        const transport = peers.find(({ name }) => name === "bravo")?.path?.transport;
        return transport !== undefined && fits(transport) ? transport : null;
      },
      millis,
    );
  }

  /** Answers that come of so many. */
  async #ping(count: number): Promise<number> {
    const options = count === 1 ? { count, waitSeconds: 0.3 } : { count, intervalSeconds: 0.02 };
    return (await ping(this.alpha.host, this.address, options)).received;
  }
}
