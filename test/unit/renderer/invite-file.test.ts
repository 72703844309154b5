import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contentOf } from "../../../src-renderer/state/invite-file.ts";

describe("what a file holds", () => {
  it("[C05] is the link in a whole mail, a profile of another app, or nothing", () => {
    expect(contentOf("Hello!\n\nstarmesh://join/1/AbC-_9\nSee you.")).toEqual({
      kind: "link",
      link: "starmesh://join/1/AbC-_9",
    });
    expect(contentOf("[Interface]\nPrivateKey = x\n")).toEqual({ kind: "wireguard" });
    expect(contentOf("https://example.org")).toEqual({ kind: "nothing" });
  });

  it("is found in any text round it", () => {
    const around = fc.string().map((text) => text.replaceAll("starmesh:", ""));
    fc.assert(
      fc.property(around, fc.stringMatching(/^[\w-]{1,80}$/), around, (before, code, after) => {
        const found = contentOf(`${before} starmesh://join/1/${code}\n${after}`);
        expect(found).toEqual({ kind: "link", link: `starmesh://join/1/${code}` });
      }),
      { seed: 22 },
    );
  });
});
