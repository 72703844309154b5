/** One hosted network under a clock that the test moves: what time and a failing disk do to it. */
import { beforeEach, describe, expect, it } from "vitest";
import { HostedNetwork } from "../../src-main/server/hosted.ts";
import { createMemoryStore } from "../../src-main/server/memory-store.ts";
import type { SeatKind } from "../../src-main/server/seat.ts";
import type { RouterStore, StoreChange } from "../../src-main/server/store.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { SessionKey } from "../../src-shared/ids.ts";
import type { Entry, EntryOf, Signed } from "../../src-shared/trust.ts";
import type { RouterMessage } from "../../src-shared/wire.ts";
import type { TestDevice } from "../fakes/founded-network.ts";
import { FoundedNetwork, testDevice } from "../fakes/founded-network.ts";
import { createTestNotary, testEntry, testSigner } from "../fakes/notary.ts";

const notary = createTestNotary();
const minute = 60_000;
const day = 86_400_000;

describe("hosted network", () => {
  let now: number;
  let store: RouterStore;
  let network: FoundedNetwork;
  let hosted: HostedNetwork;
  const keys = new Set<SessionKey>();

  function open(kept: RouterStore = store): HostedNetwork {
    keys.clear();
    return new HostedNetwork(
      { network: network.id, entries: [], reservations: [] },
      {
        notary,
        store: kept,
        now: () => now,
        keyChanged: (_hosted, key, member) => void (member ? keys.add(key) : keys.delete(key)),
        refused: () => undefined,
      },
    );
  }

  beforeEach(async () => {
    now = 1_800_000_000_000;
    store = createMemoryStore();
    network = new FoundedNetwork({ now });
    hosted = open();
    await hosted.merge([entry(network.signedRecord())]);
  });

  /** Everything on disk, as an overview. */
  async function kept(): Promise<readonly string[]> {
    const [stored] = await store.load();
    return (stored?.entries ?? []).map(({ signed }) => signed.kind).sort();
  }

  function seat(device: TestDevice, kind: SeatKind = "member") {
    const told: RouterMessage[] = [];
    const outlet = {
      remote: "198.51.100.9",
      send: (message: RouterMessage) => told.push(message),
      sendBytes: (bytes: Uint8Array) => told.push(JSON.parse(Buffer.from(bytes).toString()) as RouterMessage),
      refuse: (error: AppError) => told.push({ kind: "refused", error: { code: error.code, message: "" } }),
      close: () => undefined,
    };
    hosted.sit({ kind, identity: device.identity.key, outlet, udp: false, farewell: null });
    const entries = () => told.flatMap((message) => (message.kind === "entries" ? message.entries : []));
    return { told, entries, last: () => told.at(-1) };
  }

  it("[E13] deletes an invite's envelope ten minutes after the invite was used up, not before", async () => {
    const invite = testSigner();
    const envelope = network.envelope(testDevice().sessionKey, invite.key);
    await hosted.merge([entry(network.delegation(invite, { count: 1 })), entry(envelope)]);
    const joined = network.certificate(testDevice(), { issued: now }, invite);
    hosted.noteAdmission(invite.key);
    await hosted.merge([entry(joined)]);
    const waiting = () =>
      hosted.stateFor("member", certificate(joined)).filter(({ kind }) => kind === "epoch");
    now += 9 * minute;
    await hosted.sweep();
    expect(waiting()).toHaveLength(1);
    expect(await kept()).toContain("epoch");
    now += 2 * minute;
    await hosted.sweep();
    expect(waiting()).toEqual([]);
    expect(await kept()).not.toContain("epoch");
  });

  it("[W04] keeps the newest policy of each administrator, for members; who waits for approval does not see it", async () => {
    const device = testDevice();
    const joined = network.certificate(device);
    const policy = (version: number) =>
      testEntry(
        "policy",
        { network: network.id, version, at: now, members: {}, policy: { default: "none" } },
        network.issuer,
      );
    const one = seat(device);
    const other = seat(testDevice(), "waiting");
    await hosted.merge([entry(joined), entry(policy(2))]);
    await hosted.merge([entry(policy(1))]);
    expect((await kept()).filter((kind) => kind === "policy")).toHaveLength(1);
    const shown = (kind: SeatKind) =>
      hosted.stateFor(kind, certificate(joined)).filter((each) => each.kind === "policy");
    expect(shown("member").map(({ body }) => "version" in body && body.version)).toEqual([2]);
    expect(shown("waiting")).toEqual([]);
    expect(one.entries().map(({ kind }) => kind)).toContain("policy");
    expect(other.entries().map(({ kind }) => kind)).not.toContain("policy");
  });

  it("keeps the envelope of an invite that is open", async () => {
    const invite = testSigner();
    await hosted.merge([
      entry(network.delegation(invite)),
      entry(network.envelope(testDevice().sessionKey, invite.key)),
    ]);
    now += 60 * minute;
    await hosted.sweep();
    expect(await kept()).toContain("epoch");
    now += day;
    await hosted.sweep();
    expect(await kept()).not.toContain("epoch");
  });

  it("lets go of a member whose certificate has ended, and says so to it", async () => {
    const device = testDevice();
    await hosted.merge([entry(network.certificate(device, { expires: now + day }))]);
    const { last } = seat(device);
    expect(keys).toEqual(new Set([device.sessionKey]));
    now += day + 1;
    await hosted.sweep();
    expect(keys.size).toBe(0);
    expect(last()).toMatchObject({ kind: "refused", error: { code: "not-allowed" } });
    expect(await kept()).toEqual(["network"]);
    const [stored] = await store.load();
    expect(stored?.reservations).toEqual([
      { identity: device.identity.key, name: "node", address: "10.20.0.9", until: now + 30 * day },
    ]);
    now += 31 * day;
    await hosted.sweep();
    expect((await store.load())[0]?.reservations).toEqual([]);
  });

  it("follows a member to its new session key, and stops answering the old one", async () => {
    const device = testDevice();
    await hosted.merge([entry(network.certificate(device))]);
    const renewed = { ...device, sessionKey: testDevice().sessionKey };
    await hosted.merge([entry(network.certificate(renewed, { serial: 2 }))]);
    expect(keys).toEqual(new Set([renewed.sessionKey]));
  });

  it("keeps those connected whom a removed administrator had signed for, until another renews them", async () => {
    const [admin, member] = [testDevice(), testDevice()];
    await hosted.merge([
      entry(network.adminCertificate(admin)),
      entry(network.certificate(member, { name: "member" }, admin.identity)),
    ]);
    const { told, entries } = seat(member);
    await hosted.merge([entry(network.revocation(admin))]);
    expect(keys.size).toBe(0);
    expect(told.filter(({ kind }) => kind === "refused")).toEqual([]);
    expect(hosted.audience.online).toBe(0);
    const renewed = network.certificate(member, { name: "member", serial: 2 });
    await hosted.merge([entry(renewed)]);
    expect(keys).toEqual(new Set([member.sessionKey]));
    expect(entries().map(({ body }) => body)).toContain(renewed.body);
    expect(hosted.audience.online).toBe(1);
  });

  it("writes again what a full disk refused", async () => {
    let full = true;
    const failing: RouterStore = {
      ...store,
      change: (id, change: StoreChange) =>
        full
          ? Promise.reject(new AppError("state-not-writable", { folder: "x", detail: "full" }))
          : store.change(id, change),
    };
    hosted = open(failing);
    await expect(
      hosted.merge([entry(network.signedRecord()), entry(network.certificate(testDevice()))]),
    ).rejects.toThrow(/full/);
    full = false;
    await hosted.merge([
      entry(network.certificate(testDevice(), { name: "other", addresses: ["10.20.0.10"] })),
    ]);
    expect(await kept()).toEqual(["certificate", "certificate", "network"]);
    expect((await store.load())[0]?.reservations).toHaveLength(2);
  });

  it("takes up exactly what it left, and drops from the disk what stopped counting meanwhile", async () => {
    const invite = testSigner();
    const device = testDevice();
    await hosted.merge([
      entry(network.delegation(invite)),
      entry(network.certificate(device, { issued: now }, invite)),
      entry(network.nodeRecord(device, 1)),
    ]);
    const [stored] = await store.load();
    if (stored === undefined) throw new Error("nothing stored");
    const surroundings = {
      notary,
      store,
      now: () => now,
      keyChanged: () => undefined,
      refused: () => undefined,
    };
    expect(new HostedNetwork(stored, surroundings).digest()).toBe(hosted.digest());
    now += 40 * day;
    const later = new HostedNetwork(stored, surroundings);
    await later.merge([entry(network.signedRecord({ version: 2 }))]);
    expect(await kept()).toEqual(["network"]);
  });
});

function entry(signed: Signed): Entry {
  const found = notary.verify(signed);
  if (found === null) throw new Error("a test's own mistake");
  return found;
}

function certificate(signed: Signed): EntryOf<"certificate"> {
  const found = entry(signed);
  if (found.kind !== "certificate") throw new Error("a test's own mistake");
  return found;
}
