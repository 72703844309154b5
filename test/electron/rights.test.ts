/** Missing rights: people are told why before the system asks, once, and find the question again in the tray. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AppError } from "../../src-shared/errors.ts";
import { closeDesk, FakeAccess, menuItem, openDesk, until } from "./desk.ts";
import { dialog, resetElectron } from "./fake-electron.ts";

let access: FakeAccess;

beforeEach(() => {
  resetElectron();
  access = new FakeAccess(true);
  const { handlers } = access.fake;
  const watch = handlers["status.watch"];
  vi.spyOn(handlers, "status.watch").mockImplementation(async function* (input, signal) {
    for await (const status of watch(input, signal))
      yield { ...status, node: { ...status.node, rights: { kind: "none", canAsk: true } } };
  });
});
afterEach(() => closeDesk(access));

test("whoever agrees is asked by the system; a refusal is said, and the window does not ask again", async () => {
  const ask = vi
    .spyOn(access.fake.handlers, "rights.ask")
    .mockRejectedValue(new AppError("timeout", { what: "Asking" }));
  await openDesk(access, "/pages");
  await until(() => dialog.questions.length === 1 && dialog.errors.length === 1);
  expect(dialog.questions).toEqual(["Starmesh may not connect this computer yet."]);
  expect(dialog.errors).toEqual(["Asking took too long. Try again."]);
  menuItem("Allow Starmesh to connect…")?.click?.();
  await until(() => ask.mock.calls.length === 2);
  expect(dialog.questions).toHaveLength(1);
});

test("whoever does not want to is not asked by the system", async () => {
  const ask = vi.spyOn(access.fake.handlers, "rights.ask");
  dialog.response = 1;
  await openDesk(access, "/pages");
  await until(() => dialog.questions.length === 1 && menuItem("Disconnect") !== undefined);
  expect(ask).not.toHaveBeenCalled();
});
