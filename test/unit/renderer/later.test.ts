import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createLater } from "../../../src-renderer/state/later.ts";
import { AppError } from "../../../src-shared/errors.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const asError = (reason: unknown) => (reason instanceof AppError ? reason : new AppError("internal"));

describe("what waits before it is done", () => {
  it("is done after a moment, once, also when it was asked for twice", async () => {
    const run = vi.fn(async () => undefined);
    const { add, store } = createLater(asError, 8000);
    add({ key: "member nas", text: "nas is removed", run });
    await vi.advanceTimersByTimeAsync(5000);
    add({ key: "member nas", text: "nas is removed", run });
    await vi.advanceTimersByTimeAsync(7999);
    expect(run).not.toHaveBeenCalled();
    expect(store.getState().waiting).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(run).toHaveBeenCalledOnce();
    expect(store.getState()).toEqual({ waiting: [], running: [], failed: null });
  });

  it("is not done when it was taken back", async () => {
    const run = vi.fn(async () => undefined);
    const { add, takeBack, store } = createLater(asError, 8000);
    add({ key: "route", text: "", run });
    await vi.advanceTimersByTimeAsync(7000);
    takeBack("route");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(run).not.toHaveBeenCalled();
    expect(store.getState().waiting).toEqual([]);
  });

  it("waits while the reader is at the button, and has the whole moment again afterwards", async () => {
    const run = vi.fn(async () => undefined);
    const { add, hold } = createLater(asError, 8000);
    add({ key: "name", text: "", run });
    await vi.advanceTimersByTimeAsync(7000);
    hold(true);
    await vi.advanceTimersByTimeAsync(600_000);
    hold(false);
    await vi.advanceTimersByTimeAsync(7999);
    expect(run).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(run).toHaveBeenCalledOnce();
  });

  it("is done at once when the page goes", async () => {
    const run = vi.fn(async () => undefined);
    const { add, doNow } = createLater(asError, 8000);
    add({ key: "one", text: "", run });
    add({ key: "two", text: "", run });
    doNow();
    expect(run).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(run).toHaveBeenCalledTimes(2);
  });

  it("says what failed, until it is put away", async () => {
    const { add, store, putAway } = createLater(asError, 8000);
    const run = () => Promise.reject(new AppError("unknown-peer", { name: "nas", network: "home" }));
    add({ key: "member nas", text: "nas is removed", run });
    await vi.advanceTimersByTimeAsync(8000);
    expect(store.getState().failed).toMatchObject({
      text: "nas is removed",
      error: { code: "unknown-peer" },
    });
    expect(store.getState().running).toEqual([]);
    putAway();
    expect(store.getState().failed).toBeNull();
  });
});
