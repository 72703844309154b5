import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Heartbeat } from "../../../src-main/transport/heartbeat.ts";
import { tickMillis } from "../../../src-main/transport/tick.ts";

/** Looks once a second from a phase on; answers when the end was called, or null within a minute. */
function deathAfter(
  lastHeard: number,
  phase: number,
  answers: (now: number) => boolean = () => false,
): number | null {
  const heartbeat = new Heartbeat(0);
  heartbeat.heard(lastHeard);
  for (let now = lastHeard + phase; now < lastHeard + 60_000; now += tickMillis) {
    const beat = heartbeat.beat(now);
    if (beat === "dead") return now - lastHeard;
    if (beat === "ping" && answers(now)) heartbeat.heard(now + 40);
  }
  return null;
}

describe("heartbeat", () => {
  it("[C08 P31] finds a dead end within 10 s, whenever it died, and asks before", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 100_000 }),
        fc.integer({ min: 1, max: tickMillis }),
        (heard, phase) => {
          const after = deathAfter(heard, phase);
          expect(after).not.toBeNull();
          expect(after).toBeGreaterThan(8_000);
          expect(after).toBeLessThanOrEqual(10_000);
        },
      ),
    );
  });

  it("leaves a quiet end alone as long as it answers", () => {
    expect(deathAfter(0, 500, () => true)).toBeNull();
  });

  it("asks every 3 s of silence, not at every look", () => {
    const heartbeat = new Heartbeat(0);
    const beats = Array.from({ length: 9 }, (_, at) => heartbeat.beat((at + 1) * 1000));
    expect(beats).toEqual(["none", "none", "ping", "none", "none", "ping", "none", "none", "dead"]);
  });

  it("[C08] asks also while the other end talks all the time", () => {
    const heartbeat = new Heartbeat(0);
    const beats = Array.from({ length: 6 }, (_, at) => {
      heartbeat.heard((at + 1) * 1000 - 1);
      return heartbeat.beat((at + 1) * 1000);
    });
    expect(beats).toEqual(["none", "none", "ping", "none", "none", "ping"]);
  });

  it("in doubt gives two seconds, and takes any sign of life", () => {
    const heartbeat = new Heartbeat(0);
    heartbeat.heard(1000);
    heartbeat.doubt(1500);
    expect(heartbeat.beat(1500)).toBe("ping");
    expect(heartbeat.beat(3400)).toBe("none");
    expect(heartbeat.beat(3500)).toBe("dead");
    heartbeat.heard(3500);
    expect(heartbeat.beat(3600)).toBe("none");
  });
});
