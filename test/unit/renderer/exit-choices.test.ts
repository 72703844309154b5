import { expect, it } from "vitest";
import { exitChoices } from "../../../src-renderer/state/exit-choices.ts";

const peer = (name: string, latencyMs: number | null) => ({
  name,
  path: latencyMs === null ? null : { latencyMs },
});

it("[Z26] ways to the internet come nearest first, those that are off last, each once", () => {
  const peers = [peer("far", 90), peer("off", null), peer("near", 4.5), peer("nobody's", 1)];
  expect(exitChoices(["off", "far", "gone", "near", "far"], peers)).toEqual([
    { member: "near", latencyMs: 4.5 },
    { member: "far", latencyMs: 90 },
    { member: "gone", latencyMs: null },
    { member: "off", latencyMs: null },
  ]);
});
