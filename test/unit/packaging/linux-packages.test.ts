/** The maker of deb and rpm packages: what it takes from electron-builder, and what it refuses. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readWish } from "../../../scripts/dist/fpm.mjs";

const usual = [
  ...[
    "-s",
    "dir",
    "--force",
    "-t",
    "deb",
    "-d",
    "libnss3",
    "-d",
    "xdg-utils",
    "--deb-recommends",
    "nftables",
  ],
  ...["--deb-compression", "xz", "--architecture", "amd64", "--after-install", "/scripts/after-install"],
  ...[
    "--description",
    "In one line\nIn many\nlines",
    "--version",
    "1.0.0-beta.1",
    "--package",
    "/out/starmesh.deb",
  ],
  ...["--name", "starmesh", "--maintainer", "Somebody <a@example.org>", "--license", "Apache-2.0"],
  ...["--before-remove=/scripts/before-remove", "/built/=/opt/Starmesh", "/a.desktop=/usr/share/a.desktop"],
];

describe("the arguments of a package", () => {
  it("are taken as electron-builder gives them", () => {
    expect(readWish(usual)).toMatchObject({
      kind: "deb",
      name: "starmesh",
      architecture: "amd64",
      // Sorts before 1.0.0, for dpkg and rpm alike.
      version: "1.0.0~beta.1",
      summary: "In one line",
      description: "In many\nlines",
      depends: ["libnss3", "xdg-utils"],
      recommends: ["nftables"],
      scripts: { "after-install": "/scripts/after-install", "before-remove": "/scripts/before-remove" },
      files: [
        { from: "/built/", to: "/opt/Starmesh" },
        { from: "/a.desktop", to: "/usr/share/a.desktop" },
      ],
    });
  });

  it("are refused where they are not known, so that nothing is left out unseen", () => {
    expect(() => readWish([...usual, "--config-files", "/etc/x"])).toThrow(/config-files/);
    expect(() => readWish([...usual, "nowhere"])).toThrow(/nowhere does not say where it goes/);
    expect(() => readWish(["-s", "gem", "-t", "deb"])).toThrow(/only folders/);
    expect(() => readWish(["-s", "dir", "-t", "pacman"])).toThrow(/only deb and rpm/);
  });

  it("are either taken or refused, whatever they are", () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 12 }), (args) => {
        try {
          expect(["deb", "rpm"]).toContain(readWish(args).kind);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
      { seed: 1, numRuns: 200 },
    );
  });
});
