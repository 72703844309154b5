/** A control socket that is kept: how soon a loss is noticed on either side, and how it comes back. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Control } from "../../src-main/transport/control.ts";
import type { KeptControl } from "../../src-main/transport/keep.ts";
import { keepControl } from "../../src-main/transport/keep.ts";
import type { AppError } from "../../src-shared/errors.ts";
import type { Presence } from "../../src-shared/wire.ts";
import type { Hosted, Joined } from "./control-world.ts";
import { memberGreeting, notary, World } from "./control-world.ts";

/** What a kept socket told, and when. */
class Diary {
  readonly events: { readonly at: number; readonly what: string }[] = [];
  readonly online = new Map<string, Presence>();
  control: Control | null = null;
  kept: KeptControl | null = null;

  readonly listener = {
    online: (control: Control) => {
      this.control = control;
      this.#note("online");
    },
    offline: (error: AppError) => this.#note(error.code),
    entries: () => undefined,
    presence: (members: readonly Presence[], complete: boolean) => {
      if (complete) this.online.clear();
      for (const member of members) this.online.set(member.identity, member);
    },
    carried: () => undefined,
  };

  count(what: string): number {
    return this.events.filter((event) => event.what === what).length;
  }

  last(): { readonly at: number; readonly what: string } | undefined {
    return this.events.at(-1);
  }

  #note(what: string): void {
    this.events.push({ at: performance.now(), what });
  }
}

function keep(
  world: World,
  hosted: Hosted,
  { device, certificate }: Pick<Joined, "device" | "certificate">,
): Diary {
  const diary = new Diary();
  diary.kept = keepControl({
    notary,
    target: () => ({
      addresses: [world.address],
      pin: world.router.keys.pin,
      greeting: memberGreeting(hosted.network, device, certificate),
    }),
    listener: diary.listener,
    random: () => 0.5,
    ...(world.memory === null ? {} : { connect: world.memory.connect }),
  });
  return diary;
}

describe("kept control socket, simulated clock", () => {
  let world: World;
  let hosted: Hosted;
  let diary: Diary;
  let witness: Diary;
  let device: Joined["device"];
  beforeEach(async () => {
    vi.useFakeTimers({
      toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"],
    });
    world = new World("memory");
    await world.start();
    hosted = await world.found();
    const { key } = await world.invite(hosted);
    const joined = await world.admit(hosted, key);
    joined.client.control.close();
    device = joined.device;
    witness = keep(world, hosted, { device: hosted.admin, certificate: hosted.certificate });
    diary = keep(world, hosted, joined);
    await passes(1000);
  });
  afterEach(async () => {
    diary.kept?.close();
    witness.kept?.close();
    await world.close();
    vi.useRealTimers();
  });

  it("[P31] stays up when nobody says anything for an hour", async () => {
    await passes(3_600_000);
    expect(diary.events.map(({ what }) => what)).toEqual(["online"]);
  });

  it("[C08 P31] notices a line that went silent within 10 s, and so does the router", async () => {
    world.memory?.silence(world.address, true);
    const begun = performance.now();
    await passes(10_000);
    expect(diary.last()?.what).toBe("router-lost");
    expect((diary.last()?.at ?? 0) - begun).toBeLessThanOrEqual(10_000);
    expect(diary.kept?.current()).toBeNull();
    await passes(2000);
    expect(world.router.state()?.networks[0]?.online).toBe(0);
  });

  it("[C09 P31] comes back by itself however long the router was gone, within 10 s of its return", async () => {
    await world.router.stop();
    await passes(100);
    expect(diary.last()?.what).toBe("router-lost");
    await passes(24 * 3_600_000);
    expect(diary.last()?.what).toBe("router-unreachable");
    expect(diary.count("router-unreachable")).toBeGreaterThan(5000);
    await world.restart();
    await passes(10_000);
    expect(diary.last()?.what).toBe("online");
    expect(diary.kept?.current()).toBe(diary.control);
    await passes(1000);
    expect(witness.online.get(device.identity.key)?.online).toBe(true);
  });

  it("tries again within 0.5 s of a loss", async () => {
    const before = diary.count("online");
    await world.restart();
    await passes(500);
    expect(diary.count("online")).toBe(before + 1);
  });

  it("tries at once when the network changes, and doubts a socket that still seems open", async () => {
    world.memory?.silence(world.address, true);
    diary.kept?.hurry();
    await passes(2100);
    expect(diary.last()?.what).toBe("router-lost");
    await passes(60_000);
    const failures = diary.events.length;
    world.memory?.silence(world.address, false);
    diary.kept?.hurry();
    await passes(0);
    // A try that ran on the old network may still be under way: it is followed by another at once.
    if (diary.last()?.what !== "online") await passes(8000);
    expect(diary.last()?.what).toBe("online");
    expect(diary.events.length - failures).toBeLessThanOrEqual(2);
    diary.kept?.hurry();
    await passes(5000);
    expect(diary.last()?.what).toBe("online");
  });

  it("asks seldom what was refused for good, and says why each time", async () => {
    await world.publish(hosted, [hosted.network.revocation(device)]);
    await passes(60_000);
    expect(diary.count("revoked")).toBeGreaterThan(1);
    expect(diary.count("revoked")).toBeLessThan(14);
  });

  it("is quiet once closed", async () => {
    diary.kept?.close();
    const told = diary.events.length;
    await world.restart();
    await passes(60_000);
    expect(diary.events).toHaveLength(told);
  });
});

/** Lets simulated time pass, a little at a time, so that what waits for microtasks gets its turn. */
async function passes(millis: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(millis);
}

describe("kept control socket over TLS", () => {
  it("[C09] is back with the next try after the router's return", async () => {
    const world = new World("tls");
    await world.start();
    const hosted = await world.found();
    const diary = keep(world, hosted, { device: hosted.admin, certificate: hosted.certificate });
    await vi.waitFor(() => expect(diary.count("online")).toBe(1), 30_000);
    await world.restart();
    const returned = performance.now();
    await vi.waitFor(() => expect(diary.count("online")).toBe(2), 30_000);
    // The next try comes within two seconds; the rest is for a busy machine.
    expect((diary.last()?.at ?? 0) - returned).toBeLessThan(15_000);
    diary.kept?.close();
    await world.close();
  });
});
