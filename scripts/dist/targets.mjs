// @ts-check
/** The systems that packages are made for, and what their parts are called there. */

/** @typedef {"linux" | "win32" | "darwin"} Platform */
/** @typedef {"x64" | "arm64"} Architecture */
/** A system and a processor. @typedef {{ platform: Platform, arch: Architecture }} Target */

/** Every system that a release has packages for. @type {readonly Target[]} */
export const TARGETS = [
  { platform: "linux", arch: "x64" },
  { platform: "linux", arch: "arm64" },
  { platform: "win32", arch: "x64" },
  { platform: "darwin", arch: "arm64" },
  { platform: "darwin", arch: "x64" },
];

/**
 * The machine that this runs on.
 * @returns {Target}
 */
export function thisMachine() {
  const target = TARGETS.find(({ platform, arch }) => platform === process.platform && arch === process.arch);
  if (!target) throw new Error(`there are no packages for ${process.platform} on ${process.arch}`);
  return target;
}

/**
 * As it stands in the names of packages: `linux-x64`, `windows-x64`, `macos-arm64`.
 * @param {Target} target
 */
export function nameOf({ platform, arch }) {
  return `${SYSTEMS[platform]}-${arch}`;
}

/** @type {Readonly<Record<Platform, string>>} */
const SYSTEMS = { linux: "linux", win32: "windows", darwin: "macos" };
