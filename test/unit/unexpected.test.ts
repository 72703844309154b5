import { afterEach, describe, expect, it } from "vitest";
import { UnexpectedErrors } from "../../src-main/unexpected.ts";

let clock = 0;
let open: UnexpectedErrors | null = null;

afterEach(() => {
  open?.close();
  open = null;
});

function watched() {
  const [logged, said]: [unknown[], unknown[]] = [[], []];
  let givenUp = 0;
  open = new UnexpectedErrors({
    log: (event, fields) => logged.push([event, fields?.["error"]]),
    say: (error) => said.push(error),
    now: () => clock,
    giveUp: () => {
      givenUp++;
    },
  });
  return { errors: open, logged, said, givenUp: () => givenUp };
}

describe("errors that nobody caught", () => {
  it("[C09 W11] are written down and said, and the process goes on", () => {
    const before = process.listenerCount("uncaughtException");
    const { errors, logged, said, givenUp } = watched();
    expect(process.listenerCount("uncaughtException")).toBe(before + 1);
    const error = new Error("a timer failed");
    errors.hear(error);
    expect(logged).toEqual([["unexpected error", error]]);
    expect(said).toEqual([error]);
    expect(givenUp()).toBe(0);
    errors.close();
    expect(process.listenerCount("uncaughtException")).toBe(before);
  });

  it("do not end it as long as they are rare", () => {
    const { errors, givenUp } = watched();
    for (let count = 0; count < 100; count++) {
      clock += 7000;
      errors.hear(new Error("now and then"));
    }
    expect(givenUp()).toBe(0);
  });

  it("end it once one follows the other", () => {
    const { errors, givenUp } = watched();
    for (let count = 0; count < 9; count++) errors.hear(new Error("again"));
    expect(givenUp()).toBe(0);
    errors.hear(new Error("again"));
    expect(givenUp()).toBe(1);
  });
});
