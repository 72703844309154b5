/** What a second look at failed tests may count as passed. */
import { expect, test } from "vitest";
import { NOTHING, passedAgain, settled } from "../../scripts/outcome.mjs";

const shaky = { suite: "netns", file: "test/netns/one.test.ts", title: "is shaky" };
const broken = { suite: "netns", file: "test/netns/one.test.ts", title: "is broken" };
const namesake = { ...broken, file: "test/netns/other.test.ts" };
const first = { ...NOTHING, passed: 5, failed: 2, failures: [shaky, broken] };

test("a failure counts as passed once it ran again and passed, and no other does", () => {
  const again = { ...NOTHING, passed: 2, failed: 1, passes: [shaky, namesake], failures: [broken] };
  const unsteady = passedAgain(first.failures, again);
  expect(unsteady).toEqual([shaky]);
  expect(settled(first, unsteady)).toMatchObject({ passed: 6, failed: 1, failures: [broken] });
});

test("a second run that ended before the tests, or found none, has shown nothing", () => {
  const before = { ...NOTHING, failed: 1, failures: [{ ...shaky, title: shaky.file }] };
  expect(passedAgain(first.failures, before)).toEqual([]);
  expect(passedAgain(first.failures, NOTHING)).toEqual([]);
});
