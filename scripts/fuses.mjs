// @ts-check
/** Sets the fuses of a packed Electron: what the program can never be made to do, whoever starts it. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { FuseState, FuseV1Options, FuseVersion, flipFuses, getCurrentFuseWire } from "@electron/fuses";

/** Every fuse there is, so that one that a later Electron adds has to be decided on here. */
export const fuses = {
  version: FuseVersion.V1,
  /** @type {true} */
  strictlyRequireAllFuses: true,
  /** Command line and service of an install are the same binary, run as plain Node. */
  [FuseV1Options.RunAsNode]: true,
  [FuseV1Options.EnableCookieEncryption]: true,
  /** Else `NODE_OPTIONS` of whoever starts it could load code into it. */
  [FuseV1Options.EnableNodeOptionsEnvironmentVariable]: false,
  /** Else `--inspect` could. */
  [FuseV1Options.EnableNodeCliInspectArguments]: false,
  [FuseV1Options.EnableEmbeddedAsarIntegrityValidation]: true,
  [FuseV1Options.OnlyLoadAppFromAsar]: true,
  /** The app ships no snapshot of its own; with the fuse it would not start. */
  [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false,
  /** Pages come by `app:`, never by `file:`. */
  [FuseV1Options.GrantFileProtocolExtraPrivileges]: false,
  /** Only makes WebAssembly faster. */
  [FuseV1Options.WasmTrapHandlers]: true,
};

/**
 * For electron-builder, which calls it with each packed folder before it signs.
 * @param {{ appOutDir: string, electronPlatformName: string }} context
 */
export async function afterPack({ appOutDir, electronPlatformName }) {
  await setFuses(packedProgram(appOutDir, electronPlatformName), electronPlatformName === "darwin");
}

/**
 * Sets them, and reads them back.
 * @param {string} program path of the packed binary, or of the app bundle
 * @param {boolean} mac arm64 binaries of macOS carry a signature, which a change breaks
 */
export async function setFuses(program, mac) {
  await flipFuses(program, { ...fuses, resetAdHocDarwinSignature: mac });
  const wrong = await wrongFuses(program);
  if (wrong.length > 0) throw new Error(`fuses of ${program} are not as they should be: ${wrong.join(", ")}`);
}

/**
 * Names of the fuses of a binary that are not as they should be.
 * @param {string} program
 */
export async function wrongFuses(program) {
  const wire = await getCurrentFuseWire(program);
  return Object.entries(FuseV1Options)
    .filter(([, fuse]) => typeof fuse === "number")
    .filter(([, fuse]) => {
      const wanted = fuses[/** @type {FuseV1Options} */ (fuse)] ? FuseState.ENABLE : FuseState.DISABLE;
      return wire[/** @type {FuseV1Options} */ (fuse)] !== wanted;
    })
    .map(([name]) => name);
}

/**
 * @param {string} folder
 * @param {string} platform
 */
function packedProgram(folder, platform) {
  if (platform === "darwin") return join(folder, "Starmesh.app");
  const names = readdirSync(folder);
  const name =
    platform === "win32"
      ? names.find((each) => /^starmesh.*\.exe$/i.test(each))
      : names.find((each) => /^starmesh(-desktop)?$/.test(each));
  if (name === undefined) throw new Error(`no program of ours in ${folder}`);
  return join(folder, name);
}
